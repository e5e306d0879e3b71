---- MODULE Missionaries ----
(* Three missionaries and three cannibals cross a river with a boat for two, and on neither bank
   may missionaries be outnumbered. It takes 11 crossings, as is well known.
   The test counts the states over again in Python. *)
EXTENDS Naturals
VARIABLES m, c, boat  \* missionaries and cannibals on the first bank, and whether the boat is there
Safe(a, b) == a = 0 \/ a >= b
Init == m = 3 /\ c = 3 /\ boat = TRUE
Cross == \E load \in {<<1, 0>>, <<2, 0>>, <<0, 1>>, <<0, 2>>, <<1, 1>>} :
  /\ IF boat THEN m >= load[1] /\ c >= load[2] /\ m' = m - load[1] /\ c' = c - load[2]
             ELSE m + load[1] <= 3 /\ c + load[2] <= 3 /\ m' = m + load[1] /\ c' = c + load[2]
  /\ boat' = ~boat
  /\ Safe(m', c') /\ Safe(3 - m', 3 - c')
NotAcross == m + c > 0
====
