--------------------------- MODULE RaftDecisions ---------------------------
(***************************************************************************)
(* Raft decides as an agreed log does, which only grows: of all that       *)
(* leaders committed, and of what servers take as committed.  It is the    *)
(* same as ../hybrid/Decisions.tla, of which `Decide` repeats the step:    *)
(* TLC looks for modules in one folder only.  Without snapshots.           *)
(***************************************************************************)
EXTENDS MCRaftMutants

TakenAt(n) ==
    {committed[n].entry} \cup {log[i][n] : i \in {j \in Server : n <= Min(commitIndex[j], Len(log[j]))}}

(* A position at which servers take different entries as committed would have more than one. *)
Log == [n \in DOMAIN committed |-> TakenAt(n)]

Decide ==
    /\ Len(Log') > Len(Log)
    /\ SubSeq(Log', 1, Len(Log)) = Log

Refines == [][Decide]_Log
=============================================================================
