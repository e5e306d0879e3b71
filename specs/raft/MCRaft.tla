------------------------------- MODULE MCRaft -------------------------------
(***************************************************************************)
(* Raft made finite for TLC.  Every bound is a guard on an action; none is *)
(* a state constraint, so that every state counted is one reached within   *)
(* the bounds.  `spent` counts what cannot be read from the state, and     *)
(* belongs to the view, since guards read it.                              *)
(***************************************************************************)
EXTENDS RaftEvents, TLC

CONSTANTS
    MaxTerm,        \* terms 1..MaxTerm: so many elections may start
    MaxLogLength,   \* a leader takes client requests while its last index is below this
    MaxAppends,     \* requests of one leader's term with entries or a snapshot in flight to one peer at once
    MaxRestarts,    \* crashes in a behaviour
    MaxDuplicates,  \* duplications of a message in a behaviour
    MaxDrops,       \* losses in a behaviour (a message that is never received is lost as well)
    MaxCompactions, \* compactions of a log in a behaviour
    MaxChanges,     \* changes of membership in a behaviour
    MaxTransfers,   \* requests to hand over in a behaviour
    MaxRounds,      \* rounds of reads and leases that a leader begins
    MaxInFlight,    \* a server sends of its own accord while fewer copies of live messages than this are in flight
    Heartbeats,     \* whether a leader also sends requests that bring the receiver nothing
    RequestTerms,   \* the terms to whose leaders clients turn
    Retries,        \* whether a client may submit again what a log holds already
    Tickers         \* the servers whose clocks run

VARIABLE spent      \* [restarts, duplicates, drops, compactions, changes, transfers]

MCVars == <<vars, event, spent>>

