----------------------------- MODULE Decisions -----------------------------
(***************************************************************************)
(* What every protocol here is for: a log of decisions, which only grows.  *)
(* Positions are decided in order, each once, and for good.  Several may   *)
(* be decided in one step.                                                 *)
(*                                                                         *)
(* Raft, PBFT, HotStuff and the hybrid each implement it:                  *)
(* HybridDecisions.tla, ../pbft/PbftDecisions.tla,                         *)
(* ../hotstuff/HotStuffDecisions.tla and ../raft/RaftDecisions.tla say     *)
(* what in their states is the log, and TLC checks that all their steps    *)
(* are steps of this, or change nothing of the log (Abadi and Lamport,     *)
(* "The Existence of Refinement Mappings", 1991).                          *)
(***************************************************************************)
EXTENDS Naturals, Sequences

VARIABLE decisions   \* a sequence

Decide ==
    /\ Len(decisions') > Len(decisions)
    /\ SubSeq(decisions', 1, Len(decisions)) = decisions

Spec == decisions = <<>> /\ [][Decide]_decisions
=============================================================================
