------------------------------- MODULE MCPbft -------------------------------
(***************************************************************************)
(* PBFT made finite for TLC.  Every bound is a guard on an action; none is *)
(* a state constraint, so that every state counted is one reached within   *)
(* the bounds.                                                             *)
(***************************************************************************)
EXTENDS PbftEvents, TLC

CONSTANTS
    r0, r1, r2, r3, r4, r5, r6,  \* the replicas; a configuration uses the first of them
    x, y,                        \* requests
    MaxView,     \* replicas change to views up to this one
    MaxSeq,      \* proposals are made for sequence numbers up to this one
    Impatient    \* the replicas whose timers may fire

MCVars == <<vars, event>>

-----------------------------------------------------------------------------
(* Values of constants that a configuration cannot write *)

FourReplicas  == <<r0, r1, r2, r3>>
FiveReplicas  == <<r0, r1, r2, r3, r4>>
SixReplicas   == <<r0, r1, r2, r3, r4, r5>>
SevenReplicas == <<r0, r1, r2, r3, r4, r5, r6>>

OneBatch     == {<<x>>}
TwoBatches   == {<<x>>, <<y>>}
MixedBatches == {<<x>>, <<x, y>>}

-----------------------------------------------------------------------------
(* Bounds *)

(* Which batch the primary proposes next: each once in a view; a configuration may replace it. *)
MayRequest(i, b) == \A a \in accepted[i] : a.batch # b

(* x is asked for first, then y, at the next number or in the next view, and then nothing. *)
InTurn(i, b) == LET k == NextSeq(i) + view[i] IN k <= 2 /\ b = IF k = 1 THEN <<x>> ELSE <<y>>

(* When timers fire; a configuration may replace it. *)
MayTimeout(i) == TRUE

(* Once somebody has something to carry over. *)
OncePrepared(i) == \E j \in Correct : prepared[j] # {}

(* While the primary alone has, of the view that the timer watches. *)
WhilePrimaryPrepared(i) ==
    ~changing[i] /\ {j \in Correct : \E c \in prepared[j] : c.view = view[i]} = {Primary(view[i])}

(* Which proposals arrive; a configuration may replace it. *)
MayArrive(i, n) == TRUE

(* In the first view those for the second number only. *)
SecondOnly(i, n) == view[i] > 0 \/ n = 2

MCInit == EventInit

(* Some guards of the actions are asked here as well, before what costs more. *)
MCNext ==
    \/ \E i \in Correct : NextSeq(i) <= MaxSeq /\ \E b \in Batch : MayRequest(i, b) /\ ProposeEvent(i, b)
    \/ \E i \in Correct : \E j \in {k \in Replica : MayPropose(k, view[i])}, n \in 1..MaxSeq, b \in Batch :
           MayArrive(i, n) /\ AcceptPrePrepareEvent(i, j, n, b)
    \/ \E i \in Correct : \E a \in accepted[i] : CollectPreparesEvent(i, a.seq, a.batch)
    \/ \E i \in Correct : \E a \in accepted[i] : CollectCommitsEvent(i, a.seq, a.batch)
    \/ \E i \in Correct : \E c \in Claimed : CollectCheckpointsEvent(i, c.seq, c.state)
    \/ \E i \in Correct : TransferStateEvent(i)
    \/ \E i \in Impatient \cap Correct : view[i] < MaxView /\ MayTimeout(i) /\ TimeoutEvent(i)
    \/ \E i \in Correct : \E v \in {w \in WantedViews : w > view[i]} : JoinViewChangeEvent(i, v)
    \/ \E i \in Correct : \E V \in OwnJustifications(i) : NewViewEvent(i, V)
    \/ \E i \in Correct : \E v \in {w \in WantedViews : MayEnter(w, view[i], changing[i])} :
           \E m \in NewViewsOf(v) : EnterNewViewEvent(i, m)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == vars

(* The requests that may change places: none if some batch tells them apart by what else it holds. *)
AlikeRequests == IF \A b \in Batch : Len(b) = 1 THEN {Head(b) : b \in Batch} ELSE {x}

(* So may correct replicas that are primary of no view up to MaxView: no guard tells them apart, where all of  *)
(* them are as impatient.  Sound for safety, never used for liveness.                                          *)
Symmetry == Permutations(AlikeRequests) \cup Permutations(Correct \ {Primary(v) : v \in 0..MaxView})

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.  A model that reaches none of them would prove nothing.                      *)

NothingExecuted  == \A i \in Correct : state[i] = <<>>
(* Two correct replicas accept different proposals of one primary. *)
NoEquivocation   == \A i, j \in Correct : view[i] = view[j] => \A a \in accepted[i], c \in accepted[j] : a.seq = c.seq => a = c
(* A replica prepares without having heard the primary's batch last: everybody else may commit before it accepts. *)
NoCommitWithoutOne == \A d \in decided : \A i \in Correct : view[i] > 0 \/ \E a \in accepted[i] : a.seq = d.seq
NoViewChange     == \A i \in Correct : changing[i] \/ view[i] = 0
(* A batch that was prepared in one view, and that nobody committed there, is committed in a later view. *)
NoPreparedCarriedOver ==
    \A d \in decided : ~(/\ d.batch # NullBatch
                         /\ \E m \in messages : m.type = "NewView" /\ d \in m.proposals
                         /\ \A m \in messages : m.type = "Commit" /\ m.seq = d.seq /\ m.view = 0
                                                => ~IsCommitted(0, d.seq, d.batch))
(* A batch that a replica committed in one view is proposed again in the next, where others commit it. *)
NoCommittedCarriedOver ==
    \A d \in decided : ~(/\ \E m \in messages : m.type = "NewView" /\ d \in m.proposals
                         /\ \E i, j \in Correct : d \in committed[i] /\ view[i] = 0 /\ d \in committed[j] /\ view[j] > 0
                                                  /\ \A c \in prepared[j] : c.seq = d.seq => c.view > 0)
NoNullBatch      == \A d \in decided : d.batch # NullBatch
(* What was accepted in one view, and not prepared, is replaced in the next. *)
NoProposalReplaced == \A m, k \in messages : m.type = "Prepare" /\ k.type = "Commit" /\ m.seq = k.seq /\ m.view < k.view => m.batch = k.batch
(* A primary has certificates of different views for one number, with different batches, to choose from. *)
NoTwoCertificates ==
    [][event'.action = "NewView" =>
           \A c, d \in UNION {m.certificates : m \in event'.viewChanges} : c.seq = d.seq => c.batch = d.batch]_MCVars
NoStableCheckpoint == \A i \in Correct : stable[i] = Genesis
NoStateTransfer    == [][\A i \in Correct : executed'[i] > executed[i] => executed[i] >= stable[i].seq]_vars
NoJoin             == [][\A i \in Correct : view'[i] <= view[i] + 1]_vars
NoRequestRepeated  == \A c, d \in decided : c.seq # d.seq => c.batch # d.batch \/ c.batch = NullBatch
=============================================================================
