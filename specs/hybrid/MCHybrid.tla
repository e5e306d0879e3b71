------------------------------ MODULE MCHybrid ------------------------------
(***************************************************************************)
(* The hybrid made finite for TLC.  Every bound is a guard on an action;   *)
(* none is a state constraint, so that every state counted is one reached  *)
(* within the bounds.                                                      *)
(***************************************************************************)
EXTENDS HybridEvents, TLC

CONSTANTS
    MaxLength,    \* chains are at most so long
    MaxEpoch,     \* epochs 0..MaxEpoch
    MaxDecided,   \* so many operations are decided in BFT epochs
    MaxBeliefs,   \* so often does a client note what it believes
    Why,          \* the reasons of their own for which replicas may stop
    Alarmable,    \* the replicas whose level may become High
    MaxSwings,    \* so often do levels go all the way: up to High, or down for long enough
    Crashing      \* the replicas that may crash

VARIABLE
    swings        \* how often they did so far

MCVars == <<vars, event, swings>>

-----------------------------------------------------------------------------
(* Bounds that a configuration may replace *)

(* Which terms there are in an epoch, and what leaders put into logs. *)
MayAck(i, t, c) == TRUE

(* Logs of the first epoch only. *)
FirstEpoch(i, t, c) == EpochOf(i) = 0

(* Which operations are decided: each once in an epoch. *)
MayDecide(v) == Last(<<OpenEntry(0)>> \o book) # OperationEntry(v)

(* One operation in the first epoch, another in the next, and so on. *)
Turn == CHOOSE f \in [0..MaxEpoch -> Operation] : \A k, l \in 0..MaxEpoch : f[k] = f[l] => k = l
AckInTurn(i, t, c) == c = <<Turn[EpochOf(i)]>>
DecideInTurn(v) == v = Turn[Epoch(book)]

(* What clients note. *)
MayNote(e, s) == TRUE
NoteInTurn(e, s) == Cardinality(believed) = e /\ Len(s) = e + 1

(* Which replicas stop, and why. *)
MayStop(i, w) == TRUE
OwnReasons(i, w) == w # "Joined"

StopHolding(i, w) == w # "Joined" /\ held[i] # Nothing

(* Which replicas execute the book: one that learns late, or never, is one that is slow. *)
MayLearn(i) == TRUE
NobodyLearns(i) == FALSE

MaySwing == swings < MaxSwings

MCInit == EventInit /\ swings = 0

(* Of the closes that come to the same, one. *)
Outcome(S) == <<TakenOver(S), NextProtocol(S)>>
MCCloses ==
    LET all == CloseSets
    IN  {CHOOSE S \in all : Outcome(S) = o : o \in {Outcome(S) : S \in all}}

(* Calms of Byzantine replicas count anyway, so that they may be among those of any open; and which correct ones are does *)
(* not matter.                                                                                                          *)
MCOpens == {C \in SUBSET Replica : Cardinality(C) = CalmQuorum /\ (Byzantine \subseteq C \/ C \subseteq Byzantine)}

MCNext ==
    \/ /\ \/ \E i \in Correct, t \in Term, c \in {d \in Chains : Len(d) <= MaxLength} : MayAck(i, t, c) /\ AckEvent(i, t, c)
          \/ \E i \in Correct : \E s \in Seals(EpochOf(i)) : HoldEvent(i, s.term, s.chain)
          \/ /\ Cardinality(believed) < MaxBeliefs
             /\ \E e \in 0..Epoch(book), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} :
                    MayNote(e, s) /\ BelieveEvent(e, t, s)
          \/ \E i \in Correct, w \in (Why \cap Reasons) \cup {"Joined"} : MayStop(i, w) /\ StopEvent(i, w)
          \/ /\ Epoch(book) < MaxEpoch /\ Protocol(book) = "Raft"
             /\ \E S \in MCCloses : CloseEvent(S)
          \/ /\ Cardinality({k \in DOMAIN book : ~IsSwitch(book[k])}) < MaxDecided
             /\ \E v \in Operation : MayDecide(v) /\ DecideEvent(v)
          \/ Epoch(book) < MaxEpoch /\ \E i \in Correct : CalmEvent(i)
          \/ Epoch(book) < MaxEpoch /\ \E C \in MCOpens : OpenEvent(C)
          \/ \E i \in Correct : MayLearn(i) /\ LearnEvent(i)
          \/ \E i \in Alarmable \cap Correct : LowerEvent(i)
          \/ \E i \in Alarmable \cap Correct : mood[i] = "Uneasy" /\ RaiseEvent(i)
          \/ \E i \in Crashing \cap Correct : RestartEvent(i)
       /\ UNCHANGED swings
    \/ /\ MaySwing /\ swings' = swings + 1
       /\ \/ \E i \in Alarmable \cap Correct : mood[i] = "Calm" /\ RaiseEvent(i)
          \/ \E i \in Alarmable \cap Correct : DwellEvent(i)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == <<vars, swings>>

