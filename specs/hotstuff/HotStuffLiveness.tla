--------------------------- MODULE HotStuffLiveness ---------------------------
(***************************************************************************)
(* What HotStuff promises to bring about, and under which assumptions, in  *)
(* the manner of specs/pbft/PbftLiveness.tla: after stabilisation what     *)
(* correct replicas say arrives, and a timer fires only while no step of   *)
(* correct replicas is due for which no Byzantine one has to say anything. *)
(* Here all is settled from the start.                                     *)
(*                                                                         *)
(* A commit takes three certificates in consecutive views, so three        *)
(* correct leaders in a row.  Of n > 3f replicas that take turns there     *)
(* always are three: n - f correct ones stand in at most f gaps between    *)
(* faulty ones, and (2f + 1) / f > 2.  So something is committed within    *)
(* n + 2 views of correct and faulty leaders.  With four replicas and a    *)
(* faulty one that leads view v, a commit comes by the certificate of view *)
(* v + 3 at the latest, and with the first leader faulty of view 4.        *)
(*                                                                         *)
(* Fairness is of correct replicas only.                                   *)
(***************************************************************************)
EXTENDS MCHotStuff

-----------------------------------------------------------------------------
(* The steps of correct replicas for which no Byzantine one has to say anything. *)

Enough(S) == Cardinality(S \cap Correct) >= QuorumSize

IsSurelyCertified(b) == b = Genesis \/ Enough(VotesFor(b))

IsSurelyTimedOut(v) == Enough(TimeoutsOf(v))

Proposals == \E i \in Correct : view[i] <= MaxView /\ \E b \in Batch : MayOffer(i, b) /\ Propose(i, b)

Stores ==
    \E i \in Correct : \E m \in {k \in messages : k.type = "Proposal"} :
        IsSurelyCertified(Parent(m.block)) /\ Store(i, m.block)

Voting ==
    \E i \in Correct : \E b \in {c \in blocks[i] : View(c) = view[i]} :
        (View(Parent(b)) = View(b) - 1 \/ IsSurelyTimedOut(View(b) - 1)) /\ Vote(i, b)

Learning == \E i \in Correct : \E p \in Certified : IsSurelyCertified(p) /\ Learn(i, p)

Joins ==
    \E i \in Correct : \E v \in TimedViews :
        /\ v <= MaxView
        /\ Cardinality({m.source : m \in {k \in messages : k.type = "Timeout" /\ k.view >= v}} \ {i}) >= WeakQuorumSize
        /\ Join(i, v)

Entries == \E i \in Correct : \E v \in TimedViews : IsSurelyTimedOut(v) /\ v <= MaxView /\ Enter(i, v + 1)

Rest     == Proposals \/ Stores \/ Learning
AllSteps == Rest \/ Voting \/ Joins \/ Entries

(* A timer fires when nothing else is due. *)
IsDue(i) == view[i] <= MaxView /\ ~ENABLED AllSteps

Timers == \E i \in Correct : IsDue(i) /\ TimeOut(i)

(* Takes the place of MayTimeOut, with Impatient all replicas. *)
Patience(i) == IsDue(i)

-----------------------------------------------------------------------------

LiveBehaviour == EventInit /\ [][MCNext]_MCVars

LiveSpec == LiveBehaviour /\ WF_vars(AllSteps \/ Timers)

(* The same with less assumed; each must fail. *)
WithoutFairTimers  == LiveBehaviour /\ WF_vars(AllSteps)
WithoutFairVotes   == LiveBehaviour /\ WF_vars(Rest \/ Joins \/ Entries \/ Timers)
WithoutFairEntries == LiveBehaviour /\ WF_vars(Rest \/ Voting \/ Joins \/ Timers)

-----------------------------------------------------------------------------

(* Every correct replica commits something. *)
Decided == \A i \in Correct : <>(committed[i] # Genesis)

(* A view that f + 1 correct replicas have given up is left by all, or passed. *)
ViewsFollowed ==
    \A v \in 1..MaxView :
        (Cardinality({i \in Correct : timed[i] >= v}) >= WeakQuorumSize) ~> (\A i \in Correct : view[i] > v)

-----------------------------------------------------------------------------
(* Bounds on Byzantine replicas: they say nothing. *)
SaysNothing(m) == m \in messages
Nobody == {}
=============================================================================
