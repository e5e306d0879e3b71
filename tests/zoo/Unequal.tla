---- MODULE Unequal ----
(* A number compared with a string, which TLC does not decide: in an initial state, or in the 3rd. *)
EXTENDS Naturals
CONSTANT When
VARIABLE x
Init == x = 0 /\ (When = 0 => x # "zero")
Next == x < 5 /\ x' = x + 1
Decided == x = When => x # "two"
====
