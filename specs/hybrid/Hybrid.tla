------------------------------- MODULE Hybrid -------------------------------
(***************************************************************************)
(* The hybrid: fast Raft epochs and attack-tolerant BFT epochs, one after  *)
(* the other.  docs/hybrid.md defines the terms and the rules A1, A2 and   *)
(* H1.                                                                     *)
(*                                                                         *)
(* Sources: Guerraoui, Knezevic, Quema and Vukolic, "The Next 700 BFT      *)
(* Protocols" (EuroSys 2010), here "700": an instance that aborts hands a  *)
(* signed abort history to the next instance, and the two share nothing    *)
(* else.  Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI   *)
(* 1999), here "PBFT": 5.1, tentative execution.  Ongaro and Ousterhout,   *)
(* "In Search of an Understandable Consensus Algorithm" (USENIX ATC 2014), *)
(* here "Raft".                                                            *)
(*                                                                         *)
(* | action         | is the input of                                    | *)
(* |----------------|----------------------------------------------------| *)
(* | Vote           | a replica: its Raft log of a term holds a prefix   | *)
(* | Lock           | a replica: the last vote of a QC arrives           | *)
(* | Accept         | a client: the last answer of a quorum arrives      | *)
(* | Abort          | a replica: a threat, a timer, a long log, others   | *)
(* | EndEpoch       | PBFT: it decides an epoch-end command              | *)
(* | Decide         | PBFT: it decides an operation, in a BFT epoch      | *)
(* | VoteSwitchback | a replica: a timer, while its alarm is off         | *)
(* | StartEpoch     | PBFT: it decides an epoch-start command            | *)
(* | Learn          | a replica: it executes the next control log entry  | *)
(* | Raise          | a replica: its level becomes High or Critical      | *)
(* | Lower          | a replica: its level becomes Medium or less        | *)
(* | CoolDown       | a replica: its level has been low for long enough  | *)
(* | Restart        | a replica: a crash                                 | *)
(*                                                                         *)
(* Abstractions.  PBFT is a sequence, `controlLog`, that grows by valid    *)
(* entries and of which each replica knows a prefix; specs/pbft shows that *)
(* there is one sequence.  Raft is left out: a correct replica votes for   *)
(* whatever A1 and A2 allow, in any term, as if every leader were          *)
(* Byzantine.  So the properties hold whoever is elected and whatever      *)
(* leaders say.  A digest stands for its log prefix (no collisions).       *)
(*                                                                         *)
(* Byzantine replicas do anything that signatures do not forbid.  Whatever *)
(* one of them might sign counts as signed, and is not stored: a vote for  *)
(* anything, a switch-back vote, an abort with any reason and any QC that  *)
(* exists.  They cannot invent a QC.                                       *)
(*                                                                         *)
(* The network.  What correct replicas signed is never removed: it may     *)
(* arrive late, twice, out of order or never.                              *)
(*                                                                         *)
(* Not modelled: how levels come about (specs/threat); what PBFT decides   *)
(* in a Raft epoch beside the epoch-end command, or for another epoch than *)
(* the current one, since all replicas reject it alike ("elsewhere").      *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Replica,      \* all replicas
    Byzantine,    \* those that are faulty, arbitrarily
    MaxFaulty,    \* f: how many faulty replicas the cluster tolerates
    Operation,    \* the operations of clients
    Term          \* the terms of a Raft epoch: a finite set of numbers from 1

Correct == Replica \ Byzantine
Size    == Cardinality(Replica)

ASSUME /\ Byzantine \subseteq Replica
       /\ MaxFaulty \in Nat /\ Size > 3 * MaxFaulty
       /\ Term \subseteq Nat \ {0}

VARIABLES
    \* What correct replicas signed:
    votes,        \* [node, epoch, term, prefix]
    answers,      \* [node, epoch, term, state]: its answers to clients in Raft epochs, by the state they were given from
    aborts,       \* [node, epoch, why, locked]
    switchbacks,  \* [node, epoch]: switch-back votes
    \* What PBFT decided, in order:
    controlLog,
    \* Of each correct replica, all of it durable:
    known,        \* the prefix of the control log that it has executed
    lastVote,     \* [term, prefix]: its last vote in its epoch, or Nothing
    locked,       \* [term, prefix]: its locked QC in its epoch, or Nothing
    aborted,      \* whether it has aborted its epoch
    alarm,        \* "On": its level is High or above; "Cooldown": it is lower, but not for long enough; or "Off"
    \* Of clients:
    accepted      \* [epoch, term, state]: the results that they accepted, by the state they were answered from

vars == <<votes, answers, aborts, switchbacks, controlLog, known, lastVote, locked, aborted, alarm, accepted>>

-----------------------------------------------------------------------------
(* Log prefixes, which are sequences of operations, and the control log *)

IsPrefix(s, t)   == Len(s) <= Len(t) /\ SubSeq(t, 1, Len(s)) = s
Comparable(s, t) == IsPrefix(s, t) \/ IsPrefix(t, s)
Front(s)         == SubSeq(s, 1, Len(s) - 1)
Last(s)          == s[Len(s)]
Prefixes(s)      == {SubSeq(s, 1, k) : k \in 0..Len(s)}

(* The value before the first vote and before the first lock: terms begin at 1. *)
Nothing == [term |-> 0, prefix |-> <<>>]

OperationEntry(v)  == [kind |-> "Operation", operation |-> v]
EpochEndEntry(c, p)   == [kind |-> "EndEpoch", prefix |-> c, protocol |-> p]
EpochStartEntry(k)       == [kind |-> "StartEpoch", base |-> k]

(* An operation is applied once, however often and in whatever epochs clients ask for it. *)
MayApply(s, v) == \A k \in DOMAIN s : s[k] # v

RECURSIVE Apply(_, _)
Apply(s, c) ==
    IF c = <<>> THEN s
    ELSE Apply(IF MayApply(s, Head(c)) THEN Append(s, Head(c)) ELSE s, Tail(c))

(* The state of the service after the control log b: the operations applied, in order. *)
RECURSIVE State(_)
State(b) ==
    IF b = <<>> THEN <<>>
    ELSE LET e == Last(b)
         IN  CASE e.kind = "Operation" -> Apply(State(Front(b)), <<e.operation>>)
               [] e.kind = "EndEpoch"     -> Apply(State(Front(b)), e.prefix)
               [] e.kind = "StartEpoch"      -> State(SubSeq(b, 1, e.base))

IsSwitch(e) == e.kind # "Operation"

(* The epoch after the control log b, and its protocol. *)
Epoch(b) == Cardinality({k \in DOMAIN b : IsSwitch(b[k])})

RECURSIVE Protocol(_)
Protocol(b) ==
    IF b = <<>> THEN "Raft"
    ELSE CASE Last(b).kind = "Operation" -> Protocol(Front(b))
           [] Last(b).kind = "EndEpoch"     -> Last(b).protocol
           [] Last(b).kind = "StartEpoch"      -> "Raft"

(* The control log up to the start of an epoch, if it has started. *)
Beginning(e) ==
    IF e = 0 THEN <<>>
    ELSE SubSeq(controlLog, 1, CHOOSE k \in DOMAIN controlLog : IsSwitch(controlLog[k]) /\ Epoch(SubSeq(controlLog, 1, k)) = e)

(* The epoch that replica i is in. *)
EpochOf(i) == Epoch(known[i])
InRaft(i)  == Protocol(known[i]) = "Raft"

-----------------------------------------------------------------------------
(* The rules on which safety rests.  Configurations that must fail replace them. *)

(* The smallest size such that any two sets of that size among n replicas share a correct one.           *)
QuorumOf(n, f) == (n + f) \div 2 + 1

(* The replicas that serve in Raft epochs, and how many may be faulty: the same as in BFT epochs.        *)
RaftGroup == [members |-> Replica, faulty |-> MaxFaulty]

VoteQuorum    == QuorumOf(Cardinality(RaftGroup.members), RaftGroup.faulty)
AcceptQuorum == QuorumOf(Cardinality(RaftGroup.members), RaftGroup.faulty)
SwitchbackQuorum    == QuorumOf(Size, MaxFaulty)

(* So many replicas are certain to answer (700: an abort history consists of so many signed ones). *)
AbortQuorum == Size - MaxFaulty

(* So many contain a correct one: that many other aborts make a replica join, that many threats make the next epoch BFT. *)
JoinQuorum   == MaxFaulty + 1
ThreatQuorum == MaxFaulty + 1

(* A1: the terms of votes never decrease or fall below that of the lock, and within a term prefixes grow. *)
GrowsTerm(i, t)     == t >= lastVote[i].term /\ t >= locked[i].term
GrowsPrefix(i, t, c) == t = lastVote[i].term => IsPrefix(lastVote[i].prefix, c)

(* A2: votes extend the locked prefix. *)
ExtendsLock(i, c) == IsPrefix(locked[i].prefix, c)

(* H1: i has voted in no higher term, and the QC is later than its lock. *)
NothingHigher(i, t)  == lastVote[i].term <= t
IsLater(i, t, c)     == t > locked[i].term \/ (t = locked[i].term /\ Len(c) > Len(locked[i].prefix))

(* A replica that has aborted votes and locks no more in its epoch. *)
MayGoOn(i) == ~aborted[i]

(* The votes that count in an epoch. *)
CountsIn(e, a) == a.epoch = e

(* The answers that count together. *)
SameTerm(t, a) == a.term = t

(* The prefix that the aborts S hand over: the longest of the QCs of the highest term. *)
Highest(H) == {h \in H : \A g \in H : g.term <= h.term}
Longest(H) == {h \in H : \A g \in H : Len(g.prefix) <= Len(h.prefix)}
TakenOver(S) == {h.prefix : h \in Longest(Highest({s.locked : s \in S}))}

(* The length of the control log whose state a Raft epoch starts with: the whole log. *)
BaseOfStart(C) == Len(controlLog)

(* The entry that a replica may execute next: the following entry of the control log. *)
Upcoming(i) == IF Len(known[i]) < Len(controlLog) THEN {controlLog[Len(known[i]) + 1]} ELSE {}

(* The condition under which a replica votes to switch back. *)
WantsSwitchback(i) == alarm[i] = "Off"

(* The replicas that may submit an epoch-end command. *)
MayHandIn(i) == TRUE

(* The state that survives a crash. *)
KnownAfterCrash(i)   == known[i]
LastVoteAfterCrash(i)   == lastVote[i]
LockAfterCrash(i)    == locked[i]
AbortedAfterCrash(i) == aborted[i]

-----------------------------------------------------------------------------
(* A Raft epoch: votes and quorum certificates (QCs) *)

(* The replicas that voted for a prefix. *)
Voters(e, t, c) ==
    {i \in RaftGroup.members :
        i \in Byzantine \/ \E a \in votes : a.node = i /\ CountsIn(e, a) /\ a.term = t /\ a.prefix = c}

IsQC(e, t, c) == Cardinality(Voters(e, t, c)) >= VoteQuorum

(* All QCs of an epoch: each has the vote of a correct replica. *)
QCs(e) == {s \in {[term |-> a.term, prefix |-> a.prefix] : a \in {b \in votes : CountsIn(e, b)}} : IsQC(e, s.term, s.prefix)}

(* Replica i signs that its Raft log holds the prefix c in term t (Raft, 5.3).  It checks A1 and A2 only,      *)
(* whoever leads and whatever the leader tells others.                                                       *)
Vote(i, t, c) ==
    /\ InRaft(i) /\ MayGoOn(i) /\ i \in RaftGroup.members
    /\ c # <<>> /\ [term |-> t, prefix |-> c] # lastVote[i]
    /\ GrowsTerm(i, t) /\ GrowsPrefix(i, t, c)
    /\ ExtendsLock(i, c)
    /\ lastVote' = [lastVote EXCEPT ![i] = [term |-> t, prefix |-> c]]
    /\ votes' = votes \cup {[node |-> i, epoch |-> EpochOf(i), term |-> t, prefix |-> c]}
    /\ UNCHANGED <<answers, aborts, switchbacks, controlLog, known, locked, aborted, alarm, accepted>>

(* The last vote of a QC arrives at i, which locks the QC, executes its prefix, and answers clients: tentatively *)
(* (PBFT, 5.1), since a QC of a later term may replace it.                                                      *)
Lock(i, t, c) ==
    /\ InRaft(i) /\ MayGoOn(i) /\ i \in RaftGroup.members
    /\ IsQC(EpochOf(i), t, c)
    /\ NothingHigher(i, t) /\ IsLater(i, t, c)
    /\ locked' = [locked EXCEPT ![i] = [term |-> t, prefix |-> c]]
    /\ answers' = answers \cup {[node |-> i, epoch |-> EpochOf(i), term |-> t, state |-> Apply(State(known[i]), c)]}
    /\ UNCHANGED <<votes, aborts, switchbacks, controlLog, known, lastVote, aborted, alarm, accepted>>

-----------------------------------------------------------------------------
(* Clients *)

(* The replicas whose answers of epoch e and term t come from s or an extension of it; and those in BFT epochs. *)
Tellers(e, t, s) ==
    {i \in RaftGroup.members :
        i \in Byzantine \/ \E a \in answers : a.node = i /\ a.epoch = e /\ SameTerm(t, a) /\ IsPrefix(s, a.state)}
ControlTellers(e, s) ==
    {i \in Replica :
        i \in Byzantine \/ \E b \in Prefixes(known[i]) : Protocol(b) = "BFT" /\ Epoch(b) = e /\ IsPrefix(s, State(b))}

(* A client may accept what a quorum answered with one epoch and term in a Raft epoch (PBFT, 5.1), and what    *)
(* f + 1 answered in a BFT epoch (PBFT, 4.1), which has no terms.                                               *)
MayAccept(e, t, s) ==
    \/ Cardinality(Tellers(e, t, s)) >= AcceptQuorum
    \/ t = 0 /\ Cardinality(ControlTellers(e, s)) > MaxFaulty

(* All that clients may accept in Raft epochs, whether or not a client did. *)
Acceptable ==
    {b \in UNION {{[epoch |-> a.epoch, term |-> a.term, state |-> s] : s \in Prefixes(a.state)} : a \in answers} :
        Cardinality(Tellers(b.epoch, b.term, b.state)) >= AcceptQuorum}

Accept(e, t, s) ==
    LET b == [epoch |-> e, term |-> t, state |-> s]
    IN  /\ s # <<>> /\ b \notin accepted
        /\ MayAccept(e, t, s)
        /\ accepted' = accepted \cup {b}
        /\ UNCHANGED <<votes, answers, aborts, switchbacks, controlLog, known, lastVote, locked, aborted, alarm>>

-----------------------------------------------------------------------------
(* The switch to BFT, or to a new log *)

Attacks == {"Threat", "Stalled"}
Reasons == Attacks \cup {"Long"}          \* of its own; the other reason is "Joined"

(* The other replicas whose abort of its epoch i may have received. *)
AbortedOthers(i) == {j \in Replica \ {i} : j \in Byzantine \/ \E s \in aborts : s.node = j /\ s.epoch = EpochOf(i)}

(* Replica i aborts its epoch and signs its lock, because its level is High or above, the epoch has stalled, the  *)
(* log is long, or f + 1 others aborted, one of which is correct.                                                *)
Abort(i, why) ==
    /\ InRaft(i) /\ MayGoOn(i)
    /\ CASE why = "Threat" -> alarm[i] = "On"
         [] why = "Joined" -> alarm[i] # "On" /\ Cardinality(AbortedOthers(i)) >= JoinQuorum
         [] OTHER          -> why \in Reasons
    /\ aborted' = [aborted EXCEPT ![i] = TRUE]
    /\ aborts' = aborts \cup {[node |-> i, epoch |-> EpochOf(i), why |-> why, locked |-> locked[i]]}
    /\ UNCHANGED <<votes, answers, switchbacks, controlLog, known, lastVote, locked, alarm, accepted>>

(* The aborts that Byzantine replicas may sign in epoch e. *)
ForgedAborts(e) ==
    {[node |-> i, epoch |-> e, why |-> w, locked |-> h] :
        i \in Byzantine, w \in {"Threat", "Long"}, h \in {Nothing} \cup QCs(e)}

(* True if S is an abort history of epoch e: n - f aborts, one for each replica (700). *)
IsAbortHistory(e, S) ==
    /\ S \subseteq {s \in aborts : s.epoch = e} \cup ForgedAborts(e)
    /\ Cardinality(S) = AbortQuorum
    /\ \A s, u \in S : s.node = u.node => s = u

Named(S) == {s \in S : s.why \in Attacks}

NextProtocol(S) == IF Cardinality(Named(S)) >= ThreatQuorum THEN "BFT" ELSE "Raft"

(* PBFT decides an epoch-end command with the aborts S (700: the init history of the next instance). *)
EndEpoch(S) ==
    /\ Protocol(controlLog) = "Raft" /\ IsAbortHistory(Epoch(controlLog), S)
    /\ \E i \in Replica : MayHandIn(i)
    /\ \E c \in TakenOver(S) : controlLog' = Append(controlLog, EpochEndEntry(c, NextProtocol(S)))
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, known, lastVote, locked, aborted, alarm, accepted>>

-----------------------------------------------------------------------------
(* A BFT epoch, and the switch back *)

(* PBFT decides an operation. *)
Decide(v) ==
    /\ Protocol(controlLog) = "BFT"
    /\ controlLog' = Append(controlLog, OperationEntry(v))
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, known, lastVote, locked, aborted, alarm, accepted>>

(* Replica i signs that it wants to leave its BFT epoch. *)
VoteSwitchback(i) ==
    /\ ~InRaft(i) /\ WantsSwitchback(i)
    /\ [node |-> i, epoch |-> EpochOf(i)] \notin switchbacks
    /\ switchbacks' = switchbacks \cup {[node |-> i, epoch |-> EpochOf(i)]}
    /\ UNCHANGED <<votes, answers, aborts, controlLog, known, lastVote, locked, aborted, alarm, accepted>>

(* PBFT decides an epoch-start command with the switch-back votes of the replicas C. *)
StartEpoch(C) ==
    /\ Protocol(controlLog) = "BFT"
    /\ Cardinality(C) = SwitchbackQuorum
    /\ \A i \in C : i \in Byzantine \/ [node |-> i, epoch |-> Epoch(controlLog)] \in switchbacks
    /\ controlLog' = Append(controlLog, EpochStartEntry(BaseOfStart(C)))
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, known, lastVote, locked, aborted, alarm, accepted>>

(* Replica i executes the next entry of the control log.  With a switch it enters the new epoch, whatever it did in  *)
(* the one before: it undoes what it executed beyond the prefix that was handed over.                               *)
Learn(i) ==
    \E e \in Upcoming(i) :
        /\ known' = [known EXCEPT ![i] = Append(@, e)]
        /\ lastVote' = IF IsSwitch(e) THEN [lastVote EXCEPT ![i] = Nothing] ELSE lastVote
        /\ locked' = IF IsSwitch(e) THEN [locked EXCEPT ![i] = Nothing] ELSE locked
        /\ aborted' = IF IsSwitch(e) THEN [aborted EXCEPT ![i] = FALSE] ELSE aborted
        /\ UNCHANGED <<votes, answers, aborts, switchbacks, controlLog, alarm, accepted>>

-----------------------------------------------------------------------------
(* Levels, and crashes *)

SetAlarm(i, a) ==
    /\ alarm' = [alarm EXCEPT ![i] = a]
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, controlLog, known, lastVote, locked, aborted, accepted>>

Raise(i) == alarm[i] # "On" /\ SetAlarm(i, "On")
Lower(i) == alarm[i] = "On" /\ SetAlarm(i, "Cooldown")
CoolDown(i) == alarm[i] = "Cooldown" /\ SetAlarm(i, "Off")

(* A crash.  All that a replica relies on was on its disk before it signed. *)
Restart(i) ==
    /\ known' = [known EXCEPT ![i] = KnownAfterCrash(i)]
    /\ lastVote' = [lastVote EXCEPT ![i] = LastVoteAfterCrash(i)]
    /\ locked' = [locked EXCEPT ![i] = LockAfterCrash(i)]
    /\ aborted' = [aborted EXCEPT ![i] = AbortedAfterCrash(i)]
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, controlLog, alarm, accepted>>

-----------------------------------------------------------------------------

Init ==
    /\ votes = {} /\ answers = {} /\ aborts = {} /\ switchbacks = {}
    /\ controlLog = <<>>
    /\ known = [i \in Correct |-> <<>>]
    /\ lastVote = [i \in Correct |-> Nothing]
    /\ locked = [i \in Correct |-> Nothing]
    /\ aborted = [i \in Correct |-> FALSE]
    /\ alarm = [i \in Correct |-> "Off"]
    /\ accepted = {}

(* The possible log prefixes: each operation once, in any order.  A prefix that repeats one leads to the same state *)
(* as the prefix without the repetition.                                                                            *)
Injective(c) == \A k, l \in DOMAIN c : c[k] = c[l] => k = l
LogPrefixes == {c \in UNION {[1..k -> Operation] : k \in 1..Cardinality(Operation)} : Injective(c)}

(* The abort histories that may be decided: aborts of some correct replicas, and one each of some Byzantine ones. *)
AbortHistories ==
    LET e      == Epoch(controlLog)
        mine   == {s \in aborts : s.epoch = e}
        qcs  == {Nothing} \cup QCs(e)
        forged == UNION {{{[node |-> i, epoch |-> e, why |-> f[i][1], locked |-> f[i][2]] : i \in B} :
                              f \in [B -> {"Threat", "Long"} \X qcs]} : B \in SUBSET Byzantine}
    IN  UNION {{M \cup F : F \in {G \in forged : Cardinality(M) + Cardinality(G) = AbortQuorum}} : M \in SUBSET mine}

(* The states from which anybody may have answered. *)
States == {a.state : a \in answers} \cup {State(b) : b \in Prefixes(controlLog)}

Next ==
    \/ \E i \in Correct, t \in Term, c \in LogPrefixes : Vote(i, t, c)
    \/ \E i \in Correct : \E s \in QCs(EpochOf(i)) : Lock(i, s.term, s.prefix)
    \/ \E e \in 0..Epoch(controlLog), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} : Accept(e, t, s)
    \/ \E i \in Correct, w \in Reasons \cup {"Joined"} : Abort(i, w)
    \/ Protocol(controlLog) = "Raft" /\ \E S \in AbortHistories : EndEpoch(S)
    \/ \E v \in Operation : Decide(v)
    \/ \E i \in Correct : VoteSwitchback(i)
    \/ \E C \in SUBSET Replica : StartEpoch(C)
    \/ \E i \in Correct : Learn(i) \/ Raise(i) \/ Lower(i) \/ CoolDown(i) \/ Restart(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsLogPrefix(c)   == c \in Seq(Operation)
IsVote(v)    == v = Nothing \/ (v.term \in Term /\ IsLogPrefix(v.prefix) /\ v.prefix # <<>>)
IsEntry(e) ==
    CASE e.kind = "Operation" -> e.operation \in Operation
      [] e.kind = "EndEpoch"     -> IsLogPrefix(e.prefix) /\ e.protocol \in {"Raft", "BFT"}
      [] e.kind = "StartEpoch"      -> e.base \in Nat
      [] OTHER                -> FALSE

TypeOK ==
    /\ \A a \in votes : a.node \in Correct /\ a.epoch \in Nat /\ IsVote([term |-> a.term, prefix |-> a.prefix])
    /\ \A a \in answers : a.node \in Correct /\ a.epoch \in Nat /\ a.term \in Term /\ IsLogPrefix(a.state)
    /\ \A s \in aborts : s.node \in Correct /\ s.epoch \in Nat /\ s.why \in Reasons \cup {"Joined"} /\ IsVote(s.locked)
    /\ \A c \in switchbacks : c.node \in Correct /\ c.epoch \in Nat
    /\ \A k \in DOMAIN controlLog : IsEntry(controlLog[k])
    /\ \A i \in Correct :
           /\ \A k \in DOMAIN known[i] : IsEntry(known[i][k])
           /\ IsVote(lastVote[i]) /\ IsVote(locked[i])
           /\ aborted[i] \in BOOLEAN /\ alarm[i] \in {"Off", "Cooldown", "On"}
    /\ \A b \in accepted : b.epoch \in Nat /\ b.term \in Term \cup {0} /\ IsLogPrefix(b.state)

(* QCs of one term do not conflict.  Holds because two quorums share a correct replica, whose votes of a term extend *)
(* each other (A1).                                                                                                  *)
QCsAgree ==
    \A e \in 0..Epoch(controlLog) : \A s, u \in QCs(e) : s.term = u.term => Comparable(s.prefix, u.prefix)

(* What a client may accept from a quorum that locked a QC is in all QCs of later terms.  Holds because that quorum  *)
(* and the voters of the later QC share a correct replica.  It locked first (H1), and votes only for extensions of  *)
(* its lock (A2).                                                                                                    *)
QCsKeepAccepted ==
    \A b \in Acceptable : \A s \in QCs(b.epoch) :
        s.term > b.term => IsPrefix(b.state, Apply(State(Beginning(b.epoch)), s.prefix))

(* What clients may accept in one epoch agrees: within a term because QCs do, across terms by QCsKeepAccepted. *)
AcceptedAgree == \A b, d \in Acceptable : b.epoch = d.epoch => Comparable(b.state, d.state)

(* What clients may accept in an epoch that is over is in what the next epoch took over, and in all that follows; so  *)
(* is what PBFT decided.  Holds because the quorum that locked it and the replicas of the abort history share a       *)
(* correct replica, whose QC, or a later one, is in the history; and any QC of a higher term contains it, by          *)
(* QCsKeepAccepted.  And a Raft epoch starts with the state of the whole control log.                                 *)
Kept ==
    LET all == Acceptable \cup accepted
    IN  \A p \in Prefixes(controlLog) :
            LET epoch == Epoch(p)
                state == State(p)
            IN  /\ \A b \in all : epoch > b.epoch => IsPrefix(b.state, state)
                /\ p # <<>> => IsPrefix(State(Front(p)), state)

(* One decision per position over all epochs: the states that clients may accept, and those that the control log  *)
(* passed through, extend each other.                                                                             *)
Decided == {b.state : b \in Acceptable \cup accepted} \cup {State(p) : p \in Prefixes(controlLog)}
OneDecision == \A s, u \in Decided : Comparable(s, u)

(* No operation is applied twice, whatever clients ask for in whatever epochs. *)
Once == \A s \in Decided \cup {a.state : a \in answers} : Injective(s)

(* Replicas that still serve in an epoch. *)
Active(e) == {i \in Correct : EpochOf(i) = e /\ InRaft(i) /\ ~aborted[i]}

(* An epoch that is over has no quorum left.  Holds because at most f of the n - f aborts in its abort history are of  *)
(* Byzantine replicas, so that at most 2f replicas continue, Byzantine ones among them.                                *)
OneEpoch == \A e \in 0..Epoch(controlLog) - 1 : Cardinality(Active(e) \cup Byzantine) < AcceptQuorum

(* Every replica executes a prefix of the control log. *)
FollowsControlLog == \A i \in Correct : IsPrefix(known[i], controlLog)

(* The entry that ended epoch e. *)
EndOf(e) == Last(Beginning(e + 1))

(* f replicas cannot cause a switch by themselves.  An epoch-end command needs the abort of a correct replica, the first *)
(* of which had a reason of its own, since the others join only f + 1; and an epoch-start command needs the switch-back *)
(* votes of at least f + 1 correct ones.                                                                                 *)
NobodyAlone ==
    \A e \in 0..Epoch(controlLog) - 1 :
        IF EndOf(e).kind = "EndEpoch"
        THEN \E s \in aborts : s.epoch = e /\ s.why # "Joined"
        ELSE Cardinality({c \in switchbacks : c.epoch = e}) > MaxFaulty

(* The end of an epoch leads to BFT only if a correct replica named an attack, and does if all that aborted did.      *)
Mapping ==
    \A e \in 0..Epoch(controlLog) - 1 :
        LET mine == {s \in aborts : s.epoch = e}
        IN  EndOf(e).kind = "EndEpoch" =>
                /\ EndOf(e).protocol = "BFT" => Named(mine) # {}
                /\ EndOf(e).protocol = "Raft" => Named(mine) # mine

(* Replicas remember what they signed, also after a crash. *)
SignedIsKnown ==
    \A i \in Correct :
        /\ lastVote[i] # Nothing => [node |-> i, epoch |-> EpochOf(i), term |-> lastVote[i].term, prefix |-> lastVote[i].prefix] \in votes
        /\ \A a \in votes : a.node = i => a.epoch <= EpochOf(i) /\ (a.epoch = EpochOf(i) => a.term <= lastVote[i].term)
        /\ aborted[i] <=> \E s \in aborts : s.node = i /\ s.epoch = EpochOf(i)

-----------------------------------------------------------------------------
(* Properties of steps *)

(* Positions are written once: what is decided at a position stays decided. *)
WriteOnce == [][IsPrefix(State(controlLog), State(controlLog'))]_vars

(* No replica goes back in the control log. *)
EpochsGrow == [][\A i \in Correct : IsPrefix(known[i], known'[i])]_vars

(* A replica that aborted neither votes nor locks in its epoch again. *)
AbortIsFinal ==
    [][\A i \in Correct : aborted[i] /\ Epoch(known'[i]) = EpochOf(i) => aborted'[i] /\ lastVote'[i] = lastVote[i] /\ locked'[i] = locked[i]]_vars
=============================================================================
