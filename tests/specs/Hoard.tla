---- MODULE Hoard ----
(* A value that a small heap does not hold. *)
EXTENDS Naturals
VARIABLE hoard
Init == hoard = <<>>
Next == hoard' = [chosen \in SUBSET (1..22) |-> chosen]
====
