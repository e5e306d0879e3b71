-------------------------------- MODULE Pbft --------------------------------
(***************************************************************************)
(* Practical Byzantine Fault Tolerance: the three phases of the normal     *)
(* case, checkpoints with garbage collection and state transfer, and view  *)
(* changes, among replicas of which some are Byzantine.                    *)
(*                                                                         *)
(* Sources: Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI *)
(* 1999), here "paper"; the same, "Practical Byzantine Fault Tolerance and *)
(* Proactive Recovery" (TOCS 2002), here "TOCS".  The view change is the   *)
(* paper's, in which certificates are made of signed messages.             *)
(*                                                                         *)
(* The network.  `messages` is the set of all that correct replicas ever   *)
(* sent.  Nothing leaves it: a message may arrive late, twice, out of      *)
(* order or never, which is delay, duplication, reordering and loss.       *)
(*                                                                         *)
(* Byzantine replicas do anything that signatures do not forbid: they say  *)
(* what they like in their own names, each receiver something else, and    *)
(* cannot speak for others.  So whatever a Byzantine replica might say     *)
(* counts as said (`Said`, below), and their messages need not be stored:  *)
(* a behaviour in which it is said just before it is heard is the same for *)
(* all correct replicas, since no action asks that something is unsaid.    *)
(*                                                                         *)
(* What one step is.  An input that makes a difference to a replica: the   *)
(* vote that completes a certificate, not the votes before it, since       *)
(* nothing is done with fewer.  Which votes complete it does not matter,   *)
(* only that there are enough of those that could have arrived.  An        *)
(* implementation, which gets messages one by one, takes these steps at    *)
(* some of its inputs, and stands still, as seen from here, at the others. *)
(*                                                                         *)
(* What is modelled.  A digest stands for what it is made of: a proposal   *)
(* is its batch of requests, a checkpoint its state (no collisions).  A    *)
(* request that was executed is not executed again (paper, 4.1).           *)
(*                                                                         *)
(* What is not.  Replies: a client believes what f + 1 replicas answer, of *)
(* whom one is correct and has executed.  A crash: what a replica here     *)
(* knows is durable, and a crashed one is slow.  The votes that it has     *)
(* heard of but not counted are lost in a crash, and are not variables.    *)
(* MACs in the place of signatures; proactive recovery; the tentative      *)
(* execution and the read-only operations of the paper's section 5.        *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Rotation,     \* all replicas, in the order in which they become primary: a sequence
    Byzantine,    \* those that are faulty, arbitrarily
    MaxFaulty,    \* how many faulty ones the replicas allow for: f
    Batch,        \* what a primary may propose: sequences of requests, not empty
    Window,       \* how far beyond its stable checkpoint a replica goes: the paper's k
    Interval      \* a checkpoint is made after so many sequence numbers: the paper's 100

Replica == {Rotation[k] : k \in DOMAIN Rotation}
Correct == Replica \ Byzantine
Size    == Len(Rotation)

(* What fills a gap in a new view: executing it does nothing (paper, 4.4). *)
NullBatch == <<>>

ASSUME /\ Cardinality(Replica) = Size
       /\ Byzantine \subseteq Replica
       /\ MaxFaulty \in Nat
       /\ NullBatch \notin Batch
       /\ Window \in Nat \ {0} /\ Interval \in 1..Window

(* The primary of a view (paper, 4). *)
Primary(v) == Rotation[(v % Size) + 1]

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    messages,    \* all messages that correct replicas sent
    \* Of each correct replica:
    view,        \* the view that it is in, or that it wants
    changing,    \* whether it has left the view before and not entered this one
    accepted,    \* the proposals [seq, batch] of the primary of its view that it accepted
    prepared,    \* [seq, view, batch]: per sequence number its latest prepared certificate; the paper's P
    committed,   \* [seq, batch]: what it knows to be committed
    executed,    \* the sequence number up to which it has executed
    state,       \* the requests that it has executed, in order: the state of its service
    stable       \* [seq, state]: its last stable checkpoint; seq is the low watermark

VARIABLE
    \* History, read by properties only.
    decided      \* all [seq, batch] that a correct replica ever knew to be committed

vars == <<messages, view, changing, accepted, prepared, committed, executed, state, stable, decided>>

-----------------------------------------------------------------------------
(* Messages *)

PrePrepareMessage(i, v, n, b) == [type |-> "PrePrepare", source |-> i, view |-> v, seq |-> n, batch |-> b]
PrepareMessage(i, v, n, b)    == [type |-> "Prepare", source |-> i, view |-> v, seq |-> n, batch |-> b]
CommitMessage(i, v, n, b)     == [type |-> "Commit", source |-> i, view |-> v, seq |-> n, batch |-> b]
CheckpointMessage(i, n, s)    == [type |-> "Checkpoint", source |-> i, seq |-> n, state |-> s]

(* `checkpoint` is the sender's stable one, with its state for a digest; `certificates` what it prepared *)
(* beyond.  The votes that prove both are not written out: `IsProvable`, below, says whether they exist. *)
ViewChangeMessage(i, v, c, p) ==
    [type |-> "ViewChange", source |-> i, view |-> v, checkpoint |-> c, certificates |-> p]

(* The view changes that prove it are not written out either. *)
NewViewMessage(i, v, c, o) == [type |-> "NewView", source |-> i, view |-> v, checkpoint |-> c, proposals |-> o]

(* What may have arrived by now. *)
Said(m) == m \in messages \/ m.source \in Byzantine

Send(ms) == messages' = messages \cup ms

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

(* The least number of replicas of which any two sets share a correct one: 2q - n > f.  It is 2f + 1    *)
(* exactly when n = 3f + 1; models/quorum.py proves it for all n and f.                                 *)
QuorumSize == (Size + MaxFaulty) \div 2 + 1

(* Any so many replicas hold a correct one. *)
WeakQuorumSize == MaxFaulty + 1

(* Those whose PREPARE counts: the primary has spoken by its PRE-PREPARE (paper, 4.2). *)
Preparers(v) == Replica \ {Primary(v)}

PrepareQuorumSize == QuorumSize - 1
CommitQuorumSize  == QuorumSize

(* Whose votes for a proposal count: those for the same view, sequence number and batch. *)
PrepareVotes(v, n, b) == {i \in Preparers(v) : Said(PrepareMessage(i, v, n, b))}
CommitVotes(v, n, b)  == {i \in Replica : Said(CommitMessage(i, v, n, b))}
CheckpointVotes(n, s) == {i \in Replica : Said(CheckpointMessage(i, n, s))}

(* Who may propose in a view. *)
MayPropose(i, v) == i = Primary(v)

(* A replica accepts one proposal for a sequence number in a view. *)
MayAccept(i, n) == \A a \in accepted[i] : a.seq # n

(* Between the watermarks, the high one included (paper, 4.2). *)
InWindow(n, low) == low < n /\ n <= low + Window

(* Committed batches are executed without gaps; the requests of one in their order, the same everywhere. *)
Follows(n, m)    == m = n + 1
Ordered(i, b)    == b

(* A request is executed once, however often it is decided (paper, 4.1). *)
MayExecute(s, r) == \A k \in DOMAIN s : s[k] # r

(* What a replica must tell of the views before. *)
Told(i) == prepared[i]

(* For what a replica may discard its log: what a quorum has, and what is beyond what it knows. *)
IsStable(n, s) == Cardinality(CheckpointVotes(n, s)) >= QuorumSize
IsBeyond(n, c) == n > c.seq
MayDiscard(n, s) == IsStable(n, s)

(* Which new view a replica enters: that for which it left another, or a later one; and none twice. *)
MayEnter(v, own, left) == v > own \/ (v = own /\ left)

(* Of the certificates for a sequence number, those that a new view may take (paper, 4.4). *)
Latest(P) == {c \in P : \A d \in P : d.view <= c.view}

(* What a new view proposes where nobody prepared anything. *)
Fill(n) == {[seq |-> n, batch |-> NullBatch]}

-----------------------------------------------------------------------------
(* Certificates *)

(* Whether the primary may have proposed it: by itself, or as part of a new view. *)
IsProposed(v, n, b) ==
    \/ \E i \in Replica : MayPropose(i, v) /\ Said(PrePrepareMessage(i, v, n, b))
    \/ \E m \in messages : m.type = "NewView" /\ m.view = v /\ [seq |-> n, batch |-> b] \in m.proposals

(* The paper's prepared(m, v, n), as far as votes go. *)
IsPrepared(v, n, b) == IsProposed(v, n, b) /\ Cardinality(PrepareVotes(v, n, b)) >= PrepareQuorumSize

(* For what a replica may promise never to forget it: what it can prove. *)
MayPromise(v, n, b) == IsPrepared(v, n, b)

(* The paper's committed(m, v, n) and committed-local, as far as votes go. *)
IsCommitted(v, n, b) == Cardinality(CommitVotes(v, n, b)) >= CommitQuorumSize

Genesis == [seq |-> 0, state |-> <<>>]

(* Whether a sender could prove by signed messages that the checkpoint is stable. *)
IsProvable(c) == c = Genesis \/ IsStable(c.seq, c.state)

-----------------------------------------------------------------------------
(* Execution *)

(* The state after a batch. *)
RECURSIVE Apply(_, _)
Apply(s, b) ==
    IF b = <<>> THEN s
    ELSE Apply(IF MayExecute(s, Head(b)) THEN Append(s, Head(b)) ELSE s, Tail(b))

(* What comes of it when replica i executes the committed batches C in order of their numbers, from state  *)
(* s at n, up to the first that is missing: the states passed, as a sequence of [seq, state].              *)
RECURSIVE Execution(_, _, _, _)
Execution(i, n, s, C) ==
    IF \A c \in C : ~Follows(n, c.seq) THEN <<>>
    ELSE LET c    == CHOOSE d \in C : Follows(n, d.seq)
             next == Apply(s, Ordered(i, c.batch))
         IN  <<[seq |-> c.seq, state |-> next]>> \o Execution(i, c.seq, next, C)

(* Replica i, at number n with state s, executes what it can of C, and tells of the checkpoints that it    *)
(* passes (paper, 4.3).                                                                                    *)
ExecuteFrom(i, n, s, C, sent) ==
    LET run  == Execution(i, n, s, C)
        last == IF run = <<>> THEN [seq |-> n, state |-> s] ELSE run[Len(run)]
    IN  /\ executed' = [executed EXCEPT ![i] = last.seq]
        /\ state' = [state EXCEPT ![i] = last.state]
        /\ Send(sent \cup {CheckpointMessage(i, run[k].seq, run[k].state) :
                               k \in {l \in DOMAIN run : run[l].seq % Interval = 0}})

-----------------------------------------------------------------------------
(* The normal case (paper, 4.2) *)

Maximum(S) == CHOOSE n \in S : \A k \in S : k <= n

NextSeq(i) == 1 + Maximum({stable[i].seq} \cup {a.seq : a \in accepted[i]})

(* The primary gives a batch the next sequence number.  Its own proposal needs no PREPARE of its own. *)
Propose(i, b) ==
    LET n == NextSeq(i)
    IN  /\ ~changing[i] /\ Primary(view[i]) = i
        /\ InWindow(n, stable[i].seq)
        /\ accepted' = [accepted EXCEPT ![i] = @ \cup {[seq |-> n, batch |-> b]}]
        /\ Send({PrePrepareMessage(i, view[i], n, b)})
        /\ UNCHANGED <<view, changing, prepared, committed, executed, state, stable, decided>>

(* A PRE-PREPARE of replica j arrives at i, which agrees to it by a PREPARE. *)
AcceptPrePrepare(i, j, n, b) ==
    /\ ~changing[i] /\ i # j
    /\ MayPropose(j, view[i]) /\ Primary(view[i]) # i
    /\ Said(PrePrepareMessage(j, view[i], n, b))
    /\ InWindow(n, stable[i].seq)
    /\ MayAccept(i, n)
    /\ accepted' = [accepted EXCEPT ![i] = @ \cup {[seq |-> n, batch |-> b]}]
    /\ Send({PrepareMessage(i, view[i], n, b)})
    /\ UNCHANGED <<view, changing, prepared, committed, executed, state, stable, decided>>

(* The last PREPARE arrives that a prepared certificate needs: i promises by a COMMIT never to forget it. *)
CollectPrepares(i, n, b) ==
    LET certificate == [seq |-> n, view |-> view[i], batch |-> b]
    IN  /\ ~changing[i]
        /\ [seq |-> n, batch |-> b] \in accepted[i]
        /\ certificate \notin prepared[i]
        /\ MayPromise(view[i], n, b)
        /\ prepared' = [prepared EXCEPT ![i] = {c \in @ : c.seq # n} \cup {certificate}]
        /\ Send({CommitMessage(i, view[i], n, b)})
        /\ UNCHANGED <<view, changing, accepted, committed, executed, state, stable, decided>>

(* The last COMMIT arrives: whatever happens, no correct replica will ever execute something else at n.   *)
(* It is executed when all before it are.                                                                  *)
CollectCommits(i, n, b) ==
    LET decision == [seq |-> n, batch |-> b]
    IN  /\ ~changing[i]
        /\ [seq |-> n, view |-> view[i], batch |-> b] \in prepared[i]
        /\ decision \notin committed[i]
        /\ IsCommitted(view[i], n, b)
        /\ committed' = [committed EXCEPT ![i] = @ \cup {decision}]
        /\ decided' = decided \cup {decision}
        /\ ExecuteFrom(i, executed[i], state[i], committed'[i], {})
        /\ UNCHANGED <<view, changing, accepted, prepared, stable>>

-----------------------------------------------------------------------------
(* Checkpoints (paper, 4.3) and state transfer (paper, 4.3 and TOCS, 5.3) *)

Beyond(S, n) == {c \in S : c.seq > n}

Discard(i, c) ==
    /\ stable' = [stable EXCEPT ![i] = c]
    /\ prepared' = [prepared EXCEPT ![i] = Beyond(@, c.seq)]
    /\ committed' = [committed EXCEPT ![i] = Beyond(@, c.seq)]

(* The last CHECKPOINT arrives that makes one stable: i discards its log up to there. *)
CollectCheckpoints(i, n, s) ==
    /\ IsBeyond(n, stable[i])
    /\ MayDiscard(n, s)
    /\ Discard(i, [seq |-> n, state |-> s])
    /\ accepted' = [accepted EXCEPT ![i] = Beyond(@, n)]
    /\ UNCHANGED <<messages, view, changing, executed, state, decided>>

(* A replica that is behind its stable checkpoint, whose digest it has, gets the state that goes with it. *)
TransferState(i) ==
    /\ executed[i] < stable[i].seq
    /\ ExecuteFrom(i, stable[i].seq, stable[i].state, committed[i], {})
    /\ UNCHANGED <<view, changing, accepted, prepared, committed, stable, decided>>

-----------------------------------------------------------------------------
(* View changes (paper, 4.4) *)

Leave(i, v) ==
    /\ view' = [view EXCEPT ![i] = v]
    /\ changing' = [changing EXCEPT ![i] = TRUE]
    /\ accepted' = [accepted EXCEPT ![i] = {}]
    /\ Send({ViewChangeMessage(i, v, stable[i], Told(i))})
    /\ UNCHANGED <<prepared, committed, executed, state, stable, decided>>

(* The timer of i fires: the primary of its view, or of the view that it waits for, is too slow. *)
Timeout(i) == Leave(i, view[i] + 1)

WantsView(j, v) == j \in Byzantine \/ \E m \in messages : m.type = "ViewChange" /\ m.source = j /\ m.view = v

(* f + 1 others want later views, so that a correct one does: i goes to the first of these (paper, 4.5.2). *)
JoinViewChange(i, v) ==
    /\ v > view[i]
    /\ \E Q \in SUBSET (Replica \ {i}) :
           /\ Cardinality(Q) = WeakQuorumSize
           /\ \E j \in Q : WantsView(j, v)
           /\ \A j \in Q \cap Correct : \E m \in messages : m.type = "ViewChange" /\ m.source = j /\ m.view >= v
    /\ Leave(i, v)

(* What a Byzantine replica could say of what it prepared before view v beyond sequence number `low`: at   *)
(* most one certificate for each number, and only such as exist.                                           *)
Forgeable(v, low) ==
    LET possible == UNION {{[seq |-> n, view |-> w, batch |-> b] : b \in {b \in Batch \cup {NullBatch} : IsPrepared(w, n, b)}}
                           : n \in low + 1..low + Window, w \in 0..v - 1}
    IN  {P \in SUBSET possible : \A c, d \in P : c.seq = d.seq => c = d}

(* The checkpoints that somebody could prove. *)
Provable == {Genesis} \cup {c \in {[seq |-> m.seq, state |-> m.state] : m \in {k \in messages : k.type = "Checkpoint"}} :
                            IsProvable(c)}

(* The view changes for view v that replica i may have sent. *)
ViewChangesOf(i, v) ==
    IF i \in Byzantine
    THEN UNION {{ViewChangeMessage(i, v, c, P) : P \in Forgeable(v, c.seq)} : c \in Provable}
    ELSE {m \in messages : m.type = "ViewChange" /\ m.source = i /\ m.view = v}

(* The sets of view changes, one of each replica of Q. *)
RECURSIVE OneOfEach(_, _)
OneOfEach(Q, v) ==
    IF Q = {} THEN {{}}
    ELSE LET i    == CHOOSE j \in Q : TRUE
             ours == ViewChangesOf(i, v)
             rest == OneOfEach(Q \ {i}, v)
         IN  {V \cup {m} : V \in rest, m \in ours}

(* The quorums of which each member may have sent a view change for view v. *)
Changers(v) == {Q \in SUBSET {i \in Replica : WantsView(i, v)} : Cardinality(Q) = QuorumSize}

(* What justifies a new view: view changes of a quorum. *)
Justifications(v) == UNION {OneOfEach(Q, v) : Q \in Changers(v)}

(* Those with which replica i may begin its view: its own view change is among them. *)
OwnJustifications(i) ==
    IF changing[i] /\ Primary(view[i]) = i
    THEN UNION {OneOfEach(Q, view[i]) : Q \in {R \in Changers(view[i]) : i \in R}}
    ELSE {}

(* The latest checkpoint among view changes; the paper's min-s. *)
Base(V) == LET C == {m.checkpoint : m \in V} IN CHOOSE c \in C : \A d \in C : d.seq <= c.seq

(* What a new view must propose: for each number between the checkpoint and the last that anybody prepared *)
(* (max-s) what was prepared latest, or nothing.  A set of sets, for rules that leave a choice.            *)
RECURSIVE ProposalsUpTo(_, _, _)
ProposalsUpTo(n, low, P) ==
    IF n <= low THEN {{}}
    ELSE LET here == {c \in P : c.seq = n}
             mine == IF here = {} THEN {Fill(n)}
                     ELSE {{[seq |-> n, batch |-> c.batch]} : c \in Latest(here)}
         IN  {O \cup o : O \in ProposalsUpTo(n - 1, low, P), o \in mine}

Reproposals(V) ==
    LET low == Base(V).seq
        P   == UNION {m.certificates : m \in V}
    IN  ProposalsUpTo(Maximum({low} \cup {c.seq : c \in P}), low, P)

(* Replica i takes part in the new view from here on. *)
Enter(i, v, c, O, sent) ==
    /\ view' = [view EXCEPT ![i] = v]
    /\ changing' = [changing EXCEPT ![i] = FALSE]
    /\ IF c.seq > stable[i].seq THEN Discard(i, c) ELSE UNCHANGED <<stable, prepared, committed>>
    /\ accepted' = [accepted EXCEPT ![i] = Beyond(O, stable'[i].seq)]
    /\ Send(sent)
    /\ UNCHANGED <<executed, state, decided>>

(* The primary of view v has the view changes V, its own among them, and says what the view begins with. *)
NewView(i, V) ==
    LET v == view[i]
    IN  /\ V \in OwnJustifications(i)
        /\ \E O \in Reproposals(V) : Enter(i, v, Base(V), O, {NewViewMessage(i, v, Base(V), O)})

(* What a new view may begin with; each replica finds that out for itself. *)
MayBegin(v) == UNION {{[checkpoint |-> Base(V), proposals |-> O] : O \in Reproposals(V)} : V \in Justifications(v)}

(* The new views that the primary of v may have announced. *)
NewViewsOf(v) ==
    {m \in messages : m.type = "NewView" /\ m.view = v}
    \cup (IF Primary(v) \in Correct THEN {}
          ELSE {NewViewMessage(Primary(v), v, c.checkpoint, c.proposals) : c \in MayBegin(v)})

(* A NEW-VIEW arrives at replica i, which recomputes what it says, and agrees to its proposals. *)
EnterNewView(i, m) ==
    /\ MayEnter(m.view, view[i], changing[i])
    /\ m \in NewViewsOf(m.view) /\ m.source # i
    /\ Enter(i, m.view, m.checkpoint, m.proposals,
             {PrepareMessage(i, m.view, o.seq, o.batch) : o \in Beyond(m.proposals, stable[i].seq)})

-----------------------------------------------------------------------------

Init ==
    /\ messages = {}
    /\ view = [i \in Correct |-> 0]
    /\ changing = [i \in Correct |-> FALSE]
    /\ accepted = [i \in Correct |-> {}]
    /\ prepared = [i \in Correct |-> {}]
    /\ committed = [i \in Correct |-> {}]
    /\ executed = [i \in Correct |-> 0]
    /\ state = [i \in Correct |-> <<>>]
    /\ stable = [i \in Correct |-> Genesis]
    /\ decided = {}

(* The proposals that replica i may be asked to accept. *)
Proposable(i) == {stable[i].seq + k : k \in 1..Window} \X Batch

Next ==
    \E i \in Correct :
        \/ \E b \in Batch : Propose(i, b)
        \/ \E j \in Replica, p \in Proposable(i) : AcceptPrePrepare(i, j, p[1], p[2])
        \/ \E a \in accepted[i] : CollectPrepares(i, a.seq, a.batch)
        \/ \E a \in accepted[i] : CollectCommits(i, a.seq, a.batch)
        \/ \E m \in {k \in messages : k.type = "Checkpoint"} : CollectCheckpoints(i, m.seq, m.state)
        \/ TransferState(i)
        \/ Timeout(i)
        \/ \E m \in {k \in messages : k.type = "ViewChange"} : \E v \in 1..m.view : JoinViewChange(i, v)
        \/ \E V \in OwnJustifications(i) : NewView(i, V)
        \/ \E v \in UNION {1..m.view : m \in {k \in messages : k.type = "ViewChange"}} :
               \E m \in NewViewsOf(v) : EnterNewView(i, m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsEntry(e) == e.seq \in Nat \ {0} /\ e.batch \in Batch \cup {NullBatch}
IsCheckpoint(c) == c.seq \in Nat /\ c.seq % Interval = 0 /\ c.state \in Seq(UNION {{b[k] : k \in DOMAIN b} : b \in Batch})

TypeOK ==
    /\ \A m \in messages :
           /\ m.source \in Correct
           /\ CASE m.type \in {"PrePrepare", "Prepare", "Commit"} -> m.view \in Nat /\ IsEntry(m)
                [] m.type = "Checkpoint" -> IsCheckpoint(m)
                [] m.type = "ViewChange" -> /\ m.view \in Nat \ {0} /\ IsCheckpoint(m.checkpoint)
                                            /\ \A c \in m.certificates : IsEntry(c) /\ c.view < m.view
                [] m.type = "NewView"    -> /\ m.view \in Nat \ {0} /\ IsCheckpoint(m.checkpoint)
                                            /\ \A o \in m.proposals : IsEntry(o)
                [] OTHER -> FALSE
    /\ \A i \in Correct :
           /\ view[i] \in Nat /\ changing[i] \in BOOLEAN /\ executed[i] \in Nat
           /\ \A a \in accepted[i] : IsEntry(a)
           /\ \A c \in prepared[i] : IsEntry(c) /\ c.view \in 0..view[i]
           /\ \A c \in committed[i] : IsEntry(c)
           /\ IsCheckpoint(stable[i])

(* No two correct replicas ever commit different batches at a sequence number, in whatever views.  Within *)
(* a view: two commit certificates share a correct replica, which accepts one proposal only.  Across       *)
(* views: a commit certificate and the view changes of a later view share a correct replica, which tells   *)
(* of its certificate; CertificateSafety says that nothing tops it.                                        *)
Agreement == \A c, d \in decided : c.seq = d.seq => c.batch = d.batch

(* The votes that correct replicas gave, which is all that certificates can rest on beside Byzantine ones. *)
Voted == {[view |-> m.view, seq |-> m.seq, batch |-> m.batch] : m \in {k \in messages : k.type \in {"PrePrepare", "Prepare"}}}

(* In one view at most one batch is prepared at a sequence number, whether or not a replica has noticed.   *)
(* Holds because two prepared certificates share a correct replica, and because the primary's proposal and *)
(* its PREPARE are not two votes.                                                                          *)
PreparedIsUnique ==
    \A p, q \in Voted :
        (p.view = q.view /\ p.seq = q.seq /\ p.batch # q.batch)
            => ~(IsPrepared(p.view, p.seq, p.batch) /\ IsPrepared(q.view, q.seq, q.batch))

(* No two correct replicas hold certificates of one view and number for different batches. *)
CertificatesAgree ==
    \A c, d \in UNION {prepared[i] : i \in Correct} : c.seq = d.seq /\ c.view = d.view => c.batch = d.batch

(* What is committed in a view is all that can be prepared at its number in this and all later views.      *)
(* Holds because a new view takes the latest certificate among those of a quorum.                          *)
CertificateSafety ==
    \A p, q \in Voted :
        (p.seq = q.seq /\ p.view <= q.view /\ p.batch # q.batch)
            => ~(/\ p \in {[view |-> m.view, seq |-> m.seq, batch |-> m.batch] : m \in {k \in messages : k.type = "Commit"}}
                 /\ IsCommitted(p.view, p.seq, p.batch)
                 /\ IsPrepared(q.view, q.seq, q.batch))

(* A correct replica votes once for a sequence number in a view. *)
VotesOnce ==
    LET votes == {m \in messages : m.type \in {"PrePrepare", "Prepare"}}
    IN  Cardinality({[source |-> m.source, view |-> m.view, seq |-> m.seq] : m \in votes}) = Cardinality(votes)

(* Stable checkpoints at the same number have the same state, whoever has them. *)
CheckpointSafety ==
    LET claims == {[seq |-> m.seq, state |-> m.state] : m \in {k \in messages : k.type = "Checkpoint"}}
    IN  \A c, d \in claims \cup {stable[i] : i \in Correct} :
            (c.seq = d.seq /\ IsProvable(c) /\ IsProvable(d)) => c.state = d.state

(* The states that the decided batches lead to. *)
RECURSIVE Decided(_)
Decided(n) == IF n = 0 THEN <<>> ELSE Apply(Decided(n - 1), (CHOOSE d \in decided : d.seq = n).batch)

(* Every state is that of all decided batches up to its number, in their order, with none left out. *)
ExecutedInOrder ==
    \A i \in Correct :
        /\ \A n \in 1..executed[i] : \E d \in decided : d.seq = n
        /\ state[i] = Decided(executed[i])

(* No request is executed twice. *)
ExecutedOnce == \A i \in Correct : \A k, l \in DOMAIN state[i] : state[i][k] = state[i][l] => k = l

(* No replica keeps more than a window of its log, which is what bounds its memory. *)
LogIsBounded ==
    \A i \in Correct :
        /\ \A a \in accepted[i] : stable[i].seq < a.seq /\ a.seq <= stable[i].seq + Window
        /\ \A c \in prepared[i] \cup committed[i] : c.seq > stable[i].seq

(* What was prepared stays provable until it is discarded: a view change never tells what others refuse.  *)
CertificatesAreProvable ==
    /\ \A i \in Correct : IsProvable(stable[i])
    /\ \A c \in UNION {prepared[i] : i \in Correct} : IsPrepared(c.view, c.seq, c.batch)

(* A new view leaves no gap: what is after a gap would never be executed. *)
NewViewsAreWhole ==
    \A m \in messages :
        m.type = "NewView" => \A o \in m.proposals : \A n \in m.checkpoint.seq + 1..o.seq : \E p \in m.proposals : p.seq = n

-----------------------------------------------------------------------------
(* Properties of steps *)

ViewMonotonic     == [][\A i \in Correct : view'[i] >= view[i]]_vars
StableMonotonic   == [][\A i \in Correct : stable'[i].seq >= stable[i].seq]_vars

(* What was executed stays executed. *)
StateGrows ==
    [][\A i \in Correct : Len(state[i]) <= Len(state'[i]) /\ SubSeq(state'[i], 1, Len(state[i])) = state[i]]_vars

(* A vote stands as long as its view. *)
AcceptedStands ==
    [][\A i \in Correct :
           view'[i] = view[i] /\ changing'[i] = changing[i]
               => \A a \in accepted[i] : a \in accepted'[i] \/ a.seq <= stable'[i].seq]_vars
=============================================================================
