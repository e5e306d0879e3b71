--------------------------- MODULE HybridLiveness ---------------------------
(***************************************************************************)
(* What the hybrid promises to bring about, and under which assumptions.   *)
(*                                                                         *)
(* No deterministic consensus is live while the network may do anything    *)
(* (Fischer, Lynch and Paterson, 1985), so the promise is about what       *)
(* follows after stabilisation.  Before it, all of MCHybrid may happen     *)
(* within the bounds.  Afterwards (`settled`):                             *)
(*                                                                         *)
(*  - what correct replicas sign arrives, however late;                    *)
(*  - it is war, and the levels of the replicas Attacked are High and stay *)
(*    so; or it is peace, and no level is High any more;                  *)
(*  - a Raft epoch has a leader that all correct replicas follow, whom     *)
(*    nobody deposes (Raft, 5.6), so that the acks of its term agree, if   *)
(*    those given before stabilisation and the locks (A2) let them;        *)
(*  - a timer fires only while no step of correct replicas is due that     *)
(*    needs no word of a Byzantine one, and some operation is not served:  *)
(*    a standstill;                                                        *)
(*  - PBFT decides what is handed in by correct replicas (PbftLiveness).   *)
(*                                                                         *)
(* Fairness is of correct replicas only.  A Byzantine one may be silent    *)
(* for ever; whatever it signs may be counted at any time, as in Hybrid,   *)
(* but no step is sure to be taken that needs it.  It is one assumption: a *)
(* settled system does not stop while such a step, or a timer, is due.     *)
(* One suffices, because epochs are bounded and within an epoch each step  *)
(* is taken once, so that no behaviour goes on for ever.                   *)
(***************************************************************************)
EXTENDS MCHybrid

CONSTANTS
    Attacked,     \* whose levels become High in a war, and stay so
    Outcomes,     \* what may come of it: "War", "Peace"
    MaxStandstill,\* in epochs before this one timers fire
    LateEpoch     \* before stabilisation epochs begin up to this one

VARIABLE
    settled       \* "No", "War" or "Peace"

liveVars == <<vars, swings, settled>>
LiveVars == <<liveVars, event>>
LiveView == liveVars

-----------------------------------------------------------------------------
(* Who is served *)

Holds(s, v) == \E k \in DOMAIN s : s[k] = v

(* Correct replicas answered so often that a client believes v is done: in a Raft or in a BFT epoch. *)
Served(v) ==
    \/ \E a \in answers : Cardinality({i \in Correct : \E b \in answers :
           b.node = i /\ b.epoch = a.epoch /\ b.term = a.term /\ Holds(b.state, v)}) >= BelieveQuorum
    \/ Cardinality({i \in Correct : \E p \in Prefixes(known[i]) : Protocol(p) = "BFT" /\ Holds(State(p), v)}) > MaxFaulty

-----------------------------------------------------------------------------
(* The steps of correct replicas for which no Byzantine one has to say     *)
(* anything.  Without the record of events: whether a step is one of these *)
(* shall not hang on how it was recorded.                                  *)

(* What the leader of the last term has in its log, beside what acks of that term and the locks of the epoch ask for: *)
(* what is not done.                                                                                                *)
Leading(i, t, c) ==
    /\ \A u \in Term : u <= t
    /\ \A k \in DOMAIN c : ~Holds(State(known[i]), c[k])
    /\ \A j \in Correct : EpochOf(j) = EpochOf(i) =>
           IsPrefix(held[j].chain, c) /\ (acked[j].term = t => Comparable(acked[j].chain, c))

LiveChains == {d \in Chains : Len(d) <= MaxLength}

Acks  == \E i \in Correct, t \in Term, c \in LiveChains : Leading(i, t, c) /\ Ack(i, t, c)
Holdings ==
    \E i \in Correct : \E s \in Seals(EpochOf(i)) :
        Cardinality(AckVotes(EpochOf(i), s.term, s.chain) \cap Correct) >= SealQuorum /\ Hold(i, s.term, s.chain)

Alarms == \E i \in Correct : "Threat" \in Why /\ Stop(i, "Threat")
Joins  == \E i \in Correct : Cardinality(StoppedOthers(i) \cap Correct) >= JoinQuorum /\ Stop(i, "Joined")

Closes ==
    /\ Epoch(book) < MaxEpoch
    /\ \E i \in Correct : MayHandIn(i)
    /\ \E S \in SUBSET {s \in stops : s.epoch = Epoch(book)} : Close(S)

Decisions == Cardinality({k \in DOMAIN book : ~IsSwitch(book[k])}) < MaxDecided /\ \E v \in Operation : ~Holds(State(book), v) /\ Decide(v)

Calms == Epoch(book) < MaxEpoch /\ \E i \in Correct : Calm(i)
Opens == Epoch(book) < MaxEpoch /\ \E C \in SUBSET Correct : Open(C)

Learnings == \E i \in Correct : Learn(i)

Levels == settled = "Peace" /\ \E i \in Correct : Dwell(i)

Rest == Acks \/ Holdings \/ Decisions \/ Levels

AllSteps == Rest \/ Alarms \/ Joins \/ Closes \/ Calms \/ Opens \/ Learnings

