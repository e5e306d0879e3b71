---- MODULE Fence ----
(* Two walkers on a line without end; only constraints keep them near. Waiting changes nothing. *)
EXTENDS Naturals, TLC
CONSTANTS Walkers, Far
VARIABLE at
Init == at \in [Walkers -> 0..1]
Step(w) == at' = [at EXCEPT ![w] = @ + 1]
Back(w) == at[w] > 0 /\ at' = [at EXCEPT ![w] = @ - 1]
Wait(w) == UNCHANGED at
Next == \E w \in Walkers : Step(w) \/ Back(w) \/ Wait(w)
Near == \A w \in Walkers : at[w] <= Far
Forward == \A w \in Walkers : at'[w] >= at[w]
Early == TLCGet("level") < 4
Noted == TLCSet(7, at) /\ TLCGet(7) = at
Twice == Next \/ Next
Alike == Permutations(Walkers)
(* What two walkers have in common, and no more. *)
Sum == LET Total[S \in SUBSET Walkers] ==
             IF S = {} THEN 0 ELSE LET w == CHOOSE w \in S : TRUE IN at[w] + Total[S \ {w}]
       IN Total[Walkers]
Broken == at' = [at EXCEPT ![CHOOSE w \in Walkers : at[w] = 7] = 0]
BreaksLater == IF \A w \in Walkers : at[w] < 2 THEN Next ELSE Broken
Nowhere == at \in [Walkers -> {}]
Loose == UNCHANGED <<>>
====
