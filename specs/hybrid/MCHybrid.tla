------------------------------ MODULE MCHybrid ------------------------------
(***************************************************************************)
(* The hybrid made finite for TLC.  Every bound is a guard on an action;   *)
(* none is a state constraint, so that every state counted is one reached  *)
(* within the bounds.                                                      *)
(***************************************************************************)
EXTENDS HybridEvents, TLC

CONSTANTS
    MaxLength,    \* log prefixes are at most so long
    MaxEpoch,     \* epochs 0..MaxEpoch
    MaxDecided,   \* so many operations are decided in BFT epochs
    MaxAccepted,  \* so many results are recorded as accepted
    Why,          \* the reasons of their own for which replicas may abort
    Alarmable,    \* the replicas whose level may become High
    MaxSwings,    \* so many full swings of levels: up to High, or down for long enough
    Crashing      \* the replicas that may crash

VARIABLE
    swings        \* the number of full swings so far

MCVars == <<vars, event, swings>>

-----------------------------------------------------------------------------
(* Bounds that a configuration may replace *)

(* The terms of an epoch, and what leaders put into logs. *)
MayVote(i, t, c) == TRUE

(* Votes in the first epoch only. *)
FirstEpoch(i, t, c) == EpochOf(i) = 0

(* The operations that are decided: each once in an epoch. *)
MayDecide(v) == Last(<<EpochStartEntry(0)>> \o controlLog) # OperationEntry(v)

(* One operation in the first epoch, another in the next, and so on. *)
Turn == CHOOSE f \in [0..MaxEpoch -> Operation] : \A k, l \in 0..MaxEpoch : f[k] = f[l] => k = l
VoteInTurn(i, t, c) == c = <<Turn[EpochOf(i)]>>
DecideInTurn(v) == v = Turn[Epoch(controlLog)]

(* The results that are recorded as accepted. *)
MayNote(e, s) == TRUE
NoteInTurn(e, s) == Cardinality(accepted) = e /\ Len(s) = e + 1

(* The replicas that abort, and why. *)
MayAbort(i, w) == TRUE
OwnReasons(i, w) == w # "Joined"

AbortLocked(i, w) == w # "Joined" /\ locked[i] # Nothing

(* The replicas that execute the control log: one that learns late, or never, is slow. *)
MayLearn(i) == TRUE
NobodyLearns(i) == FALSE

MaySwing == swings < MaxSwings

MCInit == EventInit /\ swings = 0

(* One abort history for each outcome. *)
Outcome(S) == <<TakenOver(S), NextProtocol(S)>>
MCAbortHistories ==
    LET all == AbortHistories
    IN  {CHOOSE S \in all : Outcome(S) = o : o \in {Outcome(S) : S \in all}}

(* Switch-back votes of Byzantine replicas always count, so they may be in any epoch-start command; which correct ones    *)
(* are in it does not matter.                                                                                             *)
MCSwitchbackSets == {C \in SUBSET Replica : Cardinality(C) = SwitchbackQuorum /\ (Byzantine \subseteq C \/ C \subseteq Byzantine)}

MCNext ==
    \/ /\ \/ \E i \in Correct, t \in Term, c \in {d \in LogPrefixes : Len(d) <= MaxLength} : MayVote(i, t, c) /\ VoteEvent(i, t, c)
          \/ \E i \in Correct : \E s \in QCs(EpochOf(i)) : LockEvent(i, s.term, s.prefix)
          \/ /\ Cardinality(accepted) < MaxAccepted
             /\ \E e \in 0..Epoch(controlLog), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} :
                    MayNote(e, s) /\ AcceptEvent(e, t, s)
          \/ \E i \in Correct, w \in (Why \cap Reasons) \cup {"Joined"} : MayAbort(i, w) /\ AbortEvent(i, w)
          \/ /\ Epoch(controlLog) < MaxEpoch /\ Protocol(controlLog) = "Raft"
             /\ \E S \in MCAbortHistories : EndEpochEvent(S)
          \/ /\ Cardinality({k \in DOMAIN controlLog : ~IsSwitch(controlLog[k])}) < MaxDecided
             /\ \E v \in Operation : MayDecide(v) /\ DecideEvent(v)
          \/ Epoch(controlLog) < MaxEpoch /\ \E i \in Correct : VoteSwitchbackEvent(i)
          \/ Epoch(controlLog) < MaxEpoch /\ \E C \in MCSwitchbackSets : StartEpochEvent(C)
          \/ \E i \in Correct : MayLearn(i) /\ LearnEvent(i)
          \/ \E i \in Alarmable \cap Correct : LowerEvent(i)
          \/ \E i \in Alarmable \cap Correct : alarm[i] = "Cooldown" /\ RaiseEvent(i)
          \/ \E i \in Crashing \cap Correct : RestartEvent(i)
       /\ UNCHANGED swings
    \/ /\ MaySwing /\ swings' = swings + 1
       /\ \/ \E i \in Alarmable \cap Correct : alarm[i] = "Off" /\ RaiseEvent(i)
          \/ \E i \in Alarmable \cap Correct : CoolDownEvent(i)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == <<vars, swings>>

