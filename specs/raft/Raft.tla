------------------------------- MODULE Raft ---------------------------------
(***************************************************************************)
(* The Raft consensus algorithm: elections, log replication and the commit *)
(* rule; snapshots, changes of membership, PreVote, check-quorum, transfer *)
(* of leadership, linearizable reads, pipelining, and a disk that is slower *)
(* than the network; over a network that loses, duplicates and reorders    *)
(* messages, with servers that crash and restart.                          *)
(*                                                                         *)
(* Sources: Ongaro and Ousterhout, "In Search of an Understandable         *)
(* Consensus Algorithm", the extended version of their paper at USENIX ATC *)
(* 2014, here "paper"; Ongaro, "Consensus: Bridging Theory and Practice"   *)
(* (2014), here "thesis".                                                  *)
(*                                                                         *)
(* What one step is.  Each action is one input of one server: a timer that *)
(* fires, a client's request, one message that arrives, a restart.  The    *)
(* server handles it whole: a vote that completes a quorum makes the       *)
(* candidate leader in the same step, an acknowledgement that completes a  *)
(* quorum moves the commit index in the same step.  An implementation      *)
(* built as step(state, input) has the same grain, so that its runs can be *)
(* compared with this module state by state.                               *)
(*                                                                         *)
(* Features.  The core is always on; each other part is switched on by its *)
(* name in the constant Features.  A part that is off leaves its variables *)
(* as they were in the beginning, so that it costs no states.              *)
(*                                                                         *)
(* What is modelled.  The network is a bag: a message may stay in flight   *)
(* for ever (which is loss and delay in one), be dropped, be duplicated,   *)
(* and be received in any order.  A server that is down takes no steps, so *)
(* that a crash needs no action of its own: Restart is the crash and the   *)
(* return in one.  What is durable is said below, at the variables.  A new *)
(* leader appends a no-op entry (thesis, section 6.4), since without it    *)
(* entries of earlier terms may stay uncommitted for ever, and neither a   *)
(* read nor a change of membership would be safe.                          *)
(*                                                                         *)
(* What is not.  A snapshot travels whole, in one message: chunks are      *)
(* transport.  A disk that loses what it said to be safe is out of scope.  *)
(* Followers that answer reads ask the leader for an index, which is       *)
(* ReadIndex with one message more.                                        *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Server,          \* all servers, those that may join later among them
    Founders,        \* the voters of the first configuration
    Value,           \* the values that clients may submit
    Read,            \* the reads that clients may ask for
    Nil,             \* no server: what votedFor holds before a vote
    NoOp,            \* the value of the entry with which a leader opens its term
    Features,        \* the parts that are switched on
    MaxEntries,      \* how many entries one AppendEntries request may carry
    MaxUnacknowledged,  \* Pipelining: how many entries may be sent ahead of their acknowledgement
    ElectionTicks,   \* for so many ticks of its clock a server that heard a leader stays with it
    LeaseTicks,      \* Leases: for so many ticks after a round was sent may the leader rely on it
    MaxSkew          \* Leases: by so many ticks may one clock be ahead of another

AllFeatures == {
    "Snapshots",     \* logs are compacted (paper, 7)
    "Membership",    \* servers join and leave (thesis, 4)
    "PreVote",       \* who would not win does not raise the term (thesis, 9.6)
    "CheckQuorum",   \* a leader whom no quorum answers steps down; who hears a leader ignores candidates (thesis, 6.2, 4.2.3)
    "Transfer",      \* a leader hands over to another server (thesis, 3.10)
    "Reads",         \* linearizable reads without log entries (thesis, 6.4)
    "Leases",        \* reads by the clock (thesis, 6.4.1)
    "Pipelining",    \* requests are sent before earlier ones are acknowledged (thesis, 10.2.2)
    "ConflictTerm",  \* a refusal says where to go on (paper, 5.3)
    "AsyncDisk"}     \* a leader writes its disk while it replicates (thesis, 10.2.1)

ASSUME FoundersAreServers    == IsFiniteSet(Server) /\ Founders # {} /\ Founders \subseteq Server
ASSUME NilIsNoServer         == Nil \notin Server
ASSUME NoOpIsNoValue         == NoOp \notin Value
ASSUME FeaturesAreKnown      == Features \subseteq AllFeatures
ASSUME LimitsAreOneAtLeast   == MaxEntries \in Nat \ {0} /\ MaxUnacknowledged \in Nat \ {0}
ASSUME TicksAreNumbers       == ElectionTicks \in Nat \ {0} /\ LeaseTicks \in Nat /\ MaxSkew \in Nat \ {0}

Has(feature) == feature \in Features

(* Whether servers count time. *)
Timed == Features \cap {"PreVote", "CheckQuorum", "Leases"} # {}

(* The assumption on clocks on which Leases rest.  A round is answered after it was sent, so that the *)
(* promise of a server that answers ends, on its clock, at least ElectionTicks later.  Seen from the  *)
(* leader's clock, the other may have been MaxSkew behind when the round was sent and be MaxSkew      *)
(* ahead now.  No action depends on this definition: a configuration that breaks it must fail.        *)
LeasesAreSafe == LeaseTicks + 2 * MaxSkew <= ElectionTicks

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    \* The network: message -> number of its copies in flight (at least 1).
    messages,
    \* Durable state of each server (paper, Figures 2 and 13).
    currentTerm,   \* the latest term that the server has seen
    votedFor,      \* whom it voted for in currentTerm, or Nil
    snapshot,      \* [index, term, configuration, state]: what stands for the compacted prefix of the log
    log,           \* a sequence of entries [term, value]: those behind snapshot.index
    \* Volatile state of each server.
    synced,        \* AsyncDisk: up to this log index its log would survive a crash; else 0
    role,          \* "Follower", "PreCandidate", "Candidate" or "Leader"
    commitIndex,   \* the greatest log index that it knows to be committed
    votesGranted,  \* of a candidate: who voted for it; of others: {}
    nextIndex,     \* of a leader: per member, the next log index to send; of others: 1
    matchIndex,    \* of a leader: per member, the greatest log index known to match; of others: 0
    lead,          \* of a leader: what else it keeps while it leads (NotLeading, below, says what)
    heard,         \* for so many more ticks does it stay with the leader that it heard
    ahead          \* Leases: by how many ticks its clock is ahead of the slowest

VARIABLES
    \* History, read by properties only.  No action depends on it.
    elected,       \* all elections won so far, as [term, leader]
    committed,     \* the entries that leaders committed so far, in log order, each as
                   \* [entry, term, configuration]: the entry, and the term and the configuration
                   \* of the leader that committed it
    reads          \* read -> [need, answer]: how much was committed when it was asked for, and the
                   \* log index whose state it was answered from, Unanswered until then

durableVars == <<currentTerm, votedFor, snapshot, log, synced>>
leaderVars  == <<nextIndex, matchIndex, lead>>
clockVars   == <<heard, ahead>>
historyVars == <<elected, committed, reads>>
vars == <<messages, currentTerm, votedFor, snapshot, log, synced, role, commitIndex, votesGranted, nextIndex,
          matchIndex, lead, heard, ahead, elected, committed, reads>>

-----------------------------------------------------------------------------
(* Helpers *)

Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b
Greatest(S) == CHOOSE k \in S : \A l \in S : l <= k

Unanswered == -1

Others(i) == Server \ {i}

(* The bag of messages with one copy of each message of a set more, one copy of m less. *)
With(bag, sent) ==
    [m \in DOMAIN bag \cup sent |-> (IF m \in DOMAIN bag THEN bag[m] ELSE 0) + (IF m \in sent THEN 1 ELSE 0)]
Without(bag, m) ==
    IF bag[m] > 1 THEN [bag EXCEPT ![m] = @ - 1] ELSE [n \in DOMAIN bag \ {m} |-> bag[n]]

Send(sent)          == messages' = With(messages, sent)
Discard(m)          == messages' = Without(messages, m)
Reply(m, response)  == messages' = With(Without(messages, m), {response})

-----------------------------------------------------------------------------
(* Configurations: who votes, and who merely receives the log.  While two sets of voters change hands *)
(* (joint consensus, paper, 6), `outgoing` holds the old ones; else it is empty.                       *)

FirstConfiguration == [voters |-> Founders, outgoing |-> {}, learners |-> {}]

Voters(c)  == c.voters \cup c.outgoing
Members(c) == Voters(c) \cup c.learners
IsJoint(c) == c.outgoing # {}

IsMajority(S, voters) == Cardinality(S \cap voters) * 2 > Cardinality(voters)

(* A quorum is a majority, in a joint configuration one of the old and one of the new voters: any two *)
(* share a server, and so do any two of configurations that follow each other.                         *)
IsQuorum(S, c) == IsMajority(S, c.voters) /\ (IsJoint(c) => IsMajority(S, c.outgoing))

IsConfiguration(value) == value \notin Value \cup {NoOp}

(* Where a sequence of entries holds configurations. *)
Changes(entries) ==
    IF Has("Membership") THEN {k \in DOMAIN entries : IsConfiguration(entries[k].value)} ELSE {}

(* The configuration in force after some entries: the last one among them, committed or not (paper, 6). *)
After(first, entries) ==
    LET changes == Changes(entries) IN IF changes = {} THEN first ELSE entries[Greatest(changes)].value

(* One server more or less, so that old and new majorities share one (thesis, 4.1). *)
SingleChanges(c) ==
    {[c EXCEPT !.voters = @ \cup {j}, !.learners = @ \ {j}] : j \in Server \ c.voters}
    \cup {[c EXCEPT !.voters = @ \ {j}] : j \in {k \in c.voters : c.voters # {k}}}
    \cup {[c EXCEPT !.learners = @ \cup {j}] : j \in Server \ Members(c)}
    \cup {[c EXCEPT !.learners = @ \ {j}] : j \in c.learners}

(* Any other voters, by way of both together (paper, 6). *)
JointChanges(c) ==
    {[voters |-> voters, outgoing |-> c.voters, learners |-> c.learners \ voters] :
        voters \in (SUBSET Server) \ {{}, c.voters}}

(* What may follow a configuration: out of a joint one there is one way. *)
Successors(c) ==
    IF IsJoint(c) THEN {[c EXCEPT !.outgoing = {}]} ELSE SingleChanges(c) \cup JointChanges(c)

-----------------------------------------------------------------------------
(* Logs *)

LastIndex(i) == snapshot[i].index + Len(log[i])

(* Up to where the log of server i would survive a crash. *)
DurableIndex(i) == IF Has("AsyncDisk") THEN synced[i] ELSE LastIndex(i)

(* The term of the entry at a log index, at the end of the snapshot or behind it; 0 before the first entry. *)
TermOf(base, entries, index) == IF index = base.index THEN base.term ELSE entries[index - base.index].term
TermAt(i, index) == TermOf(snapshot[i], log[i], index)
LastTerm(i) == TermAt(i, LastIndex(i))

(* The configuration that server i goes by, and the one that it knows to be committed. *)
Config(i) == After(snapshot[i].configuration, log[i])
CommittedConfig(i) ==
    After(snapshot[i].configuration, SubSeq(log[i], 1, Min(commitIndex[i] - snapshot[i].index, Len(log[i]))))

(* The state machine: the clients' values in the order of the log, each applied once.  A client that *)
(* got no answer submits its value again; the session that the state keeps of it (thesis, 6.3), here *)
(* the value itself, tells that it was applied.                                                       *)
RECURSIVE Apply(_, _)
Apply(state, entries) ==
    IF entries = <<>> THEN state
    ELSE LET value == Head(entries).value
             isNew == value \in Value /\ \A k \in DOMAIN state : state[k] # value
         IN  Apply(IF isNew THEN Append(state, value) ELSE state, Tail(entries))

-----------------------------------------------------------------------------
(* The rules on which safety rests, each in a definition of its own, so that a configuration can *)
(* replace one by a weaker one and show which property breaks.                                   *)

(* Election restriction (paper, 5.4.1): the candidate's log is at least as up to date as ours. *)
LogIsUpToDate(lastLogIndex, lastLogTerm, ourIndex, ourTerm) ==
    \/ lastLogTerm > ourTerm
    \/ lastLogTerm = ourTerm /\ lastLogIndex >= ourIndex

(* One vote a term (paper, 5.2). *)
MayVoteFor(candidate, vote) == vote \in {Nil, candidate}

(* Consistency check of AppendEntries (paper, 5.3): our log holds the entry before the new ones.  What *)
(* a snapshot stands for is committed, so that it matches whatever a leader holds there.               *)
PreviousEntryMatches(base, entries, prevLogIndex, prevLogTerm) ==
    \/ prevLogIndex < base.index
    \/ prevLogIndex <= base.index + Len(entries) /\ TermOf(base, entries, prevLogIndex) = prevLogTerm

(* A follower's log after accepting new entries behind prevLogIndex, those that its snapshot covers *)
(* left out.  Only a conflict truncates: a request that was delayed or duplicated must not remove    *)
(* entries that a later one brought (paper, Figure 2, AppendEntries rules 3 and 4).                  *)
Accept(base, entries, prevLogIndex, new) ==
    LET covered   == Min(Max(0, base.index - prevLogIndex), Len(new))
        uncovered == SubSeq(new, covered + 1, Len(new))
        before    == Max(0, prevLogIndex - base.index)
        conflicts == {k \in DOMAIN uncovered : before + k > Len(entries)
                                               \/ entries[before + k].term # uncovered[k].term}
    IN  IF conflicts = {} THEN entries ELSE SubSeq(entries, 1, before) \o uncovered

(* What a follower may take as committed: no further than the entries that this request vouches *)
(* for, and never back (paper, Figure 2, AppendEntries rule 5).                                 *)
FollowerCommitIndex(commit, leaderCommit, lastNewIndex) ==
    Max(commit, Min(leaderCommit, lastNewIndex))

(* Up to where a follower answers for its log: no further than the request vouches for (paper, 5.3), *)
(* since behind that there may be entries of its own.                                                 *)
AcknowledgedIndex(lastNewIndex, lastIndex) == lastNewIndex

(* A follower's log is safe before it answers (paper, Figure 2, "updated on stable storage before *)
(* responding"); `before` is what was safe so far.                                                  *)
SyncedBeforeAnswer(before, lastIndex) == lastIndex

(* A leader counts itself for what is on its disk, as it counts others (thesis, 10.2.1). *)
CountsItself(index, durable) == index <= durable

(* Commit rule (paper, 5.4.2): a leader counts replicas only for entries of its own term. *)
MayCommitTerm(entryTerm, leaderTerm) == entryTerm = leaderTerm

(* Who holds a leader's log up to an index, as far as the leader knows. *)
Holders(i, index, durable, match) ==
    {j \in Others(i) : match[j] >= index} \cup (IF CountsItself(index, durable) THEN {i} ELSE {})

(* The greatest index that leader i may take as committed, given its log, what of it is on its disk, *)
(* and what its peers hold.                                                                           *)
LeaderCommitIndex(i, entries, durable, match) ==
    LET base   == snapshot'[i]
        config == After(base.configuration, entries)
        committable == {k \in commitIndex[i] + 1..base.index + Len(entries) :
                            /\ MayCommitTerm(TermOf(base, entries, k), currentTerm'[i])
                            /\ IsQuorum(Holders(i, k, durable, match), config)}
    IN  IF committable = {} THEN commitIndex[i] ELSE Greatest(committable)

(* What a leader knows of a peer after its answers: a late success must not unlearn, a late refusal *)
(* must not go back behind what is known to match (paper, 5.3).                                      *)
MatchAfterSuccess(known, acknowledged) == Max(known, acknowledged)
NextAfterRefusal(next, known, hint) == Max(Min(next - 1, hint), known + 1)

(* With what a leader opens its term (thesis, 6.4): an entry that it may commit, and with it all before. *)
OpeningEntries(term) == <<[term |-> term, value |-> NoOp]>>

(* A peer that lacks entries which the leader has compacted needs the snapshot (paper, 7). *)
NeedsSnapshot(next, base) == next <= base.index

(* Up to where a server may compact its log: what it knows to be committed (paper, 7). *)
CompactibleIndex(i) == commitIndex[i]

(* A snapshot is older than what a server has committed: it brings nothing (paper, Figure 13). *)
SnapshotIsStale(index, commit) == index <= commit

(* The entries that stay behind a snapshot that arrived: those that follow its last one, if the log *)
(* holds that one; else none (paper, Figure 13, rules 6 and 7).                                      *)
KeepBehindSnapshot(base, entries, index, term) ==
    IF index <= base.index + Len(entries) /\ index >= base.index /\ TermOf(base, entries, index) = term
    THEN SubSeq(entries, index - base.index + 1, Len(entries))
    ELSE <<>>

(* A leader changes the membership when the last change is committed (paper, 6; thesis, 4.1) ... *)
LastChangeIsCommitted(i) ==
    \A k \in Changes(log[i]) : snapshot[i].index + k <= commitIndex[i]

(* ... and it has committed an entry of its own term: else a change of an earlier leader, that it does *)
(* not know of, may be committed (Ongaro, "bug in single-server membership changes", raft-dev, 2015).   *)
(* The same holds for reads: only then does it know all that is committed (thesis, 6.4).                *)
CommittedInItsTerm(i) == commitIndex[i] >= snapshot[i].index /\ TermAt(i, commitIndex[i]) = currentTerm[i]
MayChange(i) == LastChangeIsCommitted(i) /\ CommittedInItsTerm(i)
MayRead(i)   == CommittedInItsTerm(i)

(* A change is one that keeps quorums sharing a server.  Next draws from these anyway; the rule bites *)
(* where a configuration lets clients propose others.                                                  *)
IsSafeChange(old, new) == new \in Successors(old)

(* A server stands for election if it is a voter, or was one and may still be needed: as long as it *)
(* does not know its removal to be committed (thesis, 4.2.2).                                        *)
MayCampaign(i) == i \in Voters(Config(i)) \cup Voters(CommittedConfig(i))

(* A read is answered when a quorum has said, after it was asked for, that it follows this leader *)
(* (thesis, 6.4).                                                                                  *)
ReadIsConfirmed(followers, c) == IsQuorum(followers, c)

(* The round that an answer confirms.  A refusal of an earlier term confirms none: the leader of that *)
(* term may lead again, and would take it for a round of its present term.                              *)
AnsweredRound(round, stale) == IF stale THEN 0 ELSE round

(* A leader that hands over has no lease, since the one that takes over is not ignored by those who   *)
(* hear the leader; and never again in its term once it asked it to, since that request may arrive late. *)
NoLease == [round |-> 0, left |-> 0]
LeaseWhileHandingOver(lease) == NoLease
MayHoldLease(l) == ~l.handedOver

(* Who hears a leader ignores those who would replace it (thesis, 4.2.3 and 9.6); so does the leader *)
(* itself, since it would know if no quorum heard it.                                                 *)
StaysWithLeader(i) == heard[i] > 0 \/ (Has("CheckQuorum") /\ role[i] = "Leader")

(* What survives a crash (paper, Figure 2, "persistent state"). *)
TermAfterRestart(i)  == currentTerm[i]
VoteAfterRestart(i)  == votedFor[i]
LogAfterRestart(i, lastIndex) == SubSeq(log[i], 1, lastIndex - snapshot[i].index)
(* A server that comes back does not know when it last heard a leader: it stays with it for as long as *)
(* it may have promised.                                                                                *)
HeardAfterRestart(i) == IF Timed THEN ElectionTicks ELSE 0

-----------------------------------------------------------------------------
(* Initial states *)

NoNextIndex(i)  == [j \in Others(i) |-> 1]
NoMatchIndex(i) == [j \in Others(i) |-> 0]

(* What a leader keeps while it leads; this is what others have. *)
NotLeading(i) ==
    [round      |-> 0,                         \* counts the rounds of requests that reads and leases ask for
     acked      |-> [j \in Others(i) |-> 0],   \* the latest round that each server answered
     pending    |-> {},                        \* reads to be answered, as [read, index, round]
     lease      |-> NoLease,                   \* the round on which it rests, and the ticks that are left of it
     active     |-> {},                        \* CheckQuorum: who answered since the last check
     transferee |-> Nil,                       \* to whom it is handing over
     handedOver |-> FALSE]                     \* whether it ever asked anybody to take over

NewLead(i) == NotLeading(i)

Init ==
    /\ messages     = [m \in {} |-> 0]
    /\ currentTerm  = [i \in Server |-> 0]
    /\ votedFor     = [i \in Server |-> Nil]
    /\ snapshot     = [i \in Server |-> [index |-> 0, term |-> 0, configuration |-> FirstConfiguration, state |-> <<>>]]
    /\ log          = [i \in Server |-> <<>>]
    /\ synced       = [i \in Server |-> 0]
    /\ role         = [i \in Server |-> "Follower"]
    /\ commitIndex  = [i \in Server |-> 0]
    /\ votesGranted = [i \in Server |-> {}]
    /\ nextIndex    = [i \in Server |-> NoNextIndex(i)]
    /\ matchIndex   = [i \in Server |-> NoMatchIndex(i)]
    /\ lead         = [i \in Server |-> NotLeading(i)]
    /\ heard        = [i \in Server |-> 0]
    /\ ahead        = [i \in Server |-> 0]
    /\ elected      = {}
    /\ committed    = <<>>
    /\ reads        = [r \in {} |-> 0]

-----------------------------------------------------------------------------
(* Parts that several actions share *)

(* Server i takes role r in this step, with votes if it is a candidate; what belongs to other roles is reset. *)
TakeRole(i, r, votes) ==
    /\ role'         = [role EXCEPT ![i] = r]
    /\ votesGranted' = [votesGranted EXCEPT ![i] = votes]
    /\ nextIndex'    = [nextIndex EXCEPT ![i] = NoNextIndex(i)]
    /\ matchIndex'   = [matchIndex EXCEPT ![i] = NoMatchIndex(i)]
    /\ lead'         = [lead EXCEPT ![i] = NotLeading(i)]

(* What server i has written so far, up to log index `last`, is on its disk after this step.  A disk *)
(* is written in order: who makes a vote safe makes safe all that was written before.                *)
Sync(i, last) == synced' = IF Has("AsyncDisk") THEN [synced EXCEPT ![i] = last] ELSE synced

(* Server i meets a term above its own: it follows, with no vote given yet (paper, 5.1). *)
FollowTerm(i, term) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
    /\ votedFor'    = [votedFor EXCEPT ![i] = Nil]
    /\ Sync(i, LastIndex(i))
    /\ TakeRole(i, "Follower", {})

(* Server i hears the leader of its term. *)
Hears(i) == heard' = IF Timed THEN [heard EXCEPT ![i] = ElectionTicks] ELSE heard

(* How each step of leader i ends.  It holds `entries` behind its snapshot, and `next`, `match` and `l` *)
(* of its peers; `asked` are all reads, those asked for in this step among them.  It commits what a    *)
(* quorum holds and answers the reads that a quorum confirmed.  Term and snapshot are those after the   *)
(* step, so that an action says first what becomes of them.  Once a configuration without it is         *)
(* committed it steps down (thesis, 4.2.2).  The history keeps what no leader had committed before.     *)
Lead(i, entries, next, match, l, asked) ==
    LET base      == snapshot'[i]
        config    == After(base.configuration, entries)
        durable   == IF Has("AsyncDisk") THEN synced'[i] ELSE base.index + Len(entries)
        commit    == LeaderCommitIndex(i, entries, durable, match)
        confirmed == {p \in l.pending :
                         ReadIsConfirmed({i} \cup {j \in Others(i) : l.acked[j] >= p.round}, config)}
        retires   == /\ i \notin config.voters /\ ~IsJoint(config)
                     /\ \A k \in Changes(entries) : base.index + k <= commit
    IN  /\ log'         = [log EXCEPT ![i] = entries]
        /\ commitIndex' = [commitIndex EXCEPT ![i] = commit]
        /\ committed'   = committed \o [k \in 1..Max(0, commit - Len(committed)) |->
                                            [entry |-> entries[Len(committed) + k - base.index],
                                             term |-> currentTerm'[i], configuration |-> config]]
        /\ reads'       = [r \in DOMAIN asked |->
                              IF \E p \in confirmed : p.read = r
                              THEN [asked[r] EXCEPT !.answer = (CHOOSE p \in confirmed : p.read = r).index]
                              ELSE asked[r]]
        /\ IF retires
           THEN TakeRole(i, "Follower", {})
           ELSE /\ role'         = [role EXCEPT ![i] = "Leader"]
                /\ votesGranted' = [votesGranted EXCEPT ![i] = {}]
                /\ nextIndex'    = [nextIndex EXCEPT ![i] = next]
                /\ matchIndex'   = [matchIndex EXCEPT ![i] = match]
                /\ lead'         = [lead EXCEPT ![i] = [l EXCEPT !.pending = @ \ confirmed]]

(* Leader i goes on as it was, with something else of its own kept. *)
LeadOn(i, l) == Lead(i, log[i], nextIndex[i], matchIndex[i], l, reads)

(* Of which peers a leader with a configuration keeps a next index: its members. *)
NextOf(i, c, index) == [j \in Others(i) |-> IF j \in Members(c) THEN index ELSE 1]

(* Candidate i, in `term`, wins: it opens the term with a no-op and will send from there on. *)
BecomeLeader(i, term) ==
    /\ elected' = elected \cup {[term |-> term, leader |-> i]}
    /\ Lead(i, log[i] \o OpeningEntries(term), NextOf(i, Config(i), LastIndex(i) + 1), NoMatchIndex(i), NewLead(i), reads)

(* Server i starts an election (paper, 5.2): a new term, a vote for itself, a request to all voters; *)
(* `bag` are the messages in flight without the one that made it do so.                               *)
Campaign(i, isTransfer, bag) ==
    LET term == currentTerm[i] + 1
    IN  /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
        /\ votedFor'    = [votedFor EXCEPT ![i] = i]
        /\ messages'    = With(bag, {[type |-> "RequestVoteRequest", term |-> term, source |-> i, dest |-> j,
                                      lastLogIndex |-> LastIndex(i), lastLogTerm |-> LastTerm(i),
                                      transfer |-> isTransfer] : j \in Voters(Config(i)) \ {i}})
        /\ UNCHANGED <<snapshot, clockVars>>
        /\ IF IsQuorum({i}, Config(i))
           THEN /\ Sync(i, LastIndex(i) + Len(OpeningEntries(term)))
                /\ BecomeLeader(i, term)
           ELSE /\ Sync(i, LastIndex(i))
                /\ TakeRole(i, "Candidate", {i})
                /\ UNCHANGED <<log, commitIndex, historyVars>>

-----------------------------------------------------------------------------
(* Actions: timers and clients *)

(* The election timer of a server that leads nobody fires (paper, 5.2): it starts an election.  With *)
(* PreVote it asks first whether it would win one, and changes neither its term nor its vote for it   *)
(* (thesis, 9.6).  The timer outlasts the time for which the server stays with a leader.              *)
Timeout(i) ==
    /\ role[i] # "Leader"
    /\ MayCampaign(i)
    /\ heard[i] = 0
    /\ IF Has("PreVote") /\ ~IsQuorum({i}, Config(i))
       THEN /\ Send({[type |-> "PreVoteRequest", term |-> currentTerm[i] + 1, source |-> i, dest |-> j,
                      lastLogIndex |-> LastIndex(i), lastLogTerm |-> LastTerm(i)] : j \in Voters(Config(i)) \ {i}})
            /\ TakeRole(i, "PreCandidate", {i})
            /\ UNCHANGED <<durableVars, commitIndex, clockVars, historyVars>>
       ELSE Campaign(i, FALSE, messages)

(* A client submits value v to leader i, which appends it to its log (paper, 5.3). *)
ClientRequest(i, v) ==
    /\ role[i] = "Leader" /\ lead[i].transferee = Nil
    /\ UNCHANGED <<messages, currentTerm, votedFor, snapshot, synced, clockVars, elected>>
    /\ Lead(i, Append(log[i], [term |-> currentTerm[i], value |-> v]), nextIndex[i], matchIndex[i], lead[i], reads)

(* Leader i sends peer j the entries from nextIndex on, at most MaxEntries of them; with none to     *)
(* send it is a heartbeat (paper, 5.3).  Sent again and again until it is acknowledged; pipelined, it *)
(* takes for granted what it sent, up to MaxUnacknowledged entries, until a refusal tells otherwise.  *)
AppendEntries(i, j) ==
    LET next  == nextIndex[i][j]
        room  == IF Has("Pipelining") THEN Min(MaxEntries, MaxUnacknowledged - (next - 1 - matchIndex[i][j])) ELSE MaxEntries
        last  == Min(LastIndex(i), next - 1 + Max(0, room))
        first == snapshot[i].index
    IN  /\ role[i] = "Leader"
        /\ j \in Members(Config(i)) \ {i}
        /\ ~NeedsSnapshot(next, snapshot[i])
        /\ Send({[type |-> "AppendEntriesRequest", term |-> currentTerm[i], source |-> i, dest |-> j,
                  prevLogIndex |-> next - 1, prevLogTerm |-> TermAt(i, next - 1),
                  entries |-> SubSeq(log[i], next - first, last - first),
                  leaderCommit |-> commitIndex[i], round |-> lead[i].round]})
        /\ nextIndex' = IF Has("Pipelining") THEN [nextIndex EXCEPT ![i][j] = last + 1] ELSE nextIndex
        /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, matchIndex, lead, clockVars, historyVars>>

(* Leader i has compacted what peer j lacks, and sends its snapshot (paper, 7). *)
InstallSnapshot(i, j) ==
    /\ role[i] = "Leader"
    /\ j \in Members(Config(i)) \ {i}
    /\ NeedsSnapshot(nextIndex[i][j], snapshot[i])
    /\ Send({[type |-> "InstallSnapshotRequest", term |-> currentTerm[i], source |-> i, dest |-> j,
              snapshot |-> snapshot[i], round |-> lead[i].round]})
    /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

(* Server i replaces the part of its log that it knows to be committed by the state to which it leads *)
(* (paper, 7).  Its whole log is on its disk then, and a leader may commit by it.                      *)
Compact(i) ==
    LET index  == CompactibleIndex(i)
        kept   == index - snapshot[i].index
        prefix == SubSeq(log[i], 1, kept)
        rest   == SubSeq(log[i], kept + 1, Len(log[i]))
    IN  /\ Has("Snapshots")
        /\ kept > 0
        /\ snapshot' = [snapshot EXCEPT ![i] =
                           [index |-> index, term |-> TermAt(i, index),
                            configuration |-> After(@.configuration, prefix), state |-> Apply(@.state, prefix)]]
        /\ Sync(i, LastIndex(i))
        /\ UNCHANGED <<messages, currentTerm, votedFor, clockVars, elected>>
        /\ IF role[i] = "Leader"
           THEN Lead(i, rest, nextIndex[i], matchIndex[i], lead[i], reads)
           ELSE /\ log' = [log EXCEPT ![i] = rest]
                /\ UNCHANGED <<role, commitIndex, votesGranted, leaderVars, committed, reads>>

(* Leader i appends configuration c, and goes by it at once (paper, 6; thesis, 4.1).  A member that is *)
(* new is sent the log from its end on, and what it lacks once it refuses that.                         *)
ChangeMembership(i, c) ==
    LET old == Config(i)
        new(known, value) == [j \in Others(i) |-> IF j \notin Members(c) THEN value
                                                  ELSE IF j \in Members(old) THEN known[j] ELSE value]
        next == [j \in Others(i) |-> IF j \notin Members(c) THEN 1
                                     ELSE IF j \in Members(old) THEN nextIndex[i][j] ELSE LastIndex(i) + 1]
    IN  /\ Has("Membership")
        /\ role[i] = "Leader" /\ lead[i].transferee = Nil
        /\ MayChange(i)
        /\ IsSafeChange(old, c)
        /\ UNCHANGED <<messages, currentTerm, votedFor, snapshot, synced, clockVars, elected>>
        /\ Lead(i, Append(log[i], [term |-> currentTerm[i], value |-> c]), next, new(matchIndex[i], 0),
                [lead[i] EXCEPT !.acked = new(@, 0), !.active = @ \cap Members(c)], reads)

(* Leader i looks whether a quorum answered it since the last time, and steps down if not, so that it *)
(* does not keep clients waiting behind a partition (thesis, 6.2).                                      *)
CheckQuorum(i) ==
    /\ Has("CheckQuorum")
    /\ role[i] = "Leader"
    /\ IF IsQuorum({i} \cup lead[i].active, Config(i))
       THEN /\ lead' = [lead EXCEPT ![i].active = {}]
            /\ UNCHANGED <<role, votesGranted, nextIndex, matchIndex>>
       ELSE TakeRole(i, "Follower", {})
    /\ UNCHANGED <<messages, durableVars, commitIndex, clockVars, historyVars>>

TimeoutNowMessage(i, j) == [type |-> "TimeoutNow", term |-> currentTerm[i], source |-> i, dest |-> j]

(* Leader i is asked to hand over to voter j (thesis, 3.10).  It takes no more from clients, gives up *)
(* its lease, and tells j to start an election as soon as j holds all of its log.                      *)
TransferLeadership(i, j) ==
    LET isReady == matchIndex[i][j] = LastIndex(i)
    IN  /\ Has("Transfer")
        /\ role[i] = "Leader" /\ lead[i].transferee = Nil
        /\ j \in Voters(Config(i)) \ {i}
        /\ lead' = [lead EXCEPT ![i].transferee = j, ![i].handedOver = @ \/ isReady,
                                ![i].lease = LeaseWhileHandingOver(@)]
        /\ messages' = IF isReady THEN With(messages, {TimeoutNowMessage(i, j)}) ELSE messages
        /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, nextIndex, matchIndex, clockVars, historyVars>>

(* The other did not take over in time: leader i serves clients again (thesis, 3.10). *)
AbortTransfer(i) ==
    /\ role[i] = "Leader" /\ lead[i].transferee # Nil
    /\ lead' = [lead EXCEPT ![i].transferee = Nil]
    /\ UNCHANGED <<messages, durableVars, role, commitIndex, votesGranted, nextIndex, matchIndex, clockVars, historyVars>>

-----------------------------------------------------------------------------
(* Actions: reads *)

Asked(r, answer) ==
    [s \in DOMAIN reads \cup {r} |-> IF s = r THEN [need |-> Len(committed), answer |-> answer] ELSE reads[s]]

(* A client asks leader i for read r, by ReadIndex (thesis, 6.4): what is committed now is noted, and *)
(* the read is answered when a quorum has answered a request that was sent after this.                 *)
ReadIndex(i, r) ==
    LET round == lead[i].round + 1
    IN  /\ Has("Reads")
        /\ role[i] = "Leader" /\ MayRead(i)
        /\ r \notin DOMAIN reads
        /\ UNCHANGED <<messages, currentTerm, votedFor, snapshot, synced, clockVars, elected>>
        /\ Lead(i, log[i], nextIndex[i], matchIndex[i],
                [lead[i] EXCEPT !.round = round,
                                !.pending = @ \cup {[read |-> r, index |-> commitIndex[i], round |-> round]}],
                Asked(r, Unanswered))

(* Leader i begins a round on which to rest a lease, in the place of the one it has (thesis, 6.4.1). *)
RenewLease(i) ==
    LET round == lead[i].round + 1
    IN  /\ Has("Leases")
        /\ role[i] = "Leader" /\ lead[i].transferee = Nil /\ MayHoldLease(lead[i])
        /\ lead' = [lead EXCEPT ![i].round = round, ![i].lease = [round |-> round, left |-> LeaseTicks]]
        /\ UNCHANGED <<messages, durableVars, role, commitIndex, votesGranted, nextIndex, matchIndex, clockVars, historyVars>>

(* A lease holds while a quorum that answered its round is sure to ignore candidates. *)
HoldsLease(i) ==
    /\ lead[i].lease.left > 0
    /\ IsQuorum({i} \cup {j \in Others(i) : lead[i].acked[j] >= lead[i].lease.round}, Config(i))

(* A client asks leader i for read r, which it answers at once, by its lease (thesis, 6.4.1). *)
LeaseRead(i, r) ==
    /\ Has("Leases")
    /\ role[i] = "Leader" /\ MayRead(i) /\ HoldsLease(i)
    /\ r \notin DOMAIN reads
    /\ reads' = Asked(r, commitIndex[i])
    /\ UNCHANGED <<messages, durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, elected, committed>>

-----------------------------------------------------------------------------
(* Actions: a message arrives *)

(* Thesis, 9.6: server i says whether it would vote, and changes nothing.  Who hears a leader would *)
(* not.  A refusal carries its own term, so that who lags behind learns it.                          *)
HandlePreVoteRequest(m) ==
    LET i       == m.dest
        granted == /\ m.term > currentTerm[i]
                   /\ ~StaysWithLeader(i)
                   /\ LogIsUpToDate(m.lastLogIndex, m.lastLogTerm, LastIndex(i), LastTerm(i))
    IN  /\ m.type = "PreVoteRequest"
        /\ Reply(m, [type |-> "PreVoteResponse", term |-> IF granted THEN m.term ELSE currentTerm[i],
                     source |-> i, dest |-> m.source, voteGranted |-> granted])
        /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

(* A quorum that would vote for it makes the pre-candidate a candidate (thesis, 9.6). *)
HandlePreVoteResponse(m) ==
    LET i      == m.dest
        counts == m.voteGranted /\ role[i] = "PreCandidate" /\ m.term = currentTerm[i] + 1
        voters == votesGranted[i] \cup {m.source}
    IN  /\ m.type = "PreVoteResponse"
        /\ \/ /\ ~m.voteGranted /\ m.term > currentTerm[i]
              /\ Discard(m)
              /\ FollowTerm(i, m.term)
              /\ UNCHANGED <<snapshot, log, commitIndex, clockVars, historyVars>>
           \/ /\ counts /\ IsQuorum(voters, Config(i))
              /\ Campaign(i, FALSE, Without(messages, m))
           \/ /\ counts /\ ~IsQuorum(voters, Config(i))
              /\ Discard(m)
              /\ votesGranted' = [votesGranted EXCEPT ![i] = voters]
              /\ UNCHANGED <<durableVars, role, commitIndex, leaderVars, clockVars, historyVars>>
           \/ /\ ~counts /\ ~(~m.voteGranted /\ m.term > currentTerm[i])
              /\ Discard(m)
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

(* Paper, Figure 2, RequestVote RPC.  A term above ours resets our vote before we judge.  Who hears a *)
(* leader does not even look at it, unless that leader asked for the election (thesis, 4.2.3).         *)
HandleRequestVoteRequest(m) ==
    LET i       == m.dest
        newer   == m.term > currentTerm[i]
        ignored == newer /\ ~m.transfer /\ Features \cap {"CheckQuorum", "Leases"} # {} /\ StaysWithLeader(i)
        term    == Max(m.term, currentTerm[i])
        vote    == IF newer THEN Nil ELSE votedFor[i]
        granted == /\ m.term = term
                   /\ MayVoteFor(m.source, vote)
                   /\ LogIsUpToDate(m.lastLogIndex, m.lastLogTerm, LastIndex(i), LastTerm(i))
        voted   == IF granted THEN m.source ELSE vote
    IN  /\ m.type = "RequestVoteRequest"
        /\ IF ignored
           THEN /\ Discard(m)
                /\ UNCHANGED <<durableVars, role, votesGranted, leaderVars>>
           ELSE /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
                /\ votedFor'    = [votedFor EXCEPT ![i] = voted]
                /\ IF newer \/ voted # vote THEN Sync(i, LastIndex(i)) ELSE UNCHANGED synced
                /\ IF newer THEN TakeRole(i, "Follower", {}) ELSE UNCHANGED <<role, votesGranted, leaderVars>>
                /\ Reply(m, [type |-> "RequestVoteResponse", term |-> term, source |-> i, dest |-> m.source,
                             voteGranted |-> granted])
                /\ UNCHANGED <<snapshot, log>>
        /\ UNCHANGED <<commitIndex, clockVars, historyVars>>

(* A candidate counts voters, not votes: a duplicate changes nothing (paper, 5.2). *)
HandleRequestVoteResponse(m) ==
    LET i      == m.dest
        voters == votesGranted[i] \cup {m.source}
    IN  /\ m.type = "RequestVoteResponse"
        /\ Discard(m)
        /\ \/ /\ m.term > currentTerm[i]
              /\ FollowTerm(i, m.term)
              /\ UNCHANGED <<snapshot, log, commitIndex, historyVars>>
           \/ /\ m.term = currentTerm[i] /\ role[i] = "Candidate" /\ m.voteGranted
              /\ UNCHANGED <<currentTerm, votedFor, snapshot, synced>>
              /\ IF IsQuorum(voters, Config(i))
                 THEN BecomeLeader(i, m.term)
                 ELSE /\ votesGranted' = [votesGranted EXCEPT ![i] = voters]
                      /\ UNCHANGED <<log, role, commitIndex, leaderVars, historyVars>>
           \/ /\ m.term <= currentTerm[i]
              /\ ~(m.term = currentTerm[i] /\ role[i] = "Candidate" /\ m.voteGranted)
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>
        /\ UNCHANGED clockVars

(* What server i makes of a request of a leader, before it looks at what is in it: the leader of its *)
(* own term or of a later one is heard, and whoever stands for election gives up (paper, 5.2); a vote *)
(* stands where the term is the same.                                                                  *)
FollowLeader(i, term) ==
    LET stale == term < currentTerm[i]
        newer == term > currentTerm[i]
    IN  /\ currentTerm' = [currentTerm EXCEPT ![i] = Max(term, @)]
        /\ votedFor'    = [votedFor EXCEPT ![i] = IF newer THEN Nil ELSE @]
        /\ IF newer \/ (~stale /\ role[i] \in {"PreCandidate", "Candidate"})
           THEN TakeRole(i, "Follower", {})
           ELSE UNCHANGED <<role, votesGranted, leaderVars>>
        /\ IF stale THEN UNCHANGED heard ELSE Hears(i)
        /\ UNCHANGED ahead

(* Where a leader should go on after a refusal: behind our log if that is too short; else, of the term *)
(* that we hold where its entry should be, our first index (paper, 5.3).                                *)
Conflict(i, prevLogIndex) ==
    IF ~Has("ConflictTerm") THEN [term |-> 0, index |-> 0]
    ELSE IF prevLogIndex > LastIndex(i) THEN [term |-> 0, index |-> LastIndex(i) + 1]
    ELSE LET term == TermAt(i, prevLogIndex)
             same == {k \in snapshot[i].index + 1..prevLogIndex : TermAt(i, k) = term}
         IN  [term |-> term, index |-> CHOOSE k \in same : \A l \in same : k <= l]

(* Paper, Figure 2, AppendEntries RPC. *)
HandleAppendEntriesRequest(m) ==
    LET i       == m.dest
        stale   == m.term < currentTerm[i]
        last    == m.prevLogIndex + Len(m.entries)
        success == ~stale /\ PreviousEntryMatches(snapshot[i], log[i], m.prevLogIndex, m.prevLogTerm)
        entries == IF success THEN Accept(snapshot[i], log[i], m.prevLogIndex, m.entries) ELSE log[i]
        lastIndex == snapshot[i].index + Len(entries)
    IN  /\ m.type = "AppendEntriesRequest"
        /\ FollowLeader(i, m.term)
        /\ log' = [log EXCEPT ![i] = entries]
        /\ IF success THEN Sync(i, SyncedBeforeAnswer(Min(synced[i], lastIndex), lastIndex))
           ELSE IF m.term > currentTerm[i] THEN Sync(i, lastIndex) ELSE UNCHANGED synced
        /\ commitIndex' = [commitIndex EXCEPT ![i] =
                              IF success THEN FollowerCommitIndex(@, m.leaderCommit, last) ELSE @]
        /\ Reply(m, [type |-> "AppendEntriesResponse", term |-> currentTerm'[i], source |-> i, dest |-> m.source,
                     success |-> success, matchIndex |-> IF success THEN AcknowledgedIndex(last, lastIndex) ELSE 0,
                     conflict |-> IF stale \/ success THEN [term |-> 0, index |-> 0] ELSE Conflict(i, m.prevLogIndex),
                     round |-> AnsweredRound(m.round, stale)])
        /\ UNCHANGED <<snapshot, historyVars>>

(* Paper, Figure 13, InstallSnapshot RPC.  It is answered like a request whose last entry is the last *)
(* one that the snapshot covers: from there on sender and receiver agree.                              *)
HandleInstallSnapshotRequest(m) ==
    LET i     == m.dest
        stale == m.term < currentTerm[i]
        index == m.snapshot.index
        taken == ~stale /\ ~SnapshotIsStale(index, commitIndex[i])
        kept  == IF taken THEN KeepBehindSnapshot(snapshot[i], log[i], index, m.snapshot.term) ELSE log[i]
    IN  /\ m.type = "InstallSnapshotRequest"
        /\ FollowLeader(i, m.term)
        /\ snapshot'    = [snapshot EXCEPT ![i] = IF taken THEN m.snapshot ELSE @]
        /\ log'         = [log EXCEPT ![i] = kept]
        /\ IF ~stale THEN Sync(i, snapshot'[i].index + Len(kept)) ELSE UNCHANGED synced
        /\ commitIndex' = [commitIndex EXCEPT ![i] = IF taken THEN index ELSE @]
        /\ Reply(m, [type |-> "AppendEntriesResponse", term |-> currentTerm'[i], source |-> i, dest |-> m.source,
                     success |-> ~stale, matchIndex |-> IF stale THEN 0 ELSE index,
                     conflict |-> [term |-> 0, index |-> 0], round |-> AnsweredRound(m.round, stale)])
        /\ UNCHANGED historyVars

(* Where leader i goes on after a refusal: behind its last entry of the conflicting term if it has *)
(* any, else where the follower's entries of that term begin (paper, 5.3).  A refusal that says      *)
(* nothing of a conflict answers a request of an earlier term of this leader.                         *)
Hint(i, next, conflict) ==
    LET same == {k \in snapshot[i].index + 1..LastIndex(i) : TermAt(i, k) = conflict.term}
    IN  IF ~Has("ConflictTerm") \/ conflict.index = 0 THEN next - 1
        ELSE IF same = {} THEN conflict.index ELSE Greatest(same) + 1

(* Paper, 5.3.  An answer may be late or a duplicate: what a peer is known to hold never shrinks, *)
(* and nextIndex backs off no further than behind it.  Any answer in its term says that the peer  *)
(* is in that term too; one to a request of that term also, by its round, that the peer followed  *)
(* this leader when the round was sent.  A refusal of a request of an earlier term says no more    *)
(* than the former, and costs one step of backing off.                                              *)
HandleAppendEntriesResponse(m) ==
    LET i     == m.dest
        j     == m.source
        leads == m.term = currentTerm[i] /\ role[i] = "Leader" /\ j \in Members(Config(i))
        next  == IF m.success THEN Max(nextIndex[i][j], m.matchIndex + 1)
                 ELSE NextAfterRefusal(nextIndex[i][j], matchIndex[i][j], Hint(i, nextIndex[i][j], m.conflict))
        match == IF m.success THEN MatchAfterSuccess(matchIndex[i][j], m.matchIndex) ELSE matchIndex[i][j]
        handsOver == lead[i].transferee = j /\ match = LastIndex(i)
        l     == [lead[i] EXCEPT !.acked[j] = Max(@, m.round),
                                 !.active = IF Has("CheckQuorum") THEN @ \cup {j} ELSE @,
                                 !.handedOver = @ \/ handsOver]
    IN  /\ m.type = "AppendEntriesResponse"
        /\ messages' = With(Without(messages, m), IF leads /\ handsOver THEN {TimeoutNowMessage(i, j)} ELSE {})
        /\ \/ /\ m.term > currentTerm[i]
              /\ FollowTerm(i, m.term)
              /\ UNCHANGED <<snapshot, log, commitIndex, historyVars>>
           \/ /\ leads
              /\ UNCHANGED <<currentTerm, votedFor, snapshot, synced, elected>>
              /\ Lead(i, log[i], [nextIndex[i] EXCEPT ![j] = next], [matchIndex[i] EXCEPT ![j] = match], l, reads)
           \/ /\ m.term <= currentTerm[i] /\ ~leads
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>
        /\ UNCHANGED clockVars

(* The leader asks server i to take over (thesis, 3.10): it stands for election at once, and says why, *)
(* so that it is not ignored by those who hear the leader.                                              *)
HandleTimeoutNow(m) ==
    LET i == m.dest
        obeys == m.term = currentTerm[i] /\ role[i] # "Leader" /\ MayCampaign(i)
    IN  /\ m.type = "TimeoutNow"
        /\ IF obeys
           THEN Campaign(i, TRUE, Without(messages, m))
           ELSE /\ Discard(m)
                /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

-----------------------------------------------------------------------------
(* Actions: clocks and disks *)

(* The clock of server i ticks.  With Leases no clock gets more than MaxSkew ahead of another, and *)
(* clocks that have nothing to count go on as well.                                                  *)
Tick(i) ==
    LET moved   == [ahead EXCEPT ![i] = @ + 1]
        slowest == CHOOSE t \in {moved[j] : j \in Server} : \A j \in Server : t <= moved[j]
    IN  /\ Timed
        /\ IF Has("Leases")
           THEN /\ ahead' = [j \in Server |-> moved[j] - slowest]
                /\ \A j \in Server : ahead'[j] <= MaxSkew
           ELSE /\ heard[i] > 0
                /\ UNCHANGED ahead
        /\ heard' = [heard EXCEPT ![i] = Max(0, @ - 1)]
        /\ lead'  = [lead EXCEPT ![i].lease = IF @.left > 1 THEN [@ EXCEPT !.left = @ - 1] ELSE NoLease]
        /\ UNCHANGED <<messages, durableVars, role, commitIndex, votesGranted, nextIndex, matchIndex, historyVars>>

(* What server i has written is on its disk now, up to log index `last`; a leader may commit by it (thesis, *)
(* 10.2.1).                                                                                                  *)
DiskSynced(i, last) ==
    /\ Has("AsyncDisk")
    /\ last \in synced[i] + 1..LastIndex(i)
    /\ Sync(i, last)
    /\ UNCHANGED <<messages, currentTerm, votedFor, snapshot, clockVars, elected>>
    /\ IF role[i] = "Leader"
       THEN LeadOn(i, lead[i])
       ELSE UNCHANGED <<log, role, commitIndex, votesGranted, leaderVars, committed, reads>>

-----------------------------------------------------------------------------
(* Actions: faults *)

(* Up to which log index a crash may leave a log: what was not synced may be lost, from the end. *)
SurvivingIndexes(i) == IF Has("AsyncDisk") THEN synced[i]..LastIndex(i) ELSE {LastIndex(i)}

(* Server i crashes and comes back with what it had made durable: its log up to lastIndex. *)
Restart(i, lastIndex) ==
    /\ lastIndex \in SurvivingIndexes(i)
    /\ currentTerm' = [currentTerm EXCEPT ![i] = TermAfterRestart(i)]
    /\ votedFor'    = [votedFor EXCEPT ![i] = VoteAfterRestart(i)]
    /\ log'         = [log EXCEPT ![i] = LogAfterRestart(i, lastIndex)]
    /\ Sync(i, lastIndex)
    /\ commitIndex' = [commitIndex EXCEPT ![i] = snapshot[i].index]
    /\ TakeRole(i, "Follower", {})
    /\ heard'       = [heard EXCEPT ![i] = HeardAfterRestart(i)]
    /\ UNCHANGED <<messages, snapshot, ahead, historyVars>>

(* The network makes one more copy of a message in flight. *)
DuplicateMessage(m) ==
    /\ messages' = [messages EXCEPT ![m] = @ + 1]
    /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

(* The network loses one copy of a message in flight. *)
DropMessage(m) ==
    /\ Discard(m)
    /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, clockVars, historyVars>>

-----------------------------------------------------------------------------
(* The whole *)

Receive(m) ==
    \/ HandlePreVoteRequest(m)
    \/ HandlePreVoteResponse(m)
    \/ HandleRequestVoteRequest(m)
    \/ HandleRequestVoteResponse(m)
    \/ HandleAppendEntriesRequest(m)
    \/ HandleAppendEntriesResponse(m)
    \/ HandleInstallSnapshotRequest(m)
    \/ HandleTimeoutNow(m)

Next ==
    \/ \E i \in Server : Timeout(i)
    \/ \E i \in Server, v \in Value : ClientRequest(i, v)
    \/ \E i \in Server, j \in Server : AppendEntries(i, j) \/ InstallSnapshot(i, j)
    \/ \E i \in Server : Compact(i)
    \/ \E i \in Server : \E c \in Successors(Config(i)) : ChangeMembership(i, c)
    \/ \E i \in Server : CheckQuorum(i)
    \/ \E i \in Server, j \in Server : TransferLeadership(i, j)
    \/ \E i \in Server : AbortTransfer(i)
    \/ \E i \in Server, r \in Read : ReadIndex(i, r) \/ LeaseRead(i, r)
    \/ \E i \in Server : RenewLease(i)
    \/ \E m \in DOMAIN messages : Receive(m)
    \/ \E i \in Server : Tick(i)
    \/ \E i \in Server : \E last \in synced[i] + 1..LastIndex(i) : DiskSynced(i, last)
    \/ \E i \in Server : \E lastIndex \in SurvivingIndexes(i) : Restart(i, lastIndex)
    \/ \E m \in DOMAIN messages : DuplicateMessage(m)
    \/ \E m \in DOMAIN messages : DropMessage(m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Types *)

Configuration == [voters : SUBSET Server, outgoing : SUBSET Server, learners : SUBSET Server]
Entry == [term : Nat \ {0}, value : Value \cup {NoOp} \cup Configuration]
Snapshot == [index : Nat, term : Nat, configuration : Configuration, state : Seq(Value)]
ConflictHint == [term : Nat, index : Nat]

Message ==
    [type : {"PreVoteRequest"}, term : Nat, source : Server, dest : Server, lastLogIndex : Nat, lastLogTerm : Nat]
    \cup [type : {"PreVoteResponse"}, term : Nat, source : Server, dest : Server, voteGranted : BOOLEAN]
    \cup [type : {"RequestVoteRequest"}, term : Nat, source : Server, dest : Server,
          lastLogIndex : Nat, lastLogTerm : Nat, transfer : BOOLEAN]
    \cup [type : {"RequestVoteResponse"}, term : Nat, source : Server, dest : Server, voteGranted : BOOLEAN]
    \cup [type : {"AppendEntriesRequest"}, term : Nat, source : Server, dest : Server,
          prevLogIndex : Nat, prevLogTerm : Nat, entries : Seq(Entry), leaderCommit : Nat, round : Nat]
    \cup [type : {"AppendEntriesResponse"}, term : Nat, source : Server, dest : Server,
          success : BOOLEAN, matchIndex : Nat, conflict : ConflictHint, round : Nat]
    \cup [type : {"InstallSnapshotRequest"}, term : Nat, source : Server, dest : Server, snapshot : Snapshot, round : Nat]
    \cup [type : {"TimeoutNow"}, term : Nat, source : Server, dest : Server]

TypeOK ==
    /\ \A m \in DOMAIN messages : m \in Message /\ m.source # m.dest /\ messages[m] \in Nat \ {0}
    /\ currentTerm \in [Server -> Nat]
    /\ votedFor \in [Server -> Server \cup {Nil}]
    /\ snapshot \in [Server -> Snapshot]
    /\ log \in [Server -> Seq(Entry)]
    /\ synced \in [Server -> Nat]
    /\ role \in [Server -> {"Follower", "PreCandidate", "Candidate", "Leader"}]
    /\ commitIndex \in [Server -> Nat]
    /\ votesGranted \in [Server -> SUBSET Server]
    /\ \A i \in Server : nextIndex[i] \in [Others(i) -> Nat \ {0}] /\ matchIndex[i] \in [Others(i) -> Nat]
    /\ DOMAIN nextIndex = Server /\ DOMAIN matchIndex = Server /\ DOMAIN lead = Server
    /\ \A i \in Server :
           /\ lead[i].round \in Nat
           /\ lead[i].acked \in [Others(i) -> 0..lead[i].round]
           /\ \A p \in lead[i].pending : p.read \in Read /\ p.index \in Nat /\ p.round \in 1..lead[i].round
           /\ lead[i].lease.round \in 0..lead[i].round /\ lead[i].lease.left \in 0..LeaseTicks
           /\ lead[i].active \subseteq Others(i)
           /\ lead[i].transferee \in Others(i) \cup {Nil}
           /\ lead[i].handedOver \in BOOLEAN
    /\ heard \in [Server -> 0..ElectionTicks]
    /\ ahead \in [Server -> 0..MaxSkew]
    /\ \A e \in elected : e.term \in Nat \ {0} /\ e.leader \in Server
    /\ \A k \in DOMAIN committed : /\ committed[k].entry \in Entry /\ committed[k].term \in Nat \ {0}
                                    /\ committed[k].configuration \in Configuration
    /\ \A r \in DOMAIN reads : r \in Read /\ reads[r].need \in Nat /\ reads[r].answer \in Nat \cup {Unanswered}

-----------------------------------------------------------------------------
(* Safety (paper, Figure 3) *)

(* The entry of server i at an index behind its snapshot. *)
EntryAt(i, index) == log[i][index - snapshot[i].index]

(* Server i holds, in its log or in its snapshot, the entry that was committed at index k. *)
HoldsCommitted(i, k) ==
    k <= snapshot[i].index \/ (k <= LastIndex(i) /\ EntryAt(i, k) = committed[k].entry)

(* At most one leader a term, ever: read from the history, so that two servers that lead one term *)
(* one after the other are seen too.  Holds because a leader has the votes of a quorum, two       *)
(* quorums share a server, and a server votes once a term, also across a crash.                   *)
ElectionSafety == \A a, b \in elected : a.term = b.term => a.leader = b.leader

(* Two logs that hold an entry of one term at one index are equal up to there, as far as neither is *)
(* compacted.  Holds because a leader makes one entry an index a term, and the consistency check     *)
(* extends equality by induction.                                                                     *)
LogMatching ==
    \A i, j \in Server : i # j /\ log[i] # <<>> /\ log[j] # <<>> =>
        LET first == Max(snapshot[i].index, snapshot[j].index) + 1
        IN  \A k \in first..Min(LastIndex(i), LastIndex(j)) :
                TermAt(i, k) = TermAt(j, k) => \A l \in first..k : EntryAt(i, l) = EntryAt(j, l)

(* What a leader committed is in the log of every leader of a later term.  Holds because the quorum *)
(* that stored the entry meets the quorum that voted, and a voter refuses a log that lacks it.       *)
LeaderCompleteness ==
    \A i \in Server : role[i] = "Leader" =>
        \A k \in DOMAIN committed : committed[k].term < currentTerm[i] => HoldsCommitted(i, k)

(* No server takes as committed, at any index, another entry than the one committed there first. *)
(* Holds because of LeaderCompleteness and LogMatching.                                           *)
StateMachineSafety ==
    \A i \in Server : commitIndex[i] <= Len(committed)
                      /\ \A k \in 1..Min(commitIndex[i], LastIndex(i)) : HoldsCommitted(i, k)

(* A snapshot stands for exactly what was committed up to its index.  Holds because only committed *)
(* entries are compacted, and a snapshot is passed on as it is.                                      *)
CommittedEntries(n) == [k \in 1..n |-> committed[k].entry]
SnapshotsAreTrue ==
    \A i \in Server :
        LET s == snapshot[i]
        IN  s.index > 0 =>
                /\ s.index <= Len(committed)
                /\ s.term = committed[s.index].entry.term
                /\ s.state = Apply(<<>>, CommittedEntries(s.index))
                /\ s.configuration = After(FirstConfiguration, CommittedEntries(s.index))

(* No value is applied twice, however often it was submitted: read from the states in snapshots, which  *)
(* are what state machines go on from.  Holds because the state tells what was applied.                 *)
AppliedOnce ==
    \A i \in Server : \A k, l \in DOMAIN snapshot[i].state : snapshot[i].state[k] = snapshot[i].state[l] => k = l

(* A server knows no more to be committed than it holds, and no less than it compacted. *)
CommitIndexInLog == \A i \in Server : snapshot[i].index <= commitIndex[i] /\ commitIndex[i] <= LastIndex(i)

(* What was committed stays with a quorum: no crash may lose it.  The quorum is one of the configuration *)
(* by which its leader committed it, which need not be committed itself, and may be lost by a crash;     *)
(* servers that leave keep their disks.                                                                    *)
CommittedIsDurable ==
    \A k \in DOMAIN committed :
        IsQuorum({i \in Server : k <= DurableIndex(i) /\ HoldsCommitted(i, k)}, committed[k].configuration)

(* A leader believes of a peer only what it has itself, and sends what comes after. *)
ProgressIsSane ==
    \A i \in Server : role[i] = "Leader" =>
        \A j \in Members(Config(i)) \ {i} :
            matchIndex[i][j] < nextIndex[i][j] /\ nextIndex[i][j] <= LastIndex(i) + 1

(* What a leader believes of a peer, the peer holds, as long as that is still its term. *)
MatchIndexIsTrue ==
    \A i \in Server : role[i] = "Leader" =>
        \A j \in Others(i) : currentTerm[j] = currentTerm[i] =>
            /\ matchIndex[i][j] <= LastIndex(j)
            /\ \A k \in Max(snapshot[i].index, snapshot[j].index) + 1..matchIndex[i][j] : EntryAt(i, k) = EntryAt(j, k)

(* No log holds two changes of membership of which neither is committed: between configurations that *)
(* are two changes apart quorums need not meet.  Holds because a leader changes the membership only   *)
(* when it knows the last change to be committed.                                                      *)
OneChangeAtATime ==
    \A i \in Server : Cardinality({k \in Changes(log[i]) : snapshot[i].index + k > Len(committed)}) <= 1

(* An answered read shows all that was committed when it was asked for (thesis, 6.4; linearizability *)
(* of reads that are answered from the state at an index).                                             *)
LinearizableReads ==
    \A r \in DOMAIN reads : reads[r].answer # Unanswered => reads[r].answer >= reads[r].need

-----------------------------------------------------------------------------
(* Safety of steps.  They find in seconds what states alone show after four elections.  A step that  *)
(* leaves log and snapshot of a server as they are keeps what is said of them, and costs no look at    *)
(* their entries.                                                                                       *)

(* While it leads, a leader only appends to its log (paper, Figure 3), and compacts it. *)
LeaderAppendOnlyStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ currentTerm'[i] = currentTerm[i]
                      /\ (log'[i] # log[i] \/ snapshot'[i] # snapshot[i]) =>
        /\ LastIndex(i) <= snapshot'[i].index + Len(log'[i])
        /\ \A k \in snapshot'[i].index + 1..LastIndex(i) : log'[i][k - snapshot'[i].index] = EntryAt(i, k)

(* A leader commits directly only entries of its own term (paper, 5.4.2 and Figure 8). *)
LeaderCommitsOwnTermStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ commitIndex'[i] > commitIndex[i] =>
        log'[i][commitIndex'[i] - snapshot'[i].index].term = currentTerm'[i]

(* A term never goes back, not even by a crash. *)
TermMonotonicStep == \A i \in Server : currentTerm'[i] >= currentTerm[i]

(* Within a term a vote, once given, stands, also across a crash. *)
VoteStandsStep ==
    \A i \in Server : currentTerm'[i] = currentTerm[i] /\ votedFor[i] # Nil => votedFor'[i] = votedFor[i]

(* What a leader knows of a member never shrinks within its leadership. *)
MatchIndexMonotonicStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ currentTerm'[i] = currentTerm[i]
                      /\ matchIndex'[i] # matchIndex[i] =>
        \A j \in Members(After(snapshot'[i].configuration, log'[i])) \ {i} : matchIndex'[i][j] >= matchIndex[i][j]

(* No server removes an entry that it knows to be committed, but to compact it; a crash may take from a *)
(* leader what others hold and its own disk does not yet.                                                *)
CommittedStaysStep ==
    \A i \in Server : commitIndex[i] <= LastIndex(i) /\ (log'[i] # log[i] \/ snapshot'[i] # snapshot[i]) =>
        LET kept == IF commitIndex'[i] < commitIndex[i] THEN Min(commitIndex[i], DurableIndex(i)) ELSE commitIndex[i]
        IN  \A k \in Max(snapshot[i].index, snapshot'[i].index) + 1..kept :
                k - snapshot'[i].index <= Len(log'[i]) /\ log'[i][k - snapshot'[i].index] = EntryAt(i, k)

(* A snapshot gives way only to one that covers more. *)
SnapshotMonotonicStep == \A i \in Server : snapshot'[i].index >= snapshot[i].index

LeaderAppendOnly      == [][LeaderAppendOnlyStep]_vars
LeaderCommitsOwnTerm  == [][LeaderCommitsOwnTermStep]_vars
TermMonotonic         == [][TermMonotonicStep]_vars
VoteStands            == [][VoteStandsStep]_vars
MatchIndexMonotonic   == [][MatchIndexMonotonicStep]_vars
CommittedStays        == [][CommittedStaysStep]_vars
SnapshotMonotonic     == [][SnapshotMonotonicStep]_vars

(* A commit index never goes back but by a crash, which forgets it. *)
CommitIndexMonotonic ==
    [][\A i \in Server : commitIndex'[i] < commitIndex[i] => \E last \in SurvivingIndexes(i) : Restart(i, last)]_vars
=============================================================================