(* No guard tells operations apart, nor correct replicas whose levels may change, nor the others; sound for safety,   *)
(* never used for liveness.  Of those that may crash there are all correct ones, or none.                             *)
Symmetry == Permutations(Correct \cap Alarmable) \cup Permutations(Correct \ Alarmable) \cup Permutations(Operation)

(* Where operations take turns. *)
ReplicaSymmetry == Permutations(Correct \cap Alarmable) \cup Permutations(Correct \ Alarmable)

-----------------------------------------------------------------------------
(* Switches of the protocol so far. *)
Turns == Cardinality({e \in 0..Epoch(book) - 1 : Protocol(Beginning(e)) # Protocol(Beginning(e + 1))})

(* No flapping: where all are correct and stop for threats only, each turn but the first needs a level that went all the  *)
(* way, and the first f + 1 of them.  Holds because f + 1 who named a threat and a quorum that was calm share a replica, *)
(* and one that is calm has dwelt.                                                                                      *)
TurnsNeedSwings == Turns > 0 => Turns + MaxFaulty <= swings

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.  A model that reaches none of them would prove nothing.                      *)

NoBftEpoch  == Protocol(book) = "Raft"
NoReturn    == \A k \in DOMAIN book : book[k].kind # "Open"
(* Clients believe something new in each of three epochs. *)
NotBelievedInEach ==
    ~ \E b, d, g \in believed :
        /\ b.epoch = 0 /\ d.epoch = 1 /\ g.epoch = 2
        /\ Len(b.state) < Len(d.state) /\ Len(d.state) < Len(g.state)
(* A chain that a replica held gives way to another one, of a later term. *)
NoRollback  == [][\A i \in Correct : EpochOf(i) = Epoch(known'[i]) => IsPrefix(held[i].chain, held'[i].chain)]_vars
(* A chain that a replica held is not taken over. *)
NoLoss      == \A a \in answers : \A p \in Prefixes(book) : Epoch(p) > a.epoch => IsPrefix(a.state, State(p))
(* A close for which a Byzantine replica signed, with the seal that decides what is taken over. *)
NoByzantineStop ==
    [][event'.action = "Close" =>
           \A s \in event'.stops : s.node \in Correct \/ TakenOver(event'.stops \ {s}) = TakenOver(event'.stops)]_MCVars
(* An operation is in a log of one epoch and in one of the next. *)
NotAskedTwice == \A a, b \in acks : a.epoch < b.epoch => \A k \in DOMAIN a.chain, l \in DOMAIN b.chain : a.chain[k] # b.chain[l]
(* A replica has not learned of the last two switches. *)
NoLaggard   == \A i \in Correct : EpochOf(i) + 2 > Epoch(book)
(* What nobody believed, nor could, is taken over from one replica. *)
NoUnbelievedTakenOver ==
    book # <<>> => State(<<book[1]>>) = <<>> \/ \E d \in Believable : IsPrefix(State(<<book[1]>>), d.state)
(* f + 1 correct replicas named an attack, and the next epoch is Raft all the same: others were heard. *)
NoAlarmPassedOver ==
    \A e \in 0..Epoch(book) - 1 :
        EndOf(e).kind = "Close" /\ EndOf(e).protocol = "Raft" => Cardinality(Named({s \in stops : s.epoch = e})) <= MaxFaulty
(* One correct replica that is alarmed for ever and one Byzantine one bring about turn after turn. *)
NoThirdTurn == Turns < 3
=============================================================================
