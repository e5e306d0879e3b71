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
    MaxLogLength,   \* a leader takes client requests while its log is shorter than this
    MaxAppends,     \* AppendEntries of one leader's term in flight to one peer at once
    MaxRestarts,    \* crashes in a behaviour
    MaxDuplicates,  \* duplications of a message in a behaviour
    MaxDrops,       \* losses in a behaviour (a message that is never received is lost as well)
    MaxInFlight,    \* a server sends of its own accord while fewer copies of live messages than this are in flight
    Heartbeats,     \* whether a leader also sends requests that carry neither entries nor news of commits
    RequestTerms    \* the terms whose leaders take client requests

VARIABLE spent      \* [restarts, duplicates, drops]

MCVars == <<vars, event, spent>>

(* A message whose receipt changes nothing but the network, now and for ever: an answer to a server *)
(* that is not, and in that term never again will be, candidate or leader, or a refused vote.       *)
Dead(m) ==
    LET i == m.dest
    IN  \/ /\ m.type = "RequestVoteResponse"
           /\ \/ m.term < currentTerm[i]
              \/ m.term = currentTerm[i] /\ (role[i] # "Candidate" \/ ~m.voteGranted)
        \/ /\ m.type = "AppendEntriesResponse"
           /\ \/ m.term < currentTerm[i]
              \/ m.term = currentTerm[i] /\ role[i] # "Leader"

LiveMessages == [m \in {n \in DOMAIN messages : ~Dead(n)} |-> messages[m]]

(* The view leaves out `event` and dead messages.  Leaving out dead messages is sound: no guard reads *)
(* them, a dead message stays dead for as long as terms do not go back, and receiving, duplicating or *)
(* dropping one leads to the same view or to one with less left to spend.  tests/ compares the        *)
(* verdicts with those of PlainView on a small instance.                                              *)
PlainView == <<vars, spent>>
MCView == <<LiveMessages, currentTerm, votedFor, log, role, commitIndex, votesGranted, nextIndex, matchIndex,
            elected, committed, spent>>

(* Servers are interchangeable, values are as well; sound for safety, never used for liveness. *)
Symmetry == Permutations(Server) \cup Permutations(Value)

AppendsInFlight(i, j) ==
    Cardinality({m \in DOMAIN messages : m.type = "AppendEntriesRequest" /\ m.source = i /\ m.dest = j
                                         /\ m.term = currentTerm[i]})

NetworkHasRoom ==
    Cardinality(UNION {{<<m, copy>> : copy \in 1..messages[m]} : m \in {n \in DOMAIN messages : ~Dead(n)}}) < MaxInFlight

HasNews(i, j) == nextIndex[i][j] <= Len(log[i]) \/ commitIndex[i] > commitIndex[j]

Spend(kind, limit) == spent[kind] < limit /\ spent' = [spent EXCEPT ![kind] = @ + 1]
SpendNothing == UNCHANGED spent

MCInit == EventInit /\ spent = [restarts |-> 0, duplicates |-> 0, drops |-> 0]

MCNext ==
    \/ \E i \in Server : currentTerm[i] < MaxTerm /\ NetworkHasRoom /\ TimeoutEvent(i) /\ SpendNothing
    \/ \E i \in Server, v \in Value :
           /\ Len(log[i]) < MaxLogLength /\ currentTerm[i] \in RequestTerms
           /\ \A k \in 1..Len(log[i]) : log[i][k].value # v
           /\ ClientRequestEvent(i, v) /\ SpendNothing
    \/ \E i, j \in Server :
           /\ i # j /\ AppendsInFlight(i, j) < MaxAppends /\ NetworkHasRoom /\ (Heartbeats \/ HasNews(i, j))
           /\ AppendEntriesEvent(i, j) /\ SpendNothing
    \/ HandleRequestVoteRequestEvent /\ SpendNothing
    \/ HandleRequestVoteResponseEvent /\ SpendNothing
    \/ HandleAppendEntriesRequestEvent /\ SpendNothing
    \/ HandleAppendEntriesResponseEvent /\ SpendNothing
    \/ \E i \in Server : Spend("restarts", MaxRestarts) /\ RestartEvent(i)
    \/ Spend("duplicates", MaxDuplicates) /\ DuplicateMessageEvent
    \/ Spend("drops", MaxDrops) /\ DropMessageEvent

MCSpec == MCInit /\ [][MCNext]_MCVars

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
                                   /\ m.prevLogIndex + Len(m.entries) < Len(log[m.dest]))]_vars
=============================================================================
