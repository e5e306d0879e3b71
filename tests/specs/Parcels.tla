---- MODULE Parcels ----
(* Parcels that travel between two lines, independently: some 10,000 states, few levels. For checks that
   share the work: symmetric parcels, a bound as a constraint, and a violation that is some steps away. *)
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS Items, Far
ASSUME Enough == Far > 0
VARIABLES at, log
Init == at = [p \in Items |-> 0] /\ log = 0
Move(p) == at' = [at EXCEPT ![p] = @ + 1] /\ UNCHANGED log
Rest == (\A p \in Items : at[p] = Far) /\ UNCHANGED <<at, log>>
Next == (\E p \in Items : Move(p)) \/ Rest
Spec == Init /\ [][Next]_<<at, log>>
Bound == \A p \in Items : at[p] <= Far
Alike == Permutations(Items)
Early == \E p \in Items : at[p] < 2
Sober == \A p \in Items : at[p] # 3 \/ at[p] + "x" = 0
Arrives == <>(\A p \in Items : at[p] = Far)
Forward == [][\A p \in Items : at'[p] >= at[p]]_at
One == at' # at
====
