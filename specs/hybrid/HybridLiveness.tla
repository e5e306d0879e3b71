--------------------------- MODULE HybridLiveness ---------------------------
(***************************************************************************)
(* The liveness properties of the hybrid, and their assumptions.           *)
(*                                                                         *)
(* No deterministic consensus is live while the network may do anything    *)
(* (Fischer, Lynch and Paterson, 1985), so the promise is about what       *)
(* follows after stabilisation.  Before it, all of MCHybrid may happen     *)
(* within the bounds.  Afterwards (`settled`):                             *)
(*                                                                         *)
(*  - what correct replicas sign arrives, however late;                    *)
(*  - it is war, and the levels of the replicas Attacked are High and stay *)
(*    so; or it is peace, and no level is High any more;                   *)
(*  - a Raft epoch has a leader that all correct replicas follow, whom     *)
(*    nobody deposes (Raft, 5.6), so that the votes of its term agree, if  *)
(*    those given before stabilisation and the locks (A2) let them;        *)
(*  - a timer fires only while the epoch has stalled: correct replicas can *)
(*    take no further step without a Byzantine one, and some operation is  *)
(*    not served;                                                          *)
(*  - PBFT decides what correct replicas submit (PbftLiveness).            *)
(*                                                                         *)
(* Fairness is of correct replicas only.  A Byzantine one may be silent    *)
(* for ever; whatever it signs may be counted at any time, as in Hybrid,   *)
(* but no step that needs it is certain to occur.  It is one assumption: a *)
(* settled system does not stop while such a step, or a timer, is due.     *)
(* One suffices, because epochs are bounded and within an epoch each step  *)
(* is taken once, so that no behaviour goes on for ever.                   *)
(***************************************************************************)
EXTENDS MCHybrid

CONSTANTS
    Attacked,     \* the replicas whose levels become High in a war, and stay so
    Outcomes,     \* the possible outcomes: "War", "Peace"
    MaxStalled,   \* timers fire in epochs before this one
    LateEpoch     \* before stabilisation epochs start up to this one

VARIABLE
    settled       \* "No", "War" or "Peace"

liveVars == <<vars, swings, settled>>
LiveVars == <<liveVars, event>>
LiveView == liveVars

-----------------------------------------------------------------------------
(* Service *)

Contains(s, v) == \E k \in DOMAIN s : s[k] = v

(* Enough correct replicas answered for a client to accept v, in a Raft or in a BFT epoch. *)
Served(v) ==
    \/ \E a \in answers : Cardinality({i \in Correct : \E b \in answers :
           b.node = i /\ b.epoch = a.epoch /\ b.term = a.term /\ Contains(b.state, v)}) >= AcceptQuorum
    \/ Cardinality({i \in Correct : \E p \in Prefixes(known[i]) : Protocol(p) = "BFT" /\ Contains(State(p), v)}) > MaxFaulty

-----------------------------------------------------------------------------
(* The steps of correct replicas that need nothing from Byzantine ones.    *)
(* They are defined without the record of events, on which fairness must   *)
(* not depend.                                                             *)

(* The log of the leader of the last term: it extends the votes of that term and the locks of the epoch, and holds no  *)
(* operation that is done.                                                                                            *)
Leading(i, t, c) ==
    /\ \A u \in Term : u <= t
    /\ \A k \in DOMAIN c : ~Contains(State(known[i]), c[k])
    /\ \A j \in Correct : EpochOf(j) = EpochOf(i) =>
           IsPrefix(locked[j].prefix, c) /\ (lastVote[j].term = t => Comparable(lastVote[j].prefix, c))

LivePrefixes == {d \in LogPrefixes : Len(d) <= MaxLength}

Votes  == \E i \in Correct, t \in Term, c \in LivePrefixes : Leading(i, t, c) /\ Vote(i, t, c)
Locks ==
    \E i \in Correct : \E s \in QCs(EpochOf(i)) :
        Cardinality(Voters(EpochOf(i), s.term, s.prefix) \cap Correct) >= VoteQuorum /\ Lock(i, s.term, s.prefix)

Alarms == \E i \in Correct : "Threat" \in Why /\ Abort(i, "Threat")
Joins  == \E i \in Correct : Cardinality(AbortedOthers(i) \cap Correct) >= JoinQuorum /\ Abort(i, "Joined")

EpochEndings ==
    /\ Epoch(controlLog) < MaxEpoch
    /\ \E i \in Correct : MayHandIn(i)
    /\ \E S \in SUBSET {s \in aborts : s.epoch = Epoch(controlLog)} : EndEpoch(S)

Decisions == Cardinality({k \in DOMAIN controlLog : ~IsSwitch(controlLog[k])}) < MaxDecided /\ \E v \in Operation : ~Contains(State(controlLog), v) /\ Decide(v)

Switchbacks == Epoch(controlLog) < MaxEpoch /\ \E i \in Correct : VoteSwitchback(i)
EpochStarts == Epoch(controlLog) < MaxEpoch /\ \E C \in SUBSET Correct : StartEpoch(C)

Learnings == \E i \in Correct : Learn(i)

Levels == settled = "Peace" /\ \E i \in Correct : CoolDown(i)

Rest == Votes \/ Locks \/ Decisions \/ Levels

AllSteps == Rest \/ Alarms \/ Joins \/ EpochEndings \/ Switchbacks \/ EpochStarts \/ Learnings