(* A message whose receipt changes nothing but the network, now and for ever: an answer to a server *)
(* that is not, and in that term never again will be, candidate or leader, or a refused vote.       *)
Dead(m) ==
    LET i == m.dest
    IN  \/ /\ m.type = "RequestVoteResponse"
           /\ \/ m.term < currentTerm[i]
              \/ m.term = currentTerm[i] /\ (role[i] # "Candidate" \/ ~m.voteGranted)
        \/ /\ m.type = "PreVoteResponse"
           /\ m.term <= currentTerm[i]
        \/ /\ m.type = "AppendEntriesResponse"
           /\ \/ m.term < currentTerm[i]
              \/ m.term = currentTerm[i] /\ role[i] \notin {"Candidate", "Leader"}
        \/ /\ m.type = "TimeoutNow"
           /\ m.term < currentTerm[i]

LiveMessages == [m \in {n \in DOMAIN messages : ~Dead(n)} |-> messages[m]]

(* The view leaves out `event` and dead messages.  Leaving out dead messages is sound: no guard reads *)
(* them, a dead message stays dead (DeadStaysDead, checked with PlainView), and receiving, duplicating *)
(* or dropping one leads to the same view or to one with less left to spend.  tests/ compares the     *)
(* verdicts with those of PlainView on a small instance.                                              *)
PlainView == <<vars, spent>>
MCView == <<LiveMessages, currentTerm, votedFor, snapshot, log, synced, role, commitIndex, votesGranted, nextIndex,
            matchIndex, lead, heard, ahead, elected, committed, reads, spent>>

DeadStaysDead == [][\A m \in DOMAIN messages : Dead(m) /\ m \in DOMAIN messages' => Dead(m)']_vars

(* Founders are interchangeable, values are as well; sound for safety, never used for liveness, *)
(* and only where no other constant names a server.                                                        *)
Symmetry == Permutations(Founders) \cup Permutations(Value)

AppendsInFlight(i, j) ==
    Cardinality({m \in DOMAIN messages : m.type \in {"AppendEntriesRequest", "InstallSnapshotRequest"}
                                         /\ m.source = i /\ m.dest = j /\ m.term = currentTerm[i]})

NetworkHasRoom ==
    Cardinality(UNION {{<<m, copy>> : copy \in 1..messages[m]} : m \in {n \in DOMAIN messages : ~Dead(n)}}) < MaxInFlight

HasNews(i, j) ==
    \/ nextIndex[i][j] <= LastIndex(i)
    \/ commitIndex[i] > commitIndex[j]
    \/ lead[i].acked[j] < lead[i].round
    \/ Timed /\ heard[j] = 0
    \/ Has("Pipelining") /\ matchIndex[i][j] < LastIndex(i)

(* The role is asked by the actions as well, and here first: most servers do not lead, and the rest costs more. *)
MayAppend(i, j) ==
    /\ i # j /\ role[i] = "Leader" /\ (Heartbeats \/ HasNews(i, j))
    /\ AppendsInFlight(i, j) < MaxAppends /\ NetworkHasRoom

(* Whether clients turn to leader i, for values or for reads. *)
MayAsk(i) == currentTerm[i] \in RequestTerms

(* Which configurations a client may propose; a configuration may replace it. *)
Proposals(c) == Successors(c)

(* Whose election timers fire, when the clock of server i runs, and what the network may lose; a *)
(* configuration may replace them.                                                                 *)
MayStand(i) == TRUE
MayTick(i) == TRUE
MayDrop    == TRUE

IsKnown(i, v) ==
    \/ \E k \in DOMAIN log[i] : log[i][k].value = v
    \/ \E k \in DOMAIN snapshot[i].state : snapshot[i].state[k] = v

Spend(kind, limit) == spent[kind] < limit /\ spent' = [spent EXCEPT ![kind] = @ + 1]
SpendNothing == UNCHANGED spent

MCInit ==
    /\ EventInit
    /\ spent = [restarts |-> 0, duplicates |-> 0, drops |-> 0, compactions |-> 0, changes |-> 0, transfers |-> 0]

MCNext ==
    \/ \E i \in Server : currentTerm[i] < MaxTerm /\ role[i] # "Leader" /\ MayStand(i) /\ NetworkHasRoom /\ TimeoutEvent(i) /\ SpendNothing
    \/ \E i \in Server, v \in Value :
           /\ LastIndex(i) < MaxLogLength /\ MayAsk(i)
           /\ Retries \/ ~IsKnown(i, v)
           /\ ClientRequestEvent(i, v) /\ SpendNothing
    \/ \E i, j \in Server : MayAppend(i, j) /\ AppendEntriesEvent(i, j) /\ SpendNothing
    \/ \E i, j \in Server : MayAppend(i, j) /\ InstallSnapshotEvent(i, j) /\ SpendNothing
    \/ \E i \in Server : Spend("compactions", MaxCompactions) /\ CompactEvent(i)
    \/ \E i \in Server :
           /\ role[i] = "Leader" /\ Spend("changes", MaxChanges)
           /\ ChangeMembershipEvent(i, Proposals(Config(i)))
    \/ \E i \in Server : CheckQuorumEvent(i) /\ SpendNothing
    \/ \E i, j \in Server : i # j /\ Spend("transfers", MaxTransfers) /\ currentTerm[i] < MaxTerm /\ TransferLeadershipEvent(i, j)
    \/ \E i \in Server : AbortTransferEvent(i) /\ SpendNothing
    \/ \E i \in Server, r \in Read : MayAsk(i) /\ lead[i].round < MaxRounds /\ ReadIndexEvent(i, r) /\ SpendNothing
    \/ \E i \in Server, r \in Read : MayAsk(i) /\ LeaseReadEvent(i, r) /\ SpendNothing
    \/ \E i \in Server : MayAsk(i) /\ lead[i].round < MaxRounds /\ RenewLeaseEvent(i) /\ SpendNothing
    \/ HandlePreVoteRequestEvent /\ SpendNothing
    \/ HandlePreVoteResponseEvent /\ SpendNothing
    \/ HandleRequestVoteRequestEvent /\ SpendNothing
    \/ HandleRequestVoteResponseEvent /\ SpendNothing
    \/ HandleAppendEntriesRequestEvent /\ SpendNothing
    \/ HandleAppendEntriesResponseEvent /\ SpendNothing
    \/ HandleInstallSnapshotRequestEvent /\ SpendNothing
    \/ HandleTimeoutNowEvent /\ SpendNothing
    \/ \E i \in Tickers : MayTick(i) /\ TickEvent(i) /\ SpendNothing
    \/ \E i \in Server : DiskSyncedEvent(i) /\ SpendNothing
    \/ \E i \in Server : Spend("restarts", MaxRestarts) /\ RestartEvent(i)
    \/ Spend("duplicates", MaxDuplicates) /\ DuplicateMessageEvent
    \/ Spend("drops", MaxDrops) /\ DropMessageEvent /\ MayDrop

MCSpec == MCInit /\ [][MCNext]_MCVars

-----------------------------------------------------------------------------
(* Proposals *)

(* One server more, or one less; no learners and no joint configurations. *)
VotersOnly(c) == {d \in SingleChanges(c) : d.learners = {}}

(* The leader of the first term, and one other server after it: two that contend. *)
TwoContend(i) ==
    \/ elected = {}
    \/ \E e \in elected : e.leader = i
    \/ Cardinality({e.leader : e \in elected}) < 2 /\ currentTerm[i] = 1

(* One server less. *)
LeaveOnly(c) == {[c EXCEPT !.voters = @ \ {j}] : j \in {k \in c.voters : c.voters # {k}}}

(* A new server learns first, and votes later (thesis, 4.2.1); nobody leaves. *)
LearnThenVote(c) ==
    {[c EXCEPT !.learners = @ \cup {j}] : j \in Server \ Members(c)}
    \cup {[c EXCEPT !.voters = @ \cup {j}, !.learners = @ \ {j}] : j \in c.learners}

(* From the founders to all servers but one of them and back into a simple configuration (paper, 6). *)
JointOnly(c) ==
    IF IsJoint(c) THEN Successors(c)
    ELSE {d \in JointChanges(c) : d.voters = Server \ {CHOOSE i \in Founders : TRUE}}

(* Any voters in the place of any others; most of them are no safe change. *)
AnyChange(c) == {[c EXCEPT !.voters = voters] : voters \in (SUBSET Server) \ {{}, c.voters}}

(* From three servers to three of which one is the same. *)
OverlapInOne(c) ==
    IF IsJoint(c) THEN {}
    ELSE {[voters |-> (Server \ Founders) \cup {CHOOSE i \in Founders : TRUE}, outgoing |-> c.voters, learners |-> {}]}

-----------------------------------------------------------------------------
(* A lease: clocks run while one does, and the leader's before, so that it may be ahead.  Only requests *)
(* for votes are lost: one that is not would end the leadership that is looked at.                       *)

WhileLeased(i) ==
    \E j \in Server : role[j] = "Leader" /\ (lead[j].lease.left > 0 \/ (i = j /\ lead[j].round = 0))
VoteRequestsOnly ==
    \A m \in DOMAIN messages : m \notin DOMAIN messages' \/ messages'[m] < messages[m] => m.type = "RequestVoteRequest"

-----------------------------------------------------------------------------
(* A steady leader: once a quorum hears it, only the servers of Tickers may lose it from sight. *)

IsSteady(i) ==
    role[i] = "Leader" /\ IsQuorum({i} \cup {j \in Others(i) : heard[j] > 0 /\ currentTerm[j] = currentTerm[i]}, Config(i))

SteadyNext ==
    /\ MCNext
    /\ \A i \in Server :
           role[i] # role'[i] /\ role'[i] \in {"PreCandidate", "Candidate"} /\ elected # {} =>
               i \in Tickers /\ \E j \in Server : IsSteady(j)
    /\ event'.action = "CheckQuorum" => role' = role   \* a leader whom a quorum hears is answered by one
    /\ elected # {} => Cardinality(elected') <= 2

SteadySpec == MCInit /\ [][SteadyNext]_MCVars

(* A leader whom a quorum hears is not disturbed by a server that does not (thesis, 4.2.3, 9.6). *)
NotDisturbed == [][\A i \in Server : IsSteady(i) => role'[i] = "Leader"]_vars

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.  A model that reaches none of them would prove nothing.                      *)

NoLeader            == elected = {}
NothingCommitted    == committed = <<>>
NoThirdLeader       == Cardinality(elected) < 3
NoTwoLeadersAtOnce  == Cardinality({i \in Server : role[i] = "Leader"}) < 2
NoVoteRefused       == \A m \in DOMAIN messages : m.type = "RequestVoteResponse" => m.voteGranted
NoAppendRefused     == \A m \in DOMAIN messages : m.type = "AppendEntriesResponse" => m.success
NoLeaderRestarts    == \A e \in elected : spent.restarts = 0 \/ role[e.leader] = "Leader"
(* An entry of an earlier term, committed by a later leader together with one of its own. *)
NoEarlierTermCommitted == \A k \in DOMAIN committed : committed[k].entry.term = committed[k].term
(* A follower replaces an entry that conflicts with its leader's. *)
NoConflictRemoved   == [][\A i \in Server : SubSeq(log'[i], 1, Min(Len(log[i]), Len(log'[i])))
                                             = SubSeq(log[i], 1, Min(Len(log[i]), Len(log'[i])))]_vars
(* A duplicated AppendEntries request arrives after the log has grown beyond it. *)
NoStaleDuplicate    == [][\A m \in DOMAIN messages :
                             m.type = "AppendEntriesRequest" /\ HandleAppendEntriesRequest(m) =>
                                 ~(/\ spent.duplicates > 0 /\ m.term = currentTerm[m.dest] /\ log' = log
                                   /\ m.prevLogIndex + Len(m.entries) < LastIndex(m.dest))]_vars
(* A snapshot overtakes a follower's log: it arrives where the log ends before it. *)
NoSnapshotInstalled == [][\A i \in Server : snapshot'[i].index > snapshot[i].index => snapshot'[i].index <= LastIndex(i)]_vars
(* An AppendEntries request arrives that reaches back below the receiver's snapshot. *)
NoAppendBelowSnapshot == [][\A m \in DOMAIN messages :
                             m.type = "AppendEntriesRequest" /\ HandleAppendEntriesRequest(m) =>
                                 m.prevLogIndex >= snapshot[m.dest].index]_vars
(* A server comes back from a crash with a snapshot. *)
NoRestartFromSnapshot == [][\A i \in Server : commitIndex'[i] < commitIndex[i] => snapshot[i].index = 0]_vars
(* A change of membership is committed; a joint configuration is left; a server that was a learner votes. *)
NoChangeCommitted   == \A k \in DOMAIN committed : committed[k].entry.value \in Value \cup {NoOp}
NoJointLeft         == \A k \in DOMAIN committed :
                           ~IsConfiguration(committed[k].entry.value)
                           \/ \A l \in 1..k - 1 : ~IsConfiguration(committed[l].entry.value)
NoLearnerVotes      == \A k \in DOMAIN committed :
                           ~IsConfiguration(committed[k].entry.value)
                           \/ \A i \in Voters(committed[k].entry.value) :
                                  \A l \in 1..k - 1 : IsConfiguration(committed[l].entry.value)
                                                          => i \notin committed[l].entry.value.learners
(* A leader steps down because it is no member any more; a change that was not committed is undone. *)
NoLeaderRemoved     == [][\A i \in Server : role[i] = "Leader" /\ role'[i] = "Follower" /\ currentTerm'[i] = currentTerm[i]
                             => i \in Config(i).voters \/ spent'.restarts > spent.restarts]_vars
NoChangeUndone      == [][\A i \in Server : Changes(log'[i]) = {} /\ Changes(log[i]) # {} => snapshot'[i] # snapshot[i]]_vars
(* A read is answered; a leader that no quorum answers steps down. *)
NoReadAnswered      == \A r \in DOMAIN reads : reads[r].answer = Unanswered
(* Requests of one leader are in flight to one peer side by side; a refusal names the term that conflicts. *)
NoPipelining        == \A i, j \in Server : i # j /\ role[i] = "Leader" => AppendsInFlight(i, j) < 2
NoConflictTerm      == \A m \in DOMAIN messages : m.type = "AppendEntriesResponse" => m.conflict.term = 0
NoLeaderStepsDown   == [][\A i \in Server : role[i] = "Leader" /\ role'[i] = "Follower" /\ currentTerm'[i] = currentTerm[i]
                             => spent'.restarts > spent.restarts]_vars
(* The server that a leader handed over to leads. *)
NoTransferCompletes == [][\A m \in DOMAIN messages :
                             m.type = "RequestVoteResponse" /\ HandleRequestVoteResponse(m) =>
                                 ~(role'[m.dest] = "Leader" /\ \E i \in Server : lead[i].transferee = m.dest /\ lead[i].handedOver)]_vars
(* What a leader committed is not yet on its own disk. *)
NoCommitBeforeSync  == \A i \in Server : role[i] = "Leader" => commitIndex[i] <= DurableIndex(i)
(* A crash loses entries that were not synced. *)
NoTailLost          == [][\A i \in Server : LastIndex(i) > snapshot'[i].index + Len(log'[i]) => spent'.restarts = spent.restarts]_vars
=============================================================================
