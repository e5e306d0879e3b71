---- MODULE Elevator ----
(* An elevator goes up and down between floors and opens where it is called. Whoever calls it again and
   again where it stands keeps it there, if moving is only weakly fair: a behaviour with a loop.
   The test counts the states over again in Python. *)
EXTENDS Integers
CONSTANT Floors
VARIABLES floor, direction, calls
vars == <<floor, direction, calls>>
Init == floor = 1 /\ direction = 1 /\ calls = {}
Call(f) == f \notin calls /\ calls' = calls \union {f} /\ UNCHANGED <<floor, direction>>
Open == floor \in calls /\ calls' = calls \ {floor} /\ UNCHANGED <<floor, direction>>
Move ==
  /\ floor \notin calls /\ calls # {}
  /\ LET turns == floor + direction \notin 1..Floors
         heading == IF turns THEN -direction ELSE direction
     IN  direction' = heading /\ floor' = floor + heading
  /\ UNCHANGED calls
Next == Open \/ Move \/ \E f \in 1..Floors : Call(f)
Weak == Init /\ [][Next]_vars /\ WF_vars(Move) /\ SF_vars(Open)
Strong == Weak /\ SF_vars(Move)
Answered == \A f \in 1..Floors : f \in calls ~> f \notin calls
Inside == floor \in 1..Floors /\ direction \in {-1, 1}
====
