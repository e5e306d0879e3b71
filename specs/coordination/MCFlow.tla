------------------------------- MODULE MCFlow -------------------------------
(***************************************************************************)
(* The flow made finite for TLC.  Every bound is a guard on an action;     *)
(* none is a state constraint.                                             *)
(***************************************************************************)
EXTENDS FlowEvents, TLC

CONSTANTS
    c1, c2, c3, q1, q2, none,
    MaxLog,     \* so many decisions
    MaxChased,  \* so many parts of deputies
    Mortal      \* the coordinators that crash

(* Categories are numbers here: the first is c1's, the second c2's. *)
TheAsks  == [q \in Query |-> IF q = q1 THEN {1, 2} ELSE {1}]
TheOwner == <<c1, c2>>

IsPart(m)      == m.type = "Part"
MayDeputise(m) == Cardinality({each \in messages : IsPart(each)}) < MaxChased
MayRefuse(c)   == TRUE
Never(c)       == FALSE
MayCrash(c)    == c \in Mortal

MCNext ==
    \/ \E q \in Query : GiveUpEvent(q) \/ \E c \in Coordinator : AskEvent(q, c) \/ AskNextEvent(q, c) \/ ExpireEvent(c, q)
    \/ \E m \in messages : HearEvent(m) \/ (Len(log) < MaxLog /\ DecideEvent(m))
    \/ \E c \in Coordinator :
           \/ \E m \in messages : ProposeEvent(c, m) \/ (MayRefuse(c) /\ RefuseEvent(c, m)) \/ TakePartEvent(c, m)
           \/ \E m \in messages, r \in Readings :
                  AnswerByGossipEvent(c, m, r) \/ (MayDeputise(m) /\ DeputiseEvent(c, m, r))
           \/ \E r \in Readings : ApplyEvent(c, r)
           \/ \E q \in Query : ChaseEvent(c, q)
           \/ (MayCrash(c) /\ CrashEvent(c)) \/ RestartEvent(c)

MCVars   == <<vars, event>>
MCView   == vars
MCSpec   == EventInit /\ [][MCNext]_MCVars
Restarts == \A c \in Coordinator : WF_vars(Restart(c))
Expires  == \A c \in Coordinator, q \in Query : WF_vars(Expire(c, q))
TimesOut == \A q \in Query : WF_vars(GiveUp(q) \/ \E c \in Coordinator : AskNext(q, c))

LiveSpec == MCSpec /\ TimesOut /\ Expires /\ Restarts

WithoutTimeOuts == MCSpec /\ Expires /\ Restarts
WithoutExpiry   == MCSpec /\ TimesOut /\ Restarts

(* Never silence: whoever asks is answered, whatever crashes and whatever is lost. *)
Answer == \A q \in Query : asked[q] # << >> ~> answers[q] # << >>

(* No coordinator collects for ever. *)
PendingEnds == \A c \in Coordinator, q \in Query : pending[c][q] # Nothing ~> pending[c][q] = Nothing

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated. *)

Is(outcome, reason) == \E q \in Query : \E a \in Answers(q) : a.outcome = outcome /\ a.reason = reason

NeverComplete  == ~Is("complete", "read")
NeverPartial   == ~Is("partial", "read")
NeverUndecided == ~Is("failed", "undecided")
NeverNobody    == ~Is("failed", "nobody")
NeverBusy      == ~Is("failed", "busy")
NeverUnread    == ~Is("failed", "read")
(* An answer says of a category that nobody answered for it. *)
NeverSilent    == \A a \in Answers(q1) : \A k \in DOMAIN a.of : a.of[k].reading # "silent"
(* A complete answer has a part that was read after more decisions. *)
NeverLater     == \A a \in Answers(q1) : a.outcome = "complete" => \A k \in DOMAIN a.of : a.of[k].at = a.index
(* A complete answer comes although the first coordinator that was asked is down. *)
NeverAnother   == Is("complete", "read") => asked[q1][1] \in up
(* Raft decides one query twice for one aggregator. *)
NeverTwice     == \A i, j \in DOMAIN log : i # j => log[i] # log[j]
(* An answer comes after another one. *)
NeverLate      == \A m \in messages : m.type = "Answer" => answers[m.query] = << >> \/ m.answer = answers[m.query][1]
=============================================================================