(* No guard distinguishes operations, correct replicas whose levels may change, or the other correct replicas.  Sound  *)
(* for safety, never used for liveness.  Either all correct replicas may crash, or none.                              *)
Symmetry == Permutations(Correct \cap Alarmable) \cup Permutations(Correct \ Alarmable) \cup Permutations(Operation)

(* For configurations in which operations take turns. *)
ReplicaSymmetry == Permutations(Correct \cap Alarmable) \cup Permutations(Correct \ Alarmable)

-----------------------------------------------------------------------------
(* The number of changes of protocol so far. *)
Turns == Cardinality({e \in 0..Epoch(controlLog) - 1 : Protocol(Beginning(e)) # Protocol(Beginning(e + 1))})

(* No flapping: if all replicas are correct and abort for threats only, each change of protocol needs a full swing of a  *)
(* level, and the first needs f + 1.  Holds because f + 1 that named a threat and a quorum of switch-back votes share a  *)
(* replica, and a replica votes to switch back only after its cooldown.                                                  *)
TurnsNeedSwings == Turns > 0 => Turns + MaxFaulty <= swings

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.  A model that reaches none of them would prove nothing.                      *)

NoBftEpoch  == Protocol(controlLog) = "Raft"
NoReturn    == \A k \in DOMAIN controlLog : controlLog[k].kind # "StartEpoch"
(* Clients accept something new in each of three epochs. *)
NotAcceptedInEach ==
    ~ \E b, d, g \in accepted :
        /\ b.epoch = 0 /\ d.epoch = 1 /\ g.epoch = 2
        /\ Len(b.state) < Len(d.state) /\ Len(d.state) < Len(g.state)
(* A replica replaces its locked prefix by another one, of a later term. *)
NoRollback  == [][\A i \in Correct : EpochOf(i) = Epoch(known'[i]) => IsPrefix(locked[i].prefix, locked'[i].prefix)]_vars
(* A prefix that a replica locked is not taken over. *)
NoLoss      == \A a \in answers : \A p \in Prefixes(controlLog) : Epoch(p) > a.epoch => IsPrefix(a.state, State(p))
(* The abort of a Byzantine replica holds the QC that decides what is taken over. *)
NoByzantineAbort ==
    [][event'.action = "EndEpoch" =>
           \A s \in event'.aborts : s.node \in Correct \/ TakenOver(event'.aborts \ {s}) = TakenOver(event'.aborts)]_MCVars
(* An operation is in the logs of two epochs. *)
NotAskedTwice == \A a, b \in votes : a.epoch < b.epoch => \A k \in DOMAIN a.prefix, l \in DOMAIN b.prefix : a.prefix[k] # b.prefix[l]
(* A replica has not learned of the last two switches. *)
NoLaggard   == \A i \in Correct : EpochOf(i) + 2 > Epoch(controlLog)
(* An operation that no client accepted, or could accept, is taken over. *)
NoUnacceptedTakenOver ==
    controlLog # <<>> => State(<<controlLog[1]>>) = <<>> \/ \E d \in Acceptable : IsPrefix(State(<<controlLog[1]>>), d.state)
(* f + 1 correct replicas named an attack, and the next epoch is Raft all the same: others are in the abort history. *)
NoAlarmPassedOver ==
    \A e \in 0..Epoch(controlLog) - 1 :
        EndOf(e).kind = "EndEpoch" /\ EndOf(e).protocol = "Raft" => Cardinality(Named({s \in aborts : s.epoch = e})) <= MaxFaulty
(* One correct replica that stays alarmed and one Byzantine one cause change after change. *)
NoThirdTurn == Turns < 3
(* A Raft epoch starts although all correct replicas are alarmed by then: a switch-back vote cannot be withdrawn. *)
NoReturnInWar == [][event'.action = "StartEpoch" => \E i \in Correct : alarm[i] # "On"]_MCVars
=============================================================================
