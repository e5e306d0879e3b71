----------------------------- MODULE HybridRuns -----------------------------
(***************************************************************************)
(* The hybrid without bounds, as the oracle uses it to judge its           *)
(* implementation.                                                         *)
(*                                                                         *)
(* impl/hybrid does less than the spec allows in one place: it votes in no *)
(* term below that of its lock, as docs/hybrid.md has it.  And in runs of  *)
(* simulated clusters log prefixes hold the no-ops with which leaders open *)
(* their terms, which do nothing.                                          *)
(***************************************************************************)
EXTENDS HybridEvents

(* A1 with the lock: the implementation must be able to follow random walks of the spec. *)
GrowsBeyondLock(i, t) == t >= lastVote[i].term /\ t >= locked[i].term

(* The entry with which a leader opens its term. *)
NoOp == "no-op"

MayApplyInRuns(s, v) == v # NoOp /\ \A k \in DOMAIN s : s[k] # v
=============================================================================
