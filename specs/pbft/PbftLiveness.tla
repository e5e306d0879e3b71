---------------------------- MODULE PbftLiveness ----------------------------
(***************************************************************************)
(* What PBFT promises to bring about, and under which assumptions.         *)
(*                                                                         *)
(* No deterministic consensus is live while the network may do anything    *)
(* (Fischer, Lynch and Paterson, 1985), so the promise is about what       *)
(* follows after stabilisation.  Before it, all of MCPbft may happen, and  *)
(* timers fire too early, within the bounds.  Afterwards (`settled`):      *)
(*                                                                         *)
(*  - what correct replicas say arrives, however late and however often it *)
(*    has to be sent again: delays do not grow faster than time for ever   *)
(*    (paper, 3);                                                          *)
(*  - the timers of correct replicas, which double with each view, have    *)
(*    become long against delays (paper, 4.5.2): one fires only while no   *)
(*    step of correct replicas is due that needs no word of a Byzantine    *)
(*    one, and only at a replica that waits for a request;                 *)
(*  - clients go on asking: all replicas know of all requests (4.1).       *)
(*                                                                         *)
(* So no replica loses patience with a correct primary that all correct    *)
(* replicas can follow, and all that wait do with a silent one.            *)
(*                                                                         *)
(* Fairness is of correct replicas only.  A Byzantine one may be silent    *)
(* for ever; whatever it says may be heard at any time, as in Pbft, but no *)
(* step is sure to be taken that needs it.  It is one assumption: a        *)
(* settled system does not stop while such a step, or a timer, is due.     *)
(* One suffices, because views are bounded and within a view each step is  *)
(* taken once, so that no behaviour goes on for ever.                      *)
(*                                                                         *)
(* With views bounded, the primary of the last one must be correct: in an  *)
(* unbounded system one of any f + 1 successive primaries is.              *)
(***************************************************************************)
EXTENDS MCPbft

CONSTANT
    Hasty        \* the replicas whose timers may fire before stabilisation

VARIABLE
    settled      \* whether the system has stabilised

liveVars == <<vars, settled>>
LiveVars == <<liveVars, event>>
LiveView == liveVars

Request == UNION {{b[k] : k \in DOMAIN b} : b \in Batch}

Executed(i, r) == \E k \in DOMAIN state[i] : state[i][k] = r

-----------------------------------------------------------------------------
(* The steps of correct replicas for which no Byzantine one has to say     *)
(* anything.  Without the record of events: whether a step is one of these *)
(* shall not hang on how it was recorded.                                  *)

Correctly(votes, enough) == Cardinality(votes \cap Correct) >= enough

Proposals == \E i \in Correct : NextSeq(i) <= MaxSeq /\ \E b \in Batch : MayRequest(i, b) /\ Propose(i, b)

Acceptances ==
    \E i \in Correct : \E m \in {k \in messages : k.type = "PrePrepare" /\ k.view = view[i]} :
        AcceptPrePrepare(i, m.source, m.seq, m.batch)

Preparations ==
    \E i \in Correct : \E a \in accepted[i] :
        Correctly(PrepareVotes(view[i], a.seq, a.batch), PrepareQuorumSize) /\ CollectPrepares(i, a.seq, a.batch)

Commits ==
    \E i \in Correct : \E a \in accepted[i] :
        Correctly(CommitVotes(view[i], a.seq, a.batch), CommitQuorumSize) /\ CollectCommits(i, a.seq, a.batch)

Checkpoints ==
    \E i \in Correct : \E c \in Claimed :
        Correctly(CheckpointVotes(c.seq, c.state), QuorumSize) /\ CollectCheckpoints(i, c.seq, c.state)

(* A checkpoint that is stable is one that f + 1 correct replicas have: one of them sends it. *)
Transfers == \E i \in Correct : TransferState(i)

Joins ==
    \E i \in Correct : \E v \in WantedViews :
        /\ Correctly({m.source : m \in {k \in messages : k.type = "ViewChange" /\ k.view >= v}} \ {i}, WeakQuorumSize)
        /\ JoinViewChange(i, v)

Announcements ==
    \E i \in Correct : \E V \in OwnJustifications(i) : (\A m \in V : m.source \in Correct) /\ NewView(i, V)

Entries == \E i \in Correct : \E m \in {k \in messages : k.type = "NewView"} : EnterNewView(i, m)

Rest == Proposals \/ Acceptances \/ Preparations \/ Checkpoints \/ Announcements

