------------------------------- MODULE Raft ---------------------------------
(***************************************************************************)
(* The Raft consensus algorithm: elections, log replication and the commit *)
(* rule, over a network that loses, duplicates and reorders messages, with *)
(* servers that crash and restart.                                         *)
(*                                                                         *)
(* Sources: Ongaro and Ousterhout, "In Search of an Understandable         *)
(* Consensus Algorithm" (USENIX ATC 2014), here "paper"; Ongaro,           *)
(* "Consensus: Bridging Theory and Practice" (2014), here "thesis".        *)
(*                                                                         *)
(* What one step is.  Each action is one input of one server: a timer that *)
(* fires, a client's request, one message that arrives, a restart.  The    *)
(* server handles it whole: a vote that completes a quorum makes the       *)
(* candidate leader in the same step, an acknowledgement that completes a  *)
(* quorum moves the commit index in the same step.  An implementation      *)
(* built as step(state, input) has the same grain, so that its runs can be *)
(* compared with this module state by state.                               *)
(*                                                                         *)
(* What is modelled.  The network is a bag: a message may stay in flight   *)
(* for ever (which is loss and delay in one), be dropped, be duplicated,   *)
(* and be received in any order.  A server that is down takes no steps, so *)
(* that a crash needs no action of its own: Restart is the crash and the   *)
(* return in one.  currentTerm, votedFor and log are durable; the rest is  *)
(* lost.  A new leader appends a no-op entry (thesis, section 6.4), since  *)
(* without it entries of earlier terms may stay uncommitted for ever.      *)
(*                                                                         *)
(* What is not.  Snapshots, membership changes, PreVote, reads, and writes *)
(* that are acknowledged before they are durable.                          *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Server,      \* the servers of the cluster
    Value,       \* the values that clients may submit
    Nil,         \* no server: what votedFor holds before a vote
    NoOp,        \* the value of the entry with which a leader opens its term
    MaxEntries   \* how many entries one AppendEntries request may carry

ASSUME /\ IsFiniteSet(Server) /\ Server # {}
       /\ Nil \notin Server
       /\ NoOp \notin Value
       /\ MaxEntries \in Nat \ {0}

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    \* The network: message -> number of its copies in flight (at least 1).
    messages,
    \* Durable state of each server (paper, Figure 2).
    currentTerm,   \* the latest term that the server has seen
    votedFor,      \* whom it voted for in currentTerm, or Nil
    log,           \* a sequence of entries [term, value]
    \* Volatile state of each server.
    role,          \* "Follower", "Candidate" or "Leader"
    commitIndex,   \* the greatest log index that it knows to be committed
    votesGranted,  \* of a candidate: who voted for it; of others: {}
    nextIndex,     \* of a leader: per peer, the next log index to send; of others: 1
    matchIndex     \* of a leader: per peer, the greatest log index known to match; of others: 0

VARIABLES
    \* History, read by properties only.  No action depends on it.
    elected,       \* all elections won so far, as [term, leader]
    committed      \* the entries that leaders committed so far, in log order, each as
                   \* [entry, term]: the entry and the term of the leader that committed it

durableVars == <<currentTerm, votedFor, log>>
leaderVars  == <<nextIndex, matchIndex>>
historyVars == <<elected, committed>>
vars == <<messages, currentTerm, votedFor, log, role, commitIndex, votesGranted, nextIndex, matchIndex,
          elected, committed>>

-----------------------------------------------------------------------------
(* Helpers *)

Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b

Peers(i) == Server \ {i}

(* A quorum is a majority: any two share a server. *)
IsQuorum(S) == Cardinality(S) * 2 > Cardinality(Server)

(* The term of the entry at an index; 0 before the first entry. *)
TermAt(entries, index) == IF index = 0 THEN 0 ELSE entries[index].term
LastTerm(entries) == TermAt(entries, Len(entries))

NoNextIndex(i)  == [j \in Peers(i) |-> 1]
NoMatchIndex(i) == [j \in Peers(i) |-> 0]

(* The bag of messages with one copy of each message of a set more, one copy of m less. *)
With(bag, sent) ==
    [m \in DOMAIN bag \cup sent |-> (IF m \in DOMAIN bag THEN bag[m] ELSE 0) + (IF m \in sent THEN 1 ELSE 0)]
Without(bag, m) ==
    IF bag[m] > 1 THEN [bag EXCEPT ![m] = @ - 1] ELSE [n \in DOMAIN bag \ {m} |-> bag[n]]

Send(sent)          == messages' = With(messages, sent)
Discard(m)          == messages' = Without(messages, m)
Reply(m, response)  == messages' = With(Without(messages, m), {response})

-----------------------------------------------------------------------------
(* The rules on which safety rests, each in a definition of its own, so that a configuration can *)
(* replace one by a weaker one and show which property breaks.                                   *)

(* Election restriction (paper, 5.4.1): the candidate's log is at least as up to date as ours. *)
LogIsUpToDate(lastLogIndex, lastLogTerm, entries) ==
    \/ lastLogTerm > LastTerm(entries)
    \/ lastLogTerm = LastTerm(entries) /\ lastLogIndex >= Len(entries)

(* One vote a term (paper, 5.2). *)
MayVoteFor(candidate, vote) == vote \in {Nil, candidate}

(* Consistency check of AppendEntries (paper, 5.3): our log holds the entry before the new ones. *)
PreviousEntryMatches(entries, prevLogIndex, prevLogTerm) ==
    prevLogIndex <= Len(entries) /\ TermAt(entries, prevLogIndex) = prevLogTerm

(* A follower's log after accepting new entries behind prevLogIndex.  Only a conflict truncates: a *)
(* request that was delayed or duplicated must not remove entries that a later one brought (paper, *)
(* Figure 2, AppendEntries rules 3 and 4).                                                          *)
Accept(entries, prevLogIndex, new) ==
    LET conflicts == {k \in 1..Len(new) : prevLogIndex + k > Len(entries)
                                          \/ entries[prevLogIndex + k].term # new[k].term}
    IN  IF conflicts = {} THEN entries ELSE SubSeq(entries, 1, prevLogIndex) \o new

(* What a follower may take as committed: no further than the entries that this request vouches *)
(* for, and never back (paper, Figure 2, AppendEntries rule 5).                                 *)
FollowerCommitIndex(commit, leaderCommit, lastNewIndex) ==
    Max(commit, Min(leaderCommit, lastNewIndex))

(* Commit rule (paper, 5.4.2): a leader counts replicas only for entries of its own term. *)
MayCommitTerm(entryTerm, leaderTerm) == entryTerm = leaderTerm

(* The greatest index that leader i may take as committed, given its log and what its peers hold. *)
LeaderCommitIndex(i, entries, match) ==
    LET committable == {k \in commitIndex[i] + 1..Len(entries) :
                            /\ MayCommitTerm(entries[k].term, currentTerm[i])
                            /\ IsQuorum({i} \cup {j \in Peers(i) : match[j] >= k})}
    IN  IF committable = {} THEN commitIndex[i] ELSE CHOOSE k \in committable : \A l \in committable : l <= k

(* What a leader knows of a peer after its answers: a late success must not unlearn, a late refusal *)
(* must not go back behind what is known to match (paper, 5.3).                                      *)
MatchAfterSuccess(known, acknowledged) == Max(known, acknowledged)
NextAfterRefusal(next, known) == Max(next - 1, known + 1)

(* With what a leader opens its term (thesis, 6.4): an entry that it may commit, and with it all before. *)
OpeningEntries(term) == <<[term |-> term, value |-> NoOp]>>

(* What survives a crash (paper, Figure 2, "persistent state"). *)
TermAfterRestart(i)  == currentTerm[i]
VoteAfterRestart(i)  == votedFor[i]
LogAfterRestart(i)   == log[i]

-----------------------------------------------------------------------------
(* Initial states *)

Init ==
    /\ messages     = [m \in {} |-> 0]
    /\ currentTerm  = [i \in Server |-> 0]
    /\ votedFor     = [i \in Server |-> Nil]
    /\ log          = [i \in Server |-> <<>>]
    /\ role         = [i \in Server |-> "Follower"]
    /\ commitIndex  = [i \in Server |-> 0]
    /\ votesGranted = [i \in Server |-> {}]
    /\ nextIndex    = [i \in Server |-> NoNextIndex(i)]
    /\ matchIndex   = [i \in Server |-> NoMatchIndex(i)]
    /\ elected      = {}
    /\ committed    = <<>>

-----------------------------------------------------------------------------
(* Parts that several actions share *)

(* Server i takes role r in this step; what belongs to other roles is reset. *)
TakeRole(i, r) ==
    /\ role'         = [role EXCEPT ![i] = r]
    /\ votesGranted' = [votesGranted EXCEPT ![i] = {}]
    /\ nextIndex'    = [nextIndex EXCEPT ![i] = NoNextIndex(i)]
    /\ matchIndex'   = [matchIndex EXCEPT ![i] = NoMatchIndex(i)]

(* Server i meets a term above its own: it follows, with no vote given yet (paper, 5.1). *)
FollowTerm(i, term) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
    /\ votedFor'    = [votedFor EXCEPT ![i] = Nil]
    /\ TakeRole(i, "Follower")

(* Leader i holds `index` as committed; the history keeps what no leader had committed before. *)
LeaderCommits(i, entries, index) ==
    /\ commitIndex' = [commitIndex EXCEPT ![i] = index]
    /\ committed'   = committed \o [k \in 1..Max(0, index - Len(committed)) |->
                                        [entry |-> entries[Len(committed) + k], term |-> currentTerm'[i]]]

(* Candidate i, in `term`, wins: it opens the term with a no-op and will send from there on. *)
BecomeLeader(i, term) ==
    LET entries == log[i] \o OpeningEntries(term)
    IN  /\ role'         = [role EXCEPT ![i] = "Leader"]
        /\ votesGranted' = [votesGranted EXCEPT ![i] = {}]
        /\ nextIndex'    = [nextIndex EXCEPT ![i] = [j \in Peers(i) |-> Len(log[i]) + 1]]
        /\ matchIndex'   = [matchIndex EXCEPT ![i] = NoMatchIndex(i)]
        /\ log'          = [log EXCEPT ![i] = entries]
        /\ elected'      = elected \cup {[term |-> term, leader |-> i]}
        \* Only a cluster of one has a quorum already.
        /\ LeaderCommits(i, entries, IF IsQuorum({i}) THEN Len(entries) ELSE commitIndex[i])

-----------------------------------------------------------------------------
(* Actions: timers and clients *)

(* The election timer of a follower or candidate fires (paper, 5.2): it starts an election, votes *)
(* for itself and asks all others.                                                                 *)
Timeout(i) ==
    LET term == currentTerm[i] + 1
    IN  /\ role[i] \in {"Follower", "Candidate"}
        /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
        /\ votedFor'    = [votedFor EXCEPT ![i] = i]
        /\ Send({[type |-> "RequestVoteRequest", term |-> term, source |-> i, dest |-> j,
                  lastLogIndex |-> Len(log[i]), lastLogTerm |-> LastTerm(log[i])] : j \in Peers(i)})
        /\ IF IsQuorum({i})
           THEN BecomeLeader(i, term)
           ELSE /\ role'         = [role EXCEPT ![i] = "Candidate"]
                /\ votesGranted' = [votesGranted EXCEPT ![i] = {i}]
                /\ UNCHANGED <<log, commitIndex, leaderVars, historyVars>>

(* A client submits value v to leader i, which appends it to its log (paper, 5.3). *)
ClientRequest(i, v) ==
    LET entries == Append(log[i], [term |-> currentTerm[i], value |-> v])
    IN  /\ role[i] = "Leader"
        /\ log' = [log EXCEPT ![i] = entries]
        /\ UNCHANGED <<messages, currentTerm, votedFor, role, votesGranted, leaderVars, elected>>
        /\ LeaderCommits(i, entries, IF IsQuorum({i}) THEN Len(entries) ELSE commitIndex[i])

(* Leader i sends peer j the entries from nextIndex on, at most MaxEntries of them; with none to *)
(* send it is a heartbeat (paper, 5.3).  Sent again and again until it is acknowledged.          *)
AppendEntries(i, j) ==
    LET prev == nextIndex[i][j] - 1
        last == Min(Len(log[i]), prev + MaxEntries)
    IN  /\ role[i] = "Leader"
        /\ j \in Peers(i)
        /\ Send({[type |-> "AppendEntriesRequest", term |-> currentTerm[i], source |-> i, dest |-> j,
                  prevLogIndex |-> prev, prevLogTerm |-> TermAt(log[i], prev),
                  entries |-> SubSeq(log[i], prev + 1, last), leaderCommit |-> commitIndex[i]]})
        /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>

-----------------------------------------------------------------------------
(* Actions: a message arrives *)

(* Paper, Figure 2, RequestVote RPC.  A term above ours resets our vote before we judge. *)
HandleRequestVoteRequest(m) ==
    LET i       == m.dest
        newer   == m.term > currentTerm[i]
        term    == Max(m.term, currentTerm[i])
        vote    == IF newer THEN Nil ELSE votedFor[i]
        granted == /\ m.term = term
                   /\ MayVoteFor(m.source, vote)
                   /\ LogIsUpToDate(m.lastLogIndex, m.lastLogTerm, log[i])
    IN  /\ m.type = "RequestVoteRequest"
        /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
        /\ votedFor'    = [votedFor EXCEPT ![i] = IF granted THEN m.source ELSE vote]
        /\ IF newer THEN TakeRole(i, "Follower") ELSE UNCHANGED <<role, votesGranted, leaderVars>>
        /\ Reply(m, [type |-> "RequestVoteResponse", term |-> term, source |-> i, dest |-> m.source,
                     voteGranted |-> granted])
        /\ UNCHANGED <<log, commitIndex, historyVars>>

(* A candidate counts voters, not votes: a duplicate changes nothing (paper, 5.2). *)
HandleRequestVoteResponse(m) ==
    LET i      == m.dest
        voters == votesGranted[i] \cup {m.source}
    IN  /\ m.type = "RequestVoteResponse"
        /\ Discard(m)
        /\ \/ /\ m.term > currentTerm[i]
              /\ FollowTerm(i, m.term)
              /\ UNCHANGED <<log, commitIndex, historyVars>>
           \/ /\ m.term = currentTerm[i] /\ role[i] = "Candidate" /\ m.voteGranted
              /\ UNCHANGED <<currentTerm, votedFor>>
              /\ IF IsQuorum(voters)
                 THEN BecomeLeader(i, m.term)
                 ELSE /\ votesGranted' = [votesGranted EXCEPT ![i] = voters]
                      /\ UNCHANGED <<log, role, commitIndex, leaderVars, historyVars>>
           \/ /\ m.term <= currentTerm[i]
              /\ ~(m.term = currentTerm[i] /\ role[i] = "Candidate" /\ m.voteGranted)
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>

(* Paper, Figure 2, AppendEntries RPC.  A request of our own term comes from its leader, so that a *)
(* candidate gives up (5.2); its vote stands, for the term is the same.                             *)
HandleAppendEntriesRequest(m) ==
    LET i       == m.dest
        stale   == m.term < currentTerm[i]
        newer   == m.term > currentTerm[i]
        last    == m.prevLogIndex + Len(m.entries)
        success == ~stale /\ PreviousEntryMatches(log[i], m.prevLogIndex, m.prevLogTerm)
    IN  /\ m.type = "AppendEntriesRequest"
        /\ currentTerm' = [currentTerm EXCEPT ![i] = Max(m.term, @)]
        /\ votedFor'    = [votedFor EXCEPT ![i] = IF newer THEN Nil ELSE @]
        /\ IF newer \/ (~stale /\ role[i] = "Candidate")
           THEN TakeRole(i, "Follower")
           ELSE UNCHANGED <<role, votesGranted, leaderVars>>
        /\ log'         = [log EXCEPT ![i] = IF success THEN Accept(@, m.prevLogIndex, m.entries) ELSE @]
        /\ commitIndex' = [commitIndex EXCEPT ![i] =
                              IF success THEN FollowerCommitIndex(@, m.leaderCommit, last) ELSE @]
        /\ Reply(m, [type |-> "AppendEntriesResponse", term |-> currentTerm'[i], source |-> i, dest |-> m.source,
                     success |-> success, matchIndex |-> IF success THEN last ELSE 0])
        /\ UNCHANGED historyVars

(* Paper, 5.3.  An answer may be late or a duplicate: what a peer is known to hold never shrinks, *)
(* and nextIndex backs off no further than behind it.                                              *)
HandleAppendEntriesResponse(m) ==
    LET i     == m.dest
        j     == m.source
        match == [matchIndex[i] EXCEPT ![j] = MatchAfterSuccess(@, m.matchIndex)]
    IN  /\ m.type = "AppendEntriesResponse"
        /\ Discard(m)
        /\ \/ /\ m.term > currentTerm[i]
              /\ FollowTerm(i, m.term)
              /\ UNCHANGED <<log, commitIndex, historyVars>>
           \/ /\ m.term = currentTerm[i] /\ role[i] = "Leader" /\ m.success
              /\ matchIndex' = [matchIndex EXCEPT ![i] = match]
              /\ nextIndex'  = [nextIndex EXCEPT ![i][j] = Max(@, m.matchIndex + 1)]
              /\ UNCHANGED <<durableVars, role, votesGranted, elected>>
              /\ LeaderCommits(i, log[i], LeaderCommitIndex(i, log[i], match))
           \/ /\ m.term = currentTerm[i] /\ role[i] = "Leader" /\ ~m.success
              /\ nextIndex' = [nextIndex EXCEPT ![i][j] = NextAfterRefusal(@, matchIndex[i][j])]
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, matchIndex, historyVars>>
           \/ /\ m.term <= currentTerm[i]
              /\ ~(m.term = currentTerm[i] /\ role[i] = "Leader")
              /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>

-----------------------------------------------------------------------------
(* Actions: faults *)

(* Server i crashes and comes back with what it had made durable. *)
Restart(i) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = TermAfterRestart(i)]
    /\ votedFor'    = [votedFor EXCEPT ![i] = VoteAfterRestart(i)]
    /\ log'         = [log EXCEPT ![i] = LogAfterRestart(i)]
    /\ commitIndex' = [commitIndex EXCEPT ![i] = 0]
    /\ TakeRole(i, "Follower")
    /\ UNCHANGED <<messages, historyVars>>

(* The network makes one more copy of a message in flight. *)
DuplicateMessage(m) ==
    /\ messages' = [messages EXCEPT ![m] = @ + 1]
    /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>

(* The network loses one copy of a message in flight. *)
DropMessage(m) ==
    /\ Discard(m)
    /\ UNCHANGED <<durableVars, role, commitIndex, votesGranted, leaderVars, historyVars>>

-----------------------------------------------------------------------------
(* The whole *)

Receive(m) ==
    \/ HandleRequestVoteRequest(m)
    \/ HandleRequestVoteResponse(m)
    \/ HandleAppendEntriesRequest(m)
    \/ HandleAppendEntriesResponse(m)

Next ==
    \/ \E i \in Server : Timeout(i)
    \/ \E i \in Server, v \in Value : ClientRequest(i, v)
    \/ \E i, j \in Server : AppendEntries(i, j)
    \/ \E m \in DOMAIN messages : Receive(m)
    \/ \E i \in Server : Restart(i)
    \/ \E m \in DOMAIN messages : DuplicateMessage(m)
    \/ \E m \in DOMAIN messages : DropMessage(m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Types *)

Entry == [term : Nat \ {0}, value : Value \cup {NoOp}]

Message ==
    [type : {"RequestVoteRequest"}, term : Nat, source : Server, dest : Server,
     lastLogIndex : Nat, lastLogTerm : Nat]
    \cup [type : {"RequestVoteResponse"}, term : Nat, source : Server, dest : Server, voteGranted : BOOLEAN]
    \cup [type : {"AppendEntriesRequest"}, term : Nat, source : Server, dest : Server,
          prevLogIndex : Nat, prevLogTerm : Nat, entries : Seq(Entry), leaderCommit : Nat]
    \cup [type : {"AppendEntriesResponse"}, term : Nat, source : Server, dest : Server,
          success : BOOLEAN, matchIndex : Nat]

TypeOK ==
    /\ \A m \in DOMAIN messages : m \in Message /\ m.source # m.dest /\ messages[m] \in Nat \ {0}
    /\ currentTerm \in [Server -> Nat]
    /\ votedFor \in [Server -> Server \cup {Nil}]
    /\ log \in [Server -> Seq(Entry)]
    /\ role \in [Server -> {"Follower", "Candidate", "Leader"}]
    /\ commitIndex \in [Server -> Nat]
    /\ votesGranted \in [Server -> SUBSET Server]
    /\ \A i \in Server : nextIndex[i] \in [Peers(i) -> Nat \ {0}] /\ matchIndex[i] \in [Peers(i) -> Nat]
    /\ DOMAIN nextIndex = Server /\ DOMAIN matchIndex = Server
    /\ \A e \in elected : e.term \in Nat \ {0} /\ e.leader \in Server
    /\ \A k \in DOMAIN committed : committed[k].entry \in Entry /\ committed[k].term \in Nat \ {0}

-----------------------------------------------------------------------------
(* Safety (paper, Figure 3) *)

(* At most one leader a term, ever: read from the history, so that two servers that lead one term *)
(* one after the other are seen too.  Holds because a leader has the votes of a quorum, two       *)
(* quorums share a server, and a server votes once a term, also across a crash.                   *)
ElectionSafety == \A a, b \in elected : a.term = b.term => a.leader = b.leader

(* Two logs that hold an entry of one term at one index are equal up to there.  Holds because a   *)
(* leader makes one entry an index a term, and the consistency check extends equality by          *)
(* induction.                                                                                      *)
LogMatching ==
    \A i, j \in Server :
        \A k \in 1..Min(Len(log[i]), Len(log[j])) :
            log[i][k].term = log[j][k].term => SubSeq(log[i], 1, k) = SubSeq(log[j], 1, k)

(* What a leader committed is in the log of every leader of a later term.  Holds because the quorum *)
(* that stored the entry meets the quorum that voted, and a voter refuses a log that lacks it.       *)
LeaderCompleteness ==
    \A i \in Server : role[i] = "Leader" =>
        \A k \in DOMAIN committed : committed[k].term < currentTerm[i] =>
            k <= Len(log[i]) /\ log[i][k] = committed[k].entry

(* No server takes as committed, at any index, another entry than the one committed there first. *)
(* Holds because of LeaderCompleteness and LogMatching.                                           *)
StateMachineSafety ==
    \A i \in Server : commitIndex[i] <= Len(committed)
                      /\ \A k \in 1..Min(commitIndex[i], Len(log[i])) : log[i][k] = committed[k].entry

(* A server knows no more to be committed than it holds. *)
CommitIndexInLog == \A i \in Server : commitIndex[i] <= Len(log[i])

(* What was committed stays in the logs of a quorum: no crash may lose it. *)
CommittedIsDurable ==
    \A k \in DOMAIN committed :
        IsQuorum({i \in Server : k <= Len(log[i]) /\ log[i][k] = committed[k].entry})

(* A leader believes of a peer only what it has itself, and sends what comes after. *)
ProgressIsSane ==
    \A i \in Server : role[i] = "Leader" =>
        \A j \in Peers(i) : matchIndex[i][j] < nextIndex[i][j] /\ nextIndex[i][j] <= Len(log[i]) + 1

(* What a leader believes of a peer, the peer holds, as long as that is still its term. *)
MatchIndexIsTrue ==
    \A i \in Server : role[i] = "Leader" =>
        \A j \in Peers(i) : currentTerm[j] = currentTerm[i] =>
            /\ matchIndex[i][j] <= Len(log[j])
            /\ SubSeq(log[j], 1, matchIndex[i][j]) = SubSeq(log[i], 1, matchIndex[i][j])

-----------------------------------------------------------------------------
(* Safety of steps.  They find in seconds what states alone show after four elections. *)

(* While it leads, a leader only appends to its log (paper, Figure 3). *)
LeaderAppendOnlyStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ currentTerm'[i] = currentTerm[i] =>
        Len(log[i]) <= Len(log'[i]) /\ SubSeq(log'[i], 1, Len(log[i])) = log[i]

(* A leader commits directly only entries of its own term (paper, 5.4.2 and Figure 8). *)
LeaderCommitsOwnTermStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ commitIndex'[i] > commitIndex[i] =>
        log'[i][commitIndex'[i]].term = currentTerm'[i]

(* A term never goes back, not even by a crash. *)
TermMonotonicStep == \A i \in Server : currentTerm'[i] >= currentTerm[i]

(* Within a term a vote, once given, stands, also across a crash. *)
VoteStandsStep ==
    \A i \in Server : currentTerm'[i] = currentTerm[i] /\ votedFor[i] # Nil => votedFor'[i] = votedFor[i]

(* What a leader knows of its peers never shrinks within its leadership. *)
MatchIndexMonotonicStep ==
    \A i \in Server : role[i] = "Leader" /\ role'[i] = "Leader" /\ currentTerm'[i] = currentTerm[i] =>
        \A j \in Peers(i) : matchIndex'[i][j] >= matchIndex[i][j]

(* No server removes an entry that it knows to be committed. *)
CommittedStaysStep ==
    \A i \in Server : commitIndex[i] <= Len(log[i]) =>
        SubSeq(log'[i], 1, Min(commitIndex[i], Len(log'[i]))) = SubSeq(log[i], 1, commitIndex[i])

LeaderAppendOnly      == [][LeaderAppendOnlyStep]_vars
LeaderCommitsOwnTerm  == [][LeaderCommitsOwnTermStep]_vars
TermMonotonic         == [][TermMonotonicStep]_vars
VoteStands            == [][VoteStandsStep]_vars
MatchIndexMonotonic   == [][MatchIndexMonotonicStep]_vars
CommittedStays        == [][CommittedStaysStep]_vars

(* A commit index never goes back but by a crash, which forgets it. *)
CommitIndexMonotonic ==
    [][\A i \in Server : commitIndex'[i] < commitIndex[i] => Restart(i)]_vars
=============================================================================
