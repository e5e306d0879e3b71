---- MODULE Undefined ----
(* A name that nothing defines: SANY parses it and then refuses it. *)
EXTENDS Naturals
VARIABLE x
Init == x = Nought
Next == x' = 1 - x
====
