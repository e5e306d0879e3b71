---------------------------- MODULE RaftLiveness ----------------------------
(***************************************************************************)
(* What Raft promises to bring about, and under which assumptions.         *)
(*                                                                         *)
(* No deterministic consensus is live while the network may do anything    *)
(* (Fischer, Lynch and Paterson, 1985), so the promise is about what       *)
(* follows after stabilisation.  Before it, all of MCRaft may happen:      *)
(* losses, duplicates, crashes, clashing elections, within the bounds.     *)
(* Afterwards (`stable`):                                                  *)
(*                                                                         *)
(*  - faults have ended: nothing is lost or duplicated, nobody crashes;    *)
(*  - delays are short against timers (paper, 5.6): an election timer or a *)
(*    leader's heartbeat timer fires only while nothing is in flight, and  *)
(*    no election timer while a leader of the latest term keeps it from    *)
(*    firing;                                                              *)
(*  - timeouts are random (paper, 5.2): before a server's timer fires for  *)
(*    a second time, that of every other server has fired, so that one     *)
(*    with a complete log gets its turn.  One round is enough, so that no  *)
(*    timer fires twice here.                                              *)
(*                                                                         *)
(* Fairness is one assumption: a stable system does not stop while a       *)
(* timer, a message or a leader's sending is due.  One suffices, because   *)
(* a stable system without clients has no infinite behaviour: each timer   *)
(* fires once, and leaders send only news.  Never assumed for clients or   *)
(* faults.                                                                 *)
(***************************************************************************)
EXTENDS MCRaft

CONSTANT
    EarlyCandidates   \* the servers whose timers may fire before stabilisation

VARIABLES
    stable,   \* whether the system has stabilised
    tried     \* the servers whose election timer has fired since

liveVars == <<vars, spent, stable, tried>>
LiveVars == <<liveVars, event>>
LiveView == <<vars, spent, stable, tried>>   \* dead messages stay: hiding them would hide progress

LatestTerm == CHOOSE t \in {currentTerm[i] : i \in Server} : \A i \in Server : currentTerm[i] <= t
LeadsLatestTerm(i) == role[i] = "Leader" /\ currentTerm[i] = LatestTerm

Quiet == DOMAIN messages = {}

Stabilise ==
    /\ ~stable /\ stable' = TRUE
    /\ event' = [action |-> "Stabilise"]
    /\ UNCHANGED <<vars, spent, tried>>

(* The leader of the latest term steps down because it is no member any more (thesis, 4.2.2).  Then a new *)
(* round of timers begins.                                                                                 *)
Retires == \E i \in Server : LeadsLatestTerm(i) /\ role'[i] = "Follower" /\ currentTerm'[i] = currentTerm[i]

StableTimeout(i) ==
    /\ stable /\ Quiet /\ i \notin tried /\ ~\E j \in Server : LeadsLatestTerm(j)
    /\ tried' = tried \cup {i}
    /\ TimeoutEvent(i)
    /\ UNCHANGED <<spent, stable>>

(* Receiving a dead message changes nothing else, so that its order among others does not matter: *)
(* those go first, one after another, which saves states and loses no behaviour.                   *)
StableReceive ==
    LET dead == {m \in DOMAIN messages : Dead(m)}
        due  == IF dead = {} THEN DOMAIN messages ELSE {CHOOSE m \in dead : TRUE}
    IN  /\ stable
        /\ \E m \in due : Receive(m) /\ event' = [action |-> "Receive", node |-> m.dest, message |-> m]
        /\ tried' = IF Retires THEN {} ELSE tried
        /\ UNCHANGED <<spent, stable>>

StableAppend(i, j) ==
    /\ stable /\ Quiet /\ i # j /\ HasNews(i, j)
    /\ AppendEntriesEvent(i, j) \/ InstallSnapshotEvent(i, j)
    /\ UNCHANGED <<spent, stable, tried>>

StableRequest(i, v) ==
    /\ stable /\ LeadsLatestTerm(i) /\ LastIndex(i) < MaxLogLength
    /\ \A k \in 1..Len(log[i]) : log[i][k].value # v
    /\ ClientRequestEvent(i, v)
    /\ UNCHANGED <<spent, stable, tried>>

StableRead(i, r) ==
    /\ stable /\ LeadsLatestTerm(i)
    /\ ReadIndexEvent(i, r)
    /\ UNCHANGED <<spent, stable, tried>>

(* A change that leaves the leader in its place: another leader would need a round of timers more. *)
StableChange(i) ==
    /\ stable /\ LeadsLatestTerm(i)
    /\ Spend("changes", MaxChanges)
    /\ ChangeMembershipEvent(i, {c \in Proposals(Config(i)) : i \in c.voters})
    /\ UNCHANGED <<stable, tried>>

Timers  == \E i \in Server : StableTimeout(i)
Leaders == \E i, j \in Server : StableAppend(i, j)

LiveInit == MCInit /\ stable = FALSE /\ tried = {}

LiveNext ==
    \/ /\ ~stable /\ MCNext
       /\ \A i \in Server : role'[i] = "Candidate" => i \in EarlyCandidates
       /\ UNCHANGED <<stable, tried>>
    \/ Stabilise
    \/ Timers
    \/ StableReceive
    \/ Leaders
    \/ \E i \in Server, v \in Value : StableRequest(i, v)
    \/ \E i \in Server, r \in Read : StableRead(i, r)
    \/ \E i \in Server : StableChange(i)

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars /\ WF_liveVars(Stabilise)

LiveSpec == LiveBehaviour /\ WF_liveVars(Timers \/ StableReceive \/ Leaders)

(* The same with less assumed; each must fail. *)
WithoutFairTimers   == LiveBehaviour /\ WF_liveVars(StableReceive \/ Leaders)
WithoutFairMessages == LiveBehaviour /\ WF_liveVars(Timers \/ Leaders)
WithoutFairLeaders  == LiveBehaviour /\ WF_liveVars(Timers \/ StableReceive)

-----------------------------------------------------------------------------
(* In the end somebody leads the latest term, and goes on to. *)
LeaderElected == <>[](\E i \in Server : LeadsLatestTerm(i))

Holds(entries, v) == \E k \in DOMAIN entries : entries[k].value = v
IsCommitted(v)  == \E k \in DOMAIN committed : committed[k].entry.value = v

(* What a client submits to the leader of the latest term commits, once the system is stable; also *)
(* what such a leader brought along from earlier terms.                                             *)
SubmittedCommits ==
    \A v \in Value : (stable /\ \E i \in Server : LeadsLatestTerm(i) /\ Holds(log[i], v)) ~> IsCommitted(v)

(* A read that the leader of the latest term took is answered, once the system is stable. *)
ReadsAnswered ==
    \A r \in Read :
        (stable /\ \E i \in Server : LeadsLatestTerm(i) /\ \E p \in lead[i].pending : p.read = r)
            ~> (r \in DOMAIN reads /\ reads[r].answer # Unanswered)

(* A change of membership that the leader of the latest term holds commits, unless another leader      *)
(* undoes it, once the system is stable;                                                                *)
(* that leader learns of it, and steps down if it is no member any more.                                *)
ChangesCommit ==
    \A i \in Server : (stable /\ LeadsLatestTerm(i) /\ ~LastChangeIsCommitted(i)) ~> LastChangeIsCommitted(i)

(* In the end all members have the same log. *)
MembersConverge ==
    <>[](\E i \in Server : LeadsLatestTerm(i) /\ \A j \in Members(Config(i)) : log[j] = log[i] /\ commitIndex[j] = LastIndex(i))

(* In the end all logs are equal, and all of them is known to be committed everywhere. *)
LogsConverge == <>[](\A i, j \in Server : log[i] = log[j] /\ commitIndex[i] = LastIndex(i))

(* In the end all servers hold as much, and know it to be committed, whatever part of it is compacted. *)
AllCaughtUp == <>[](\A i, j \in Server : LastIndex(i) = LastIndex(j) /\ commitIndex[i] = LastIndex(i))

(* A weakened rule, for a configuration that must fail: a leader opens its term with nothing, so that *)
(* entries of earlier terms may wait for ever.                                                        *)
OpensWithNothing(term) == <<>>

(* Only members stand for election: a server that is about to be removed keeps what the others need, and *)
(* does not lead them to it [RM-06].                                                                      *)
OnlyMembersCampaign(i) == i \in Voters(Config(i))

(* A leader sends its snapshot again and again to who has it already [RS-07]. *)
SnapshotForEver(next, base) == base.index > 0 /\ next <= base.index + 1
=============================================================================
