---- MODULE Modular ----
(* Counting modulo Base, for others to instantiate. *)
EXTENDS Naturals
CONSTANT Base
VARIABLE digit
Zero == digit = 0
Up == digit' = (digit + 1) % Base
Wraps == digit = Base - 1
Plus(a, b) == (a + b) % Base
Count == Zero /\ [][Up]_digit
====