IsDue == settled # "No" /\ Epoch(book) < MaxStandstill /\ (\E v \in Operation : ~Served(v)) /\ ~ENABLED AllSteps

Timers == "Standstill" \in Why /\ IsDue /\ \E i \in Correct : Stop(i, "Standstill")

(* Bounds on what else may happen.  Before stabilisation nothing is acked; or Byzantine leaders have each replica ack one *)
(* operation, not all of them the same.                                                                                *)
EarlyAck(i, c) == FALSE
Contradicting(i, c) ==
    LET told == CHOOSE f \in [Correct -> Operation] : Cardinality({f[j] : j \in Correct}) > 1
    IN  c = <<told[i]>>
LiveAck(i, t, c) == IF settled = "No" THEN EarlyAck(i, c) ELSE Leading(i, t, c)
LiveDecide(v)    == ~Holds(State(book), v)
LiveSwitch       == Epoch(book) < LateEpoch \/ settled # "No"

-----------------------------------------------------------------------------

Settle(how) ==
    /\ settled = "No" /\ settled' = how
    /\ event' = [action |-> "Settle", how |-> how]
    /\ mood' = [i \in Correct |-> IF how = "War" /\ i \in Attacked THEN "Alarmed"
                                 ELSE IF how = "Peace" /\ mood[i] = "Alarmed" THEN "Uneasy" ELSE mood[i]]
    /\ UNCHANGED <<acks, answers, stops, calms, book, known, acked, held, stopped, believed, swings>>

LiveInit == MCInit /\ settled = "No"

(* Levels change as they like before, and as they must afterwards. *)
LevelEvents ==
    \/ settled = "No" /\ \E i \in Alarmable \cap Correct : RaiseEvent(i) \/ LowerEvent(i) \/ DwellEvent(i)
    \/ settled = "Peace" /\ \E i \in Correct : DwellEvent(i)

LiveNext ==
    \/ /\ UNCHANGED <<swings, settled>>
       /\ \/ \E i \in Correct, t \in Term, c \in LiveChains : LiveAck(i, t, c) /\ AckEvent(i, t, c)
          \/ \E i \in Correct : \E s \in Seals(EpochOf(i)) : HoldEvent(i, s.term, s.chain)
          \/ \E i \in Correct, w \in (Why \cap {"Threat"}) \cup {"Joined"} : StopEvent(i, w)
          \/ "Standstill" \in Why /\ IsDue /\ \E i \in Correct : StopEvent(i, "Standstill")
          \/ Epoch(book) < MaxEpoch /\ LiveSwitch /\ Protocol(book) = "Raft" /\ \E S \in MCCloses : CloseEvent(S)
          \/ /\ Cardinality({k \in DOMAIN book : ~IsSwitch(book[k])}) < MaxDecided
             /\ \E v \in Operation : LiveDecide(v) /\ DecideEvent(v)
          \/ Epoch(book) < MaxEpoch /\ \E i \in Correct : CalmEvent(i)
          \/ Epoch(book) < MaxEpoch /\ LiveSwitch /\ \E C \in MCOpens : OpenEvent(C)
          \/ \E i \in Correct : LearnEvent(i)
          \/ LevelEvents
    \/ \E how \in Outcomes : Settle(how)

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars /\ WF_liveVars(\E how \in Outcomes : Settle(how))

LiveSpec == LiveBehaviour /\ WF_liveVars((AllSteps \/ Timers) /\ UNCHANGED <<swings, settled>>)

(* The same with less assumed; each must fail. *)
WithoutFairAlarms == LiveBehaviour /\ WF_liveVars((Rest \/ Joins \/ Closes \/ Calms \/ Opens \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairCloses == LiveBehaviour /\ WF_liveVars((Rest \/ Alarms \/ Joins \/ Calms \/ Opens \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairCalms  == LiveBehaviour /\ WF_liveVars((Rest \/ Alarms \/ Joins \/ Closes \/ Opens \/ Learnings \/ Timers) /\ UNCHANGED <<swings, settled>>)
WithoutFairTimers == LiveBehaviour /\ WF_liveVars((AllSteps) /\ UNCHANGED <<swings, settled>>)

-----------------------------------------------------------------------------
(* A war ends in a BFT epoch, in which all correct replicas are. *)
WarIsAnswered == (settled = "War") ~> (\A i \in Correct : ~InRaft(i))

(* f + 1 that are alarmed end the Raft epoch, whoever else does not want to. *)
EpochEnds == (settled = "War") ~> (Epoch(book) > 0)

(* After the attacks all replicas come to a Raft epoch, in which none has stopped, and stay there. *)
ComesBack == (settled = "Peace") ~> [](\A i \in Correct : InRaft(i) /\ ~stopped[i] /\ known[i] = book)

(* Each operation is done, and its client believes it. *)
AllServed == \A v \in Operation : (settled = "Peace") ~> Served(v)

-----------------------------------------------------------------------------
(* Weakened rules, for configurations that must fail. *)

(* Only the leader hands in a close, and it is Byzantine [HY-13]. *)
OnlyLeader(i) == i \in Byzantine

(* Nobody joins others: each stops by its own level [HY-05]. *)
Never == Size + 1

(* A switch needs everybody: one that is silent keeps it from happening. *)
Everybody == Size
=============================================================================
