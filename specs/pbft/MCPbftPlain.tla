---------------------------- MODULE MCPbftPlain ----------------------------
(***************************************************************************)
(* PBFT with Byzantine replicas that send messages, one by one.            *)
(*                                                                         *)
(* Pbft stores nothing of what Byzantine replicas say: what one of them    *)
(* might say counts as said.  Here they say it: `spoken` is the set of all *)
(* messages that Byzantine replicas sent, to whomever, and correct ones    *)
(* count what is in `messages` and `spoken`, and nothing else.  The text   *)
(* of the protocol is the same.  A configuration plain_*.cfg puts the      *)
(* definitions Plain* in the place of those of Pbft that speak of          *)
(* Byzantine replicas.  Without them, and with ReducedSpec, the same       *)
(* configuration is Pbft within the same bounds, and must have the same    *)
(* states and steps when `spoken` is left out of both.                     *)
(*                                                                         *)
(* A Byzantine replica says anything that is well formed, in its own name. *)
(* Left out is what every correct replica throws away at a glance, since   *)
(* that changes nothing for anybody: a vote by one who has none in that    *)
(* view; a view change or a new view whose proofs are not there.  Proofs   *)
(* are made of signed messages, so that they exist only if the messages    *)
(* do.  What is thrown away now and provable later can be said later.      *)
(***************************************************************************)
EXTENDS MCPbft

VARIABLE spoken   \* all messages that Byzantine replicas sent

PlainVars == <<vars, event, spoken>>
PlainView == <<vars, spoken>>

Known == messages \cup spoken

-----------------------------------------------------------------------------
(* What correct replicas count *)

PlainSaid(m) == m \in Known

PlainIsProposed(v, n, b) ==
    \/ \E i \in Replica : MayPropose(i, v) /\ Said(PrePrepareMessage(i, v, n, b))
    \/ \E m \in Known : m.type = "NewView" /\ m.view = v /\ [seq |-> n, batch |-> b] \in m.proposals

PlainViewChangesOf(i, v) == {m \in Known : m.type = "ViewChange" /\ m.source = i /\ m.view = v}

PlainWantsView(i, v) == ViewChangesOf(i, v) # {}

PlainNewViewsOf(v) == {m \in Known : m.type = "NewView" /\ m.view = v}

(* f + 1 others have asked for later views: i goes to the first of these (paper, 4.5.2). *)
PlainJoinViewChange(i, v) ==
    /\ v > view[i]
    /\ \E Q \in SUBSET (Replica \ {i}) :
           /\ Cardinality(Q) = WeakQuorumSize
           /\ \E j \in Q : WantsView(j, v)
           /\ \A j \in Q : \E w \in v..MaxView : WantsView(j, w)
    /\ Leave(i, v)

PlainWantedViews == {m.view : m \in {k \in Known : k.type = "ViewChange"}}
PlainClaimed     == {[seq |-> m.seq, state |-> m.state] : m \in {k \in Known : k.type = "Checkpoint"}}

-----------------------------------------------------------------------------
(* What Byzantine replicas say *)

Requests == UNION {{b[k] : k \in DOMAIN b} : b \in Batch}
Batches  == Batch \cup (IF MaxView = 0 \/ MaxSeq = 1 THEN {} ELSE {NullBatch})   \* what fills a gap in a new view
Numbers  == 1..MaxSeq
States   == UNION {[1..k -> Requests] : k \in 0..MaxSeq}   \* of batches of one request

Proposals(i)   == {PrePrepareMessage(i, v, n, b) : v \in {w \in 0..MaxView : MayPropose(i, w)}, n \in Numbers, b \in Batch}
Prepares(i)    == {PrepareMessage(i, v, n, b) : v \in {w \in 0..MaxView : i \in Preparers(w)}, n \in Numbers, b \in Batches}
Commits(i)     == {CommitMessage(i, v, n, b) : v \in 0..MaxView, n \in Numbers, b \in Batches}
Checkpoints(i) == {CheckpointMessage(i, n, s) : n \in {k \in Numbers : k % Interval = 0}, s \in States}

(* Whether a view change can be proved: its checkpoint, and its certificates, one for a sequence number. *)
IsProved(m) ==
    /\ IsProvable(m.checkpoint)
    /\ \A c \in m.certificates :
           /\ c.view < m.view /\ InWindow(c.seq, m.checkpoint.seq)
           /\ IsPrepared(c.view, c.seq, c.batch)
           /\ \A d \in m.certificates : d.seq = c.seq => d = c

ViewChanges(i) ==
    LET bases == {Genesis} \cup Claimed
        said  == {m \in Known : m.type = "Prepare"}
        certs == {[seq |-> m.seq, view |-> m.view, batch |-> m.batch] : m \in said}
    IN  {m \in {ViewChangeMessage(i, v, c, P) : v \in 1..MaxView, c \in bases, P \in SUBSET certs} : IsProved(m)}

(* A new view is proved by view changes of a quorum, which whoever receives it evaluates. *)
NewViews(i) ==
    UNION {{NewViewMessage(i, v, c.checkpoint, c.proposals) : c \in MayBegin(v)} : v \in {w \in 1..MaxView : Primary(w) = i}}

Sayings(i) == Proposals(i) \cup Prepares(i) \cup Commits(i) \cup Checkpoints(i) \cup ViewChanges(i) \cup NewViews(i)

Speak(i) ==
    /\ \E m \in Sayings(i) \ spoken :
           /\ spoken' = spoken \cup {m}
           /\ event' = [action |-> "Speak", node |-> i, message |-> m]
    /\ UNCHANGED vars

-----------------------------------------------------------------------------

PlainInit == MCInit /\ spoken = {}

PlainNext == (MCNext /\ UNCHANGED spoken) \/ \E i \in Byzantine : Speak(i)

PlainSpec == PlainInit /\ [][PlainNext]_PlainVars

ReducedSpec == PlainInit /\ [][MCNext /\ UNCHANGED spoken]_PlainVars

-----------------------------------------------------------------------------
(* A bound on correct replicas, the same on both sides, by which two views are few enough states: nothing is prepared *)
(* in the second.  What a vote counts for does not hang on the view; view changes and new views are all there.         *)
PreparedInFirst(v, n, b) == v = 0 /\ IsPrepared(v, n, b)

-----------------------------------------------------------------------------
(* Wrong on either side: each makes the sets of states differ. *)

(* Signatures do not hold: whatever a correct replica might say counts as said as well. *)
AnythingIsSaid(m) == TRUE

(* Byzantine replicas tell of no certificate. *)
NothingForged(v, low) == {{}}

(* A Byzantine primary begins no view. *)
OnlyCorrectBegin(v) == {m \in messages : m.type = "NewView" /\ m.view = v}

(* Byzantine replicas do not contradict themselves. *)
ConsistentProposals(i) ==
    {m \in {PrePrepareMessage(i, v, n, b) : v \in {w \in 0..MaxView : MayPropose(i, w)}, n \in Numbers, b \in Batch} :
        \A k \in spoken : k.type = "PrePrepare" /\ k.view = m.view /\ k.seq = m.seq => k = m}

(* View changes count whether or not they are proved. *)
AlwaysProved(m) == TRUE
=============================================================================
