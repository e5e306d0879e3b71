--------------------------- MODULE PbftDecisions ---------------------------
(***************************************************************************)
(* PBFT decides as an agreed log does, which only grows: of what correct   *)
(* replicas knew to be committed, the part from sequence number 1 on       *)
(* without a gap.  It is the same as ../hybrid/Decisions.tla, of which     *)
(* `Decide` repeats the step: TLC looks for modules in one folder only.    *)
(***************************************************************************)
EXTENDS MCPbftMutants

Whole == {n \in 0..Cardinality(decided) : \A k \in 1..n : \E d \in decided : d.seq = k}

(* A number for which there were two would have none of them for sure. *)
Log == [n \in 1..(CHOOSE n \in Whole : \A m \in Whole : m <= n) |-> {d.batch : d \in {e \in decided : e.seq = n}}]

Decide ==
    /\ Len(Log') > Len(Log)
    /\ SubSeq(Log', 1, Len(Log)) = Log

Refines == [][Decide]_Log
=============================================================================
