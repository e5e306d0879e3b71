---- MODULE Unbalanced ----
(* A parenthesis that is not closed: SANY refuses it. *)
EXTENDS Naturals
VARIABLE x
Init == x = (0
Next == x' = 1 - x
====
