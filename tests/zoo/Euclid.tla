---- MODULE Euclid ----
(* The greatest common divisor by subtraction, from all pairs up to N: every state is initial, and all
   but those with x = y have one successor. N^2 distinct, 2 N^2 - N generated. *)
EXTENDS Naturals
CONSTANT N
VARIABLES x, y
RECURSIVE Divisor(_, _)
Divisor(a, b) == IF b = 0 THEN a ELSE Divisor(b, a % b)
Init == x \in 1..N /\ y \in 1..N
Next == \/ x > y /\ x' = x - y /\ UNCHANGED y
        \/ y > x /\ y' = y - x /\ UNCHANGED x
Divides == LET d == Divisor(x, y) IN x % d = 0 /\ y % d = 0 /\ \A e \in (d + 1)..N : x % e # 0 \/ y % e # 0
Kept == [][Divisor(x', y') = Divisor(x, y)]_<<x, y>>
Spec == Init /\ [][Next]_<<x, y>>
====