AllSteps == Rest \/ Commits \/ Transfers \/ Joins \/ Entries

(* A replica waits for the requests that it has not executed. *)
Waits(i) == \E r \in Request : ~Executed(i, r)

IsDue(i) == settled /\ Waits(i) /\ view[i] < MaxView /\ ~ENABLED AllSteps

Timers == \E i \in Correct : IsDue(i) /\ Timeout(i)

(* When timers fire: takes the place of MayTimeout, with Impatient all replicas. *)
Patience(i) == IF settled THEN IsDue(i) ELSE i \in Hasty

-----------------------------------------------------------------------------

Settle ==
    /\ ~settled /\ settled' = TRUE
    /\ event' = [action |-> "Settle"]
    /\ UNCHANGED vars

(* Where no timer fires too early there is nothing to wait for. *)
LiveInit == MCInit /\ settled = (Hasty = {})

LiveNext == (MCNext /\ UNCHANGED settled) \/ Settle

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars /\ WF_liveVars(Settle)

LiveSpec == LiveBehaviour /\ WF_liveVars((AllSteps \/ Timers) /\ UNCHANGED settled)

(* The same with less assumed; each must fail. *)
WithoutFairTimers    == LiveBehaviour /\ WF_liveVars(AllSteps /\ UNCHANGED settled)
WithoutFairCommits   == LiveBehaviour /\ WF_liveVars((Rest \/ Transfers \/ Joins \/ Entries \/ Timers) /\ UNCHANGED settled)
WithoutFairTransfers == LiveBehaviour /\ WF_liveVars((Rest \/ Commits \/ Joins \/ Entries \/ Timers) /\ UNCHANGED settled)
WithoutFairJoins     == LiveBehaviour /\ WF_liveVars((Rest \/ Commits \/ Transfers \/ Entries \/ Timers) /\ UNCHANGED settled)
WithoutFairEntries   == LiveBehaviour /\ WF_liveVars((Rest \/ Commits \/ Transfers \/ Joins \/ Timers) /\ UNCHANGED settled)

-----------------------------------------------------------------------------
(* Each request is executed by f + 1 correct replicas, so that its client is answered (paper, 4.1). *)
Answered == \A r \in Request : <>(Cardinality({i \in Correct : Executed(i, r)}) >= WeakQuorumSize)

(* All correct replicas execute each request. *)
AllExecute == \A r \in Request : \A i \in Correct : <>Executed(i, r)

(* A view for which f + 1 correct replicas left theirs is one that all of them go to, or pass. *)
ViewsFollowed ==
    \A v \in 1..MaxView :
        (settled /\ Cardinality({i \in Correct : view[i] >= v}) >= WeakQuorumSize) ~> (\A i \in Correct : view[i] >= v)

(* A view with a correct primary that all correct replicas want is one that all of them enter, or pass. *)
ViewsEntered ==
    \A v \in {w \in 1..MaxView : Primary(w) \in Correct} :
        (settled /\ \A i \in Correct : view[i] >= v)
            ~> (\A i \in Correct : view[i] > v \/ (view[i] = v /\ ~changing[i]))

-----------------------------------------------------------------------------
(* Bounds on Byzantine replicas, beside those on correct ones.  They say nothing but in view changes; or the   *)
(* primary of view 0 proposes, but leaves out the first sequence number, and new views rest on others alone.    *)
SaysNothing(m) == m \in messages
SaysOneProposal(m) ==
    m \in messages \/ \E b \in Batch : m.source \in Byzantine /\ m = PrePrepareMessage(Primary(0), 0, 2, b)

OnlyCorrectWant(j, v) == \E m \in messages : m.type = "ViewChange" /\ m.source = j /\ m.view = v

(* Weakened rules, for configurations that must fail. *)

(* A replica that has promised in its view by a COMMIT never leaves it, neither by itself nor with others [PB-27]. *)
StaysWhenPrepared(i, v) ==
    /\ \A c \in prepared[i] : c.view < view[i]
    /\ view' = [view EXCEPT ![i] = v]
    /\ changing' = [changing EXCEPT ![i] = TRUE]
    /\ accepted' = [accepted EXCEPT ![i] = {}]
    /\ Send({ViewChangeMessage(i, v, stable[i], Told(i))})
    /\ UNCHANGED <<prepared, committed, executed, state, stable, decided>>

(* A new view leaves gaps where nobody prepared anything [PB-14]. *)
LeavesGaps(n) == {}
=============================================================================
