---- MODULE Labels ----
(* Every step writes down its action. Behaviours end in all ways: at a dead end (100), outside of the
   constraint (9), and at the depth. *)
EXTENDS Naturals
VARIABLES x, did
Init == x \in {0, 3} /\ did = "Init"
Up == x < 6 /\ x' = x + 1 /\ did' = "Up"
Jump(n) == x % 2 = 0 /\ x < 12 /\ x' = x + n /\ did' = "Jump"
Back == x \in 5..50 /\ x' = x - 5 /\ did' = "Back"
Stop == x = 7 /\ x' = 100 /\ did' = "Stop"
Never == x = 99 /\ x' = 0 /\ did' = "Never"
Next == Up \/ (\E n \in 2..3 : Jump(n)) \/ Back \/ Stop \/ Never
Bound == x # 9
====
