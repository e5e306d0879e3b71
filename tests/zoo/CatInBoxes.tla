---- MODULE CatInBoxes ----
(* A cat in one of N boxes moves to a box beside every night; somebody looks into one box every morning.
   The plan 2, ..., N-1, N-1, ..., 2 finds it wherever it is. To look into all in their order, again and
   again, does not if N is even: the cat passes by when it is one box away. The test counts the states over again in Python. *)
EXTENDS Naturals, Sequences
CONSTANTS N, Plan
VARIABLES cat, day, found
vars == <<cat, day, found>>
ThereAndBack == [i \in 1..(2 * N - 4) |-> IF i <= N - 2 THEN i + 1 ELSE 2 * N - 2 - i]
There == [i \in 1..N |-> i]
Init == cat \in 1..N /\ day = 1 /\ found = FALSE
Look ==
  /\ ~found
  /\ found' = (Plan[day] = cat)
  /\ day' = (day % Len(Plan)) + 1
  /\ cat' \in IF Plan[day] = cat THEN {cat} ELSE {cat - 1, cat + 1} \intersect (1..N)
Spec == Init /\ [][Look]_vars /\ WF_vars(Look)
Found == <>found
====
