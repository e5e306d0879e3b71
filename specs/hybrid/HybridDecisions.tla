-------------------------- MODULE HybridDecisions --------------------------
(***************************************************************************)
(* The hybrid decides as Decisions does.  Its log is the longest of the    *)
(* state of the control log and of what clients may accept in the current  *)
(* epoch: a switch takes over all of the latter, and perhaps more.         *)
(***************************************************************************)
EXTENDS MCHybridMutants

Present == {State(controlLog)} \cup {b.state : b \in {d \in Acceptable : d.epoch = Epoch(controlLog)}}

Log == CHOOSE s \in Present : \A u \in Present : Len(u) <= Len(s)

Abstract == INSTANCE Decisions WITH decisions <- Log

(* Abstract!Spec without its initial state, in which Log is empty. *)
Refines == [][Abstract!Decide]_Log
=============================================================================
