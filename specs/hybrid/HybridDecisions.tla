-------------------------- MODULE HybridDecisions --------------------------
(***************************************************************************)
(* The hybrid decides as Decisions does.  Its log is the longest of what   *)
(* the book has come to and of what clients may believe of the epoch that  *)
(* is open: a switch takes over all of the latter, and perhaps more.       *)
(***************************************************************************)
EXTENDS MCHybridMutants

Present == {State(book)} \cup {b.state : b \in {d \in Believable : d.epoch = Epoch(book)}}

Log == CHOOSE s \in Present : \A u \in Present : Len(u) <= Len(s)

Abstract == INSTANCE Decisions WITH decisions <- Log

(* Abstract!Spec, without its first state, of which Log makes an empty one. *)
Refines == [][Abstract!Decide]_Log
=============================================================================
