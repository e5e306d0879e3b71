---- MODULE Assumed ----
(* Pairs on a chain of an even number of places: a false assumption about an odd one ends TLC before it
   computes a state. *)
EXTENDS Naturals
CONSTANT Places
ASSUME Even == Places \in Nat /\ Places % 2 = 0
VARIABLE taken
Init == taken = 0
Next == taken < Places /\ taken' = taken + 2
====
