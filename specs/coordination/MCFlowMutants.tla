---------------------------- MODULE MCFlowMutants ----------------------------
(***************************************************************************)
(* Rules of Flow.tla, weakened.  A configuration that must fail puts one   *)
(* of them in the place of the rule.                                       *)
(***************************************************************************)
EXTENDS MCFlow

(* The client takes each answer that comes. *)
TakesAll(q) == asked[q] # << >> /\ Len(answers[q]) < 2

(* The client asks on, and never says that it failed. *)
NeverGivesUp(q) == FALSE

(* Parts of an earlier time that the query was open count. *)
TakesOldParts(part, index) == TRUE

(* An answer is given before Raft has decided the query. *)
AnswersUndecided(p) == p.parts # << >>

(* Categories without a part are left out. *)
LeavesOut(q, p) == DOMAIN p.parts

(* Part of the agents counts as all. *)
PartAsAll(of) == IF \E k \in DOMAIN of : of[k].reading \in {"all", "some"} THEN "complete" ELSE "failed"
=============================================================================
