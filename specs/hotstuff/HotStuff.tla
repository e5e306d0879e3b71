------------------------------- MODULE HotStuff -------------------------------
(***************************************************************************)
(* Chained HotStuff: blocks that carry the certificate of their parent,    *)
(* votes, locks, commits by three blocks in consecutive views, and a       *)
(* pacemaker of time-outs and time-out certificates, among replicas of     *)
(* which some are Byzantine.                                               *)
(*                                                                         *)
(* Sources: Yin, Malkhi, Reiter, Golan Gueta and Abraham, "HotStuff: BFT   *)
(* Consensus in the Lens of Blockchain" (PODC 2019), here "paper"; the     *)
(* pacemaker is that of the Diem team, "DiemBFT v4" (2021), here "Diem",   *)
(* whose time-outs go to all and carry the highest certificate.  So they   *)
(* are the paper's NEW-VIEW of the next view as well.                      *)
(*                                                                         *)
(* Blocks.  A block covers its parent by a hash, and so all its ancestors. *)
(* With no collisions a block is its chain: the sequence of [view, batch]  *)
(* from genesis, which is empty, to itself.  The certificate in a block is *)
(* the one of its parent (`justify.block = parent`), so that it need not   *)
(* be written out: whether it exists is `IsCertified`.                     *)
(*                                                                         *)
(* The network.  `messages` is the set of all that correct replicas ever   *)
(* sent; it may arrive late, twice, in any order or never.                 *)
(*                                                                         *)
(* Byzantine replicas say anything in their own names, to each receiver    *)
(* something else, and nothing in others'.  Whatever they might say counts *)
(* as said (`Said`), and is not stored, as in specs/pbft.                  *)
(*                                                                         *)
(* What one step is.  An input that makes a difference to a replica: the   *)
(* vote that completes a certificate, not the votes before it.  One        *)
(* message may bring several: a proposal brings a block (`Store`), with it *)
(* the certificate of its parent, and may be voted for (`Vote`).           *)
(*                                                                         *)
(* Crashes.  What a replica voted for, timed out in, locked, the highest   *)
(* certificate, its blocks and what it committed are durable.  The view    *)
(* that it was in is not, and follows from those (`Restart`).              *)
(*                                                                         *)
(* What is not here: clients and replies, execution, pruning, snapshots.   *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Rotation,     \* all replicas, in the order in which they lead: a sequence
    Byzantine,    \* those that are faulty, arbitrarily
    MaxFaulty,    \* how many faulty ones the replicas allow for: f
    Batch         \* what a block may hold

Replica == {Rotation[k] : k \in DOMAIN Rotation}
Correct == Replica \ Byzantine
Size    == Len(Rotation)

ASSUME /\ Cardinality(Replica) = Size
       /\ Byzantine \subseteq Replica
       /\ MaxFaulty \in Nat

(* Views begin with 1; 0 is that of genesis. *)
Leader(v) == Rotation[(v % Size) + 1]

-----------------------------------------------------------------------------
(* Blocks *)

Genesis == <<>>

View(b)   == IF b = Genesis THEN 0 ELSE b[Len(b)].view
Parent(b) == IF b = Genesis THEN Genesis ELSE SubSeq(b, 1, Len(b) - 1)

Child(p, v, x) == Append(p, [view |-> v, batch |-> x])

(* Whether a is an ancestor of b, or b itself. *)
IsAncestor(a, b) == Len(a) <= Len(b) /\ SubSeq(b, 1, Len(a)) = a

Ancestors(b) == {SubSeq(b, 1, k) : k \in 0..Len(b)}

Higher(a, b) == IF View(b) > View(a) THEN b ELSE a

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    messages,    \* all messages that correct replicas sent
    \* Of each correct replica:
    view,        \* the view that it is in
    voted,       \* the last view in which it voted
    timed,       \* the last view in which it timed out
    high,        \* the block of the highest certificate that it knows
    lock,        \* the block that it is locked on
    committed,   \* the last block that it has committed, with all its ancestors
    blocks       \* the blocks that it has

vars == <<messages, view, voted, timed, high, lock, committed, blocks>>

-----------------------------------------------------------------------------
(* Messages *)

ProposalMessage(i, b)   == [type |-> "Proposal", source |-> i, block |-> b]
VoteMessage(i, b)       == [type |-> "Vote", source |-> i, block |-> b]
(* `high` is certified; its votes are not written out. *)
TimeoutMessage(i, v, h) == [type |-> "Timeout", source |-> i, view |-> v, high |-> h]

(* Whose time-outs count as said, in whatever view. *)
Pretenders == Byzantine

Send(m) == messages' = messages \cup {m}

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

(* What may have arrived by now, with the signature of whom it names. *)
Said(m) == m \in messages \/ m.source \in Byzantine

(* The least number of replicas of which any two sets share a correct one: models/quorum.py. *)
QuorumSize == (Size + MaxFaulty) \div 2 + 1

(* How many votes make a certificate, and how many time-outs a time-out certificate. *)
CertificateSize == QuorumSize
TimeoutsNeeded  == QuorumSize

(* Any so many replicas hold a correct one. *)
WeakQuorumSize == MaxFaulty + 1

(* Who may propose in a view. *)
MayPropose(i, v) == i = Leader(v)

(* Whose time-outs take a replica along: any f + 1 others, of whom one is correct. *)
MayJoin(i, v) ==
    Cardinality((Pretenders \cup {m.source : m \in {k \in messages : k.type = "Timeout" /\ k.view >= v}}) \ {i})
        >= WeakQuorumSize

(* A leader proposes once in a view. *)
ProposesOnce(i) == \A m \in messages : ~(m.type = "Proposal" /\ m.source = i /\ View(m.block) = view[i])

(* A replica votes once in a view, views rise, and it votes in none in which it has timed out. *)
VotesLater(i, v)  == v > voted[i]
VotesInTime(i, v) == v > timed[i]

(* safeNode (paper, algorithm 1): the block extends the lock, or its parent was certified after it. *)
SafeNode(i, b) == IsAncestor(lock[i], b) \/ View(Parent(b)) > View(lock[i])

(* What a replica locks once it knows a certificate of p. *)
LockFor(p) == Parent(p)

(* Blocks whose views are these are in a row. *)
InARow(v, w) == w = v + 1

(* What a certificate of p commits: its grandparent, if the three are in a row (paper, algorithm 3). *)
CommitFor(p) ==
    LET b == Parent(p)
        a == Parent(b)
    IN  IF a # Genesis /\ InARow(View(a), View(b)) /\ InARow(View(b), View(p)) THEN a ELSE Genesis

(* What a crash leaves. *)
KeptVoted(i) == voted[i]
KeptTimed(i) == timed[i]
KeptLock(i)  == lock[i]

Greater(v, w) == IF v > w THEN v ELSE w

(* The view of a replica that comes back. *)
RecoveredView(i) == Greater(View(high[i]) + 1, Greater(KeptVoted(i), KeptTimed(i)))

-----------------------------------------------------------------------------
(* Certificates *)

VotesFor(b) == {i \in Replica : Said(VoteMessage(i, b))}

IsCertified(b) == b = Genesis \/ Cardinality(VotesFor(b)) >= CertificateSize

(* Whether the certificate in a block holds; it is that of its parent. *)
IsJustified(b) == IsCertified(Parent(b))

(* The blocks that somebody could prove certified: correct replicas voted for them. *)
Certified == {b \in {Genesis} \cup {m.block : m \in {k \in messages : k.type = "Vote"}} : IsCertified(b)}

(* Who may have timed out in view v. *)
TimeoutsOf(v) == Pretenders \cup {m.source : m \in {k \in messages : k.type = "Timeout" /\ k.view = v}}

IsTimedOut(v) == v > 0 /\ Cardinality(TimeoutsOf(v)) >= TimeoutsNeeded

(* Whether the leader i of its view has what it needs to propose: the certificate of the view before, or      *)
(* time-outs of a quorum, none of which tells of a higher certificate than its own.                            *)
HasNewViews(i) ==
    \/ View(high[i]) = view[i] - 1
    \/ Cardinality(Pretenders \cup {m.source : m \in {k \in messages :
           k.type = "Timeout" /\ k.view = view[i] - 1 /\ View(k.high) <= View(high[i])}}) >= TimeoutsNeeded

-----------------------------------------------------------------------------
(* What replica i makes of a certificate of p, with its ancestors at hand: it is higher than any before, or   *)
(* nothing changes.                                                                                            *)

Longest(a, b) == IF Len(b) > Len(a) THEN b ELSE a

RECURSIVE LongestOf(_)
LongestOf(S) == IF S = {} THEN Genesis ELSE LET b == CHOOSE c \in S : TRUE IN Longest(b, LongestOf(S \ {b}))

Knows(i, p) ==
    LET isNew == View(p) > View(high[i])
    IN  /\ high' = [high EXCEPT ![i] = Higher(@, p)]
        /\ lock' = [lock EXCEPT ![i] = Higher(@, IF isNew THEN LockFor(p) ELSE @)]
        /\ committed' = [committed EXCEPT ![i] =
               IF isNew THEN Longest(@, LongestOf({CommitFor(b) : b \in Ancestors(p)})) ELSE @]
        /\ view' = [view EXCEPT ![i] = Greater(@, View(p) + 1)]

-----------------------------------------------------------------------------
(* Steps *)

(* The leader of its view proposes a child of the block of the highest certificate that it knows. *)
Propose(i, x) ==
    LET b == Child(high[i], view[i], x)
    IN  /\ MayPropose(i, view[i])
        /\ ProposesOnce(i)
        /\ HasNewViews(i)
        /\ Send(ProposalMessage(i, b))
        /\ UNCHANGED <<view, voted, timed, high, lock, committed, blocks>>

(* A block arrives whose parent is at hand: as a proposal, or as the answer to a question for it.  With it     *)
(* comes the certificate of its parent.                                                                        *)
Store(i, b) ==
    /\ b # Genesis /\ b \notin blocks[i]
    /\ Parent(b) \in blocks[i]
    /\ View(b) > View(Parent(b))
    /\ \E j \in Replica : MayPropose(j, View(b)) /\ Said(ProposalMessage(j, b))
    /\ IsJustified(b)
    /\ blocks' = [blocks EXCEPT ![i] = @ \cup {b}]
    /\ Knows(i, Parent(b))
    /\ UNCHANGED <<messages, voted, timed>>

(* It votes for a block of its view, which has begun: its parent is of the view before, or that has timed out. *)
(* What it says is durable before it is sent.                                                                  *)
Vote(i, b) ==
    /\ b \in blocks[i]
    /\ View(b) = view[i]
    /\ View(Parent(b)) = View(b) - 1 \/ IsTimedOut(View(b) - 1)
    /\ VotesLater(i, View(b)) /\ VotesInTime(i, View(b))
    /\ SafeNode(i, b)
    /\ voted' = [voted EXCEPT ![i] = View(b)]
    /\ Send(VoteMessage(i, b))
    /\ UNCHANGED <<view, timed, high, lock, committed, blocks>>

(* A certificate arrives of a block that it has: the last vote, or in a time-out. *)
Learn(i, p) ==
    /\ p \in blocks[i]
    /\ View(p) > View(high[i])
    /\ IsCertified(p)
    /\ Knows(i, p)
    /\ UNCHANGED <<messages, voted, timed, blocks>>

(* It has waited long enough in its view. *)
TimeOut(i) ==
    /\ timed[i] < view[i]
    /\ timed' = [timed EXCEPT ![i] = view[i]]
    /\ Send(TimeoutMessage(i, view[i], high[i]))
    /\ UNCHANGED <<view, voted, high, lock, committed, blocks>>

(* The views in which somebody may have timed out: Byzantine replicas in any, of which the next one stands for all.  *)
TimedViews  == {m.view : m \in {k \in messages : k.type = "Timeout"}}
WantedViews == IF Pretenders = {} THEN TimedViews ELSE UNION {1..v + 1 : v \in TimedViews \cup {0}}

(* f + 1 others time out in view v or later, so that a correct one does: i goes there, and times out as well. *)
Join(i, v) ==
    /\ v >= view[i] /\ v > timed[i]
    /\ v \in WantedViews
    /\ MayJoin(i, v)
    /\ view' = [view EXCEPT ![i] = v]
    /\ timed' = [timed EXCEPT ![i] = v]
    /\ Send(TimeoutMessage(i, v, high[i]))
    /\ UNCHANGED <<voted, high, lock, committed, blocks>>

(* A time-out certificate of the view before v arrives. *)
Enter(i, v) ==
    /\ v > view[i]
    /\ IsTimedOut(v - 1)
    /\ view' = [view EXCEPT ![i] = v]
    /\ UNCHANGED <<messages, voted, timed, high, lock, committed, blocks>>

(* It comes back from a crash, with what is durable. *)
Restart(i) ==
    /\ view' = [view EXCEPT ![i] = RecoveredView(i)]
    /\ voted' = [voted EXCEPT ![i] = KeptVoted(i)]
    /\ timed' = [timed EXCEPT ![i] = KeptTimed(i)]
    /\ lock' = [lock EXCEPT ![i] = KeptLock(i)]
    /\ UNCHANGED <<messages, high, committed, blocks>>

-----------------------------------------------------------------------------

Init ==
    /\ messages = {}
    /\ view = [i \in Correct |-> 1]
    /\ voted = [i \in Correct |-> 0]
    /\ timed = [i \in Correct |-> 0]
    /\ high = [i \in Correct |-> Genesis]
    /\ lock = [i \in Correct |-> Genesis]
    /\ committed = [i \in Correct |-> Genesis]
    /\ blocks = [i \in Correct |-> {Genesis}]

(* The views that matter: somebody correct is there, or has timed out. *)
LastView == LET S == {view[i] : i \in Correct} IN CHOOSE v \in S : \A w \in S : w <= v

(* The blocks that may arrive up to view v: what correct leaders proposed, and what Byzantine ones might. *)
Proposed(v) ==
    LET known  == {Genesis} \cup {m.block : m \in {k \in messages : k.type \in {"Proposal", "Vote"}}}
        made   == {m.block : m \in {k \in messages : k.type = "Proposal"}}
        forged == {Child(p, w, c) : p \in {q \in known : View(q) < v},
                                    w \in {u \in 1..v : \E j \in Byzantine : MayPropose(j, u)}, c \in Batch}
    IN  {b \in made \cup forged : View(b) <= v /\ View(Parent(b)) < View(b) /\ IsJustified(b)}

Next ==
    \E i \in Correct :
        \/ \E x \in Batch : Propose(i, x)
        \/ \E b \in Proposed(LastView + 1) : Store(i, b)
        \/ \E b \in blocks[i] : Vote(i, b)
        \/ \E p \in Certified : Learn(i, p)
        \/ TimeOut(i)
        \/ \E v \in WantedViews : Join(i, v)
        \/ \E v \in TimedViews : Enter(i, v + 1)
        \/ Restart(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsBlock(b) == \A k \in DOMAIN b : b[k].view \in Nat \ {0} /\ b[k].batch \in Batch

TypeOK ==
    /\ \A m \in messages :
           /\ m.source \in Correct
           /\ CASE m.type \in {"Proposal", "Vote"} -> IsBlock(m.block) /\ m.block # Genesis
                [] m.type = "Timeout" -> m.view \in Nat \ {0} /\ IsBlock(m.high) /\ View(m.high) < m.view
                [] OTHER -> FALSE
    /\ \A i \in Correct :
           /\ voted[i] \in 0..view[i] /\ timed[i] \in 0..view[i] /\ View(high[i]) < view[i]
           /\ \A b \in blocks[i] : IsBlock(b) /\ Ancestors(b) \subseteq blocks[i]
           /\ {high[i], lock[i], committed[i]} \subseteq blocks[i]

Votes == {m \in messages : m.type = "Vote"}

(* What correct replicas have committed is one chain. *)
Agreement == \A i, j \in Correct : IsAncestor(committed[i], committed[j]) \/ IsAncestor(committed[j], committed[i])

(* A view has one certificate at most: two quorums share a correct replica, which votes once. *)
CertificatesAgree == \A b, c \in Certified : View(b) = View(c) => b = c

(* Whatever is certified after a committed block extends it. *)
CommitsAreExtended == \A i \in Correct : \A b \in Certified : View(b) >= View(committed[i]) => IsAncestor(committed[i], b)

(* A correct replica votes once in a view. *)
VotesOnce == \A m, k \in Votes : m.source = k.source /\ View(m.block) = View(k.block) => m = k

(* Nobody correct votes for a block without a certified parent, nor for one that its leader did not propose. *)
ParentsCertified  == \A m \in Votes : IsCertified(Parent(m.block))
ProposedByLeader  == \A m \in Votes : Said(ProposalMessage(Leader(View(m.block)), m.block))

(* A correct leader proposes one block in a view. *)
ProposedOnce ==
    \A m, k \in messages :
        m.type = "Proposal" /\ k.type = "Proposal" /\ m.source = k.source /\ View(m.block) = View(k.block) => m = k

(* What a replica relies on is certified: as many votes as any two sets share a correct replica. *)
IsProved(b) == b = Genesis \/ Cardinality(VotesFor(b)) >= (Size + MaxFaulty) \div 2 + 1
CertificatesProved == \A i \in Correct : IsProved(high[i]) /\ IsProved(lock[i]) /\ IsProved(committed[i])

(* The lock is no lower than the parent of what the replica knows to be certified; a fetched block or a time-out *)
(* brings a certificate like any other.                                                                        *)
LockFollowsHigh == \A i \in Correct : View(lock[i]) >= View(Parent(high[i]))

(* Nobody is in a view that nothing leads to: a certificate of the view before, or time-outs of a quorum.      *)
ViewsJustified ==
    \A i \in Correct :
        \/ view[i] = 1
        \/ \E b \in Certified : View(b) = view[i] - 1
        \/ Cardinality(TimeoutsOf(view[i] - 1)) >= (Size + MaxFaulty) \div 2 + 1

-----------------------------------------------------------------------------
(* Properties of steps *)

(* Only a crash takes a replica back, and never behind what it has said. *)
ViewsRise == [][\A i \in Correct : view'[i] >= view[i] \/ (view'[i] > View(high[i]) /\ view'[i] >= voted[i] /\ view'[i] >= timed[i])]_vars

VotedRises  == [][\A i \in Correct : voted'[i] >= voted[i] /\ timed'[i] >= timed[i]]_vars
(* A replica that has timed out in a view votes in it no more. *)
NoLateVote  == [][\A i \in Correct : voted'[i] > voted[i] => voted'[i] > timed[i]]_vars
LocksRise   == [][\A i \in Correct : lock'[i] = lock[i] \/ View(lock'[i]) > View(lock[i])]_vars
=============================================================================