IsDue == settled # "No" /\ Epoch(controlLog) < MaxStalled /\ (\E v \in Operation : ~Served(v)) /\ ~ENABLED AllSteps

Timers == "Stalled" \in Why /\ IsDue /\ \E i \in Correct : Abort(i, "Stalled")

(* Bounds on all other steps.  Before stabilisation nobody votes; or Byzantine leaders have each replica vote for one     *)
(* operation, not all for the same.                                                                                    *)
EarlyVote(i, c) == FALSE
Contradicting(i, c) ==
    LET told == CHOOSE f \in [Correct -> Operation] : Cardinality({f[j] : j \in Correct}) > 1
    IN  c = <<told[i]>>
LiveVote(i, t, c) == IF settled = "No" THEN EarlyVote(i, c) ELSE Leading(i, t, c)
LiveDecide(v)    == ~Contains(State(controlLog), v)
LiveSwitch       == Epoch(controlLog) < LateEpoch \/ settled # "No"

-----------------------------------------------------------------------------

Settle(how) ==
    /\ settled = "No" /\ settled' = how
    /\ event' = [action |-> "Settle", how |-> how]
    /\ alarm' = [i \in Correct |-> IF how = "War" /\ i \in Attacked THEN "On"
                                 ELSE IF how = "Peace" /\ alarm[i] = "On" THEN "Cooldown" ELSE alarm[i]]
    /\ UNCHANGED <<votes, answers, aborts, switchbacks, controlLog, known, lastVote, locked, aborted, accepted, swings>>

LiveInit == MCInit /\ settled = "No"

(* Levels change freely before stabilisation, and as they must afterwards. *)
LevelEvents ==
    \/ settled = "No" /\ \E i \in Alarmable \cap Correct : RaiseEvent(i) \/ LowerEvent(i) \/ CoolDownEvent(i)
    \/ settled = "Peace" /\ \E i \in Correct : CoolDownEvent(i)

LiveNext ==
    \/ /\ UNCHANGED <<swings, settled>>
       /\ \/ \E i \in Correct, t \in Term, c \in LivePrefixes : LiveVote(i, t, c) /\ VoteEvent(i, t, c)
          \/ \E i \in Correct : \E s \in QCs(EpochOf(i)) : LockEvent(i, s.term, s.prefix)
          \/ \E i \in Correct, w \in (Why \cap {"Threat"}) \cup {"Joined"} : AbortEvent(i, w)
          \/ "Stalled" \in Why /\ IsDue /\ \E i \in Correct : AbortEvent(i, "Stalled")
          \/ Epoch(controlLog) < MaxEpoch /\ LiveSwitch /\ Protocol(controlLog) = "Raft" /\ \E S \in MCAbortHistories : EndEpochEvent(S)
          \/ /\ Cardinality({k \in DOMAIN controlLog : ~IsSwitch(controlLog[k])}) < MaxDecided
             /\ \E v \in Operation : LiveDecide(v) /\ DecideEvent(v)
          \/ Epoch(controlLog) < MaxEpoch /\ \E i \in Correct : VoteSwitchbackEvent(i)
          \/ Epoch(controlLog) < MaxEpoch /\ LiveSwitch /\ \E C \in MCSwitchbackSets : StartEpochEvent(C)
          \/ \E i \in Correct : LearnEvent(i)
          \/ LevelEvents
    \/ \E how \in Outcomes : Settle(how)

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars /\ WF_liveVars(\E how \in Outcomes : Settle(how))

LiveSpec == LiveBehaviour /\ WF_liveVars((AllSteps \/ Timers) /\ UNCHANGED <<swings, settled>>)

(* Weaker fairness; each must fail. *)
WithoutFairAlarms == LiveBehaviour /\ WF_liveVars((Rest \/ Joins \/ EpochEndings \/ Switchbacks \/ EpochStarts \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairEpochEnds == LiveBehaviour /\ WF_liveVars((Rest \/ Alarms \/ Joins \/ Switchbacks \/ EpochStarts \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairSwitchbacks  == LiveBehaviour /\ WF_liveVars((Rest \/ Alarms \/ Joins \/ EpochEndings \/ EpochStarts \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairTimers == LiveBehaviour /\ WF_liveVars((AllSteps) /\ UNCHANGED <<swings, settled>>)

-----------------------------------------------------------------------------
(* In a war all correct replicas reach a BFT epoch. *)
WarIsAnswered == (settled = "War") ~> (\A i \in Correct : ~InRaft(i))

(* f + 1 alarmed replicas end the Raft epoch, whatever the others want. *)
EpochEnds == (settled = "War") ~> (Epoch(controlLog) > 0)

(* After the attacks all replicas reach a Raft epoch that none has aborted, and stay there. *)
ComesBack == (settled = "Peace") ~> [](\A i \in Correct : InRaft(i) /\ ~aborted[i] /\ known[i] = controlLog)

(* Each operation is done, and its client accepts the result. *)
AllServed == \A v \in Operation : (settled = "Peace") ~> Served(v)

-----------------------------------------------------------------------------
(* Weakened rules, for configurations that must fail. *)

(* Only the leader submits the epoch-end command, and it is Byzantine [HY-13]. *)
OnlyLeader(i) == i \in Byzantine

(* Nobody joins others: each aborts by its own level [HY-05]. *)
Never == Size + 1

(* A switch needs all replicas: a silent one prevents it. *)
Everybody == Size
=============================================================================
