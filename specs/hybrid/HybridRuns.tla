----------------------------- MODULE HybridRuns -----------------------------
(***************************************************************************)
(* The hybrid as it is asked about its implementation: with no bound.      *)
(*                                                                         *)
(* impl/hybrid does less than the spec allows in one place: it acks no     *)
(* term below that of the seal that it holds, as docs/hybrid.md has it.    *)
(* And in runs of simulated clusters chains hold the no-ops with which     *)
(* leaders begin, which do nothing.                                        *)
(***************************************************************************)
EXTENDS HybridEvents

(* A1, with what is held: random walks of the spec are to be such that the implementation follows. *)
GrowsBeyondHeld(i, t) == t >= acked[i].term /\ t >= held[i].term

(* What a leader begins its term with. *)
NoOp == "no-op"

MayApplyInRuns(s, v) == v # NoOp /\ \A k \in DOMAIN s : s[k] # v
=============================================================================
