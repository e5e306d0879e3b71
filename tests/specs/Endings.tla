---- MODULE Endings ----
(* One action of two disjuncts, the second of which is never enabled. *)
VARIABLE at
Init == at = "begin"
Move ==
  \/ at = "begin" /\ at' \in {"left", "right"}
  \/ at = "nowhere" /\ at' = "begin"
Next == Move
====
