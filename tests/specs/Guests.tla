---- MODULE Guests ----
(* Three guests arrive one by one, in any order: 8 states; 4 if it does not matter who is who. *)
EXTENDS TLC
CONSTANT Guest
VARIABLE here
Init == here = {}
Next == \E guest \in Guest \ here : here' = here \union {guest}
Spec == Init /\ [][Next]_here /\ WF_here(Next)
Alike == Permutations(Guest)
AllCome == <>(here = Guest)
====
