---- MODULE Registers ----
(* Two steps up by what an assumption left in a register, then down; the level says when. *)
EXTENDS Integers, TLC
VARIABLE x
ASSUME TLCSet(1, 5)
Init == x = 0
Early == TLCGet("level") < 3 /\ x' = x + TLCGet(1)
Late == TLCGet("level") >= 3 /\ x' = x - 1
Next == Early \/ Late
====
