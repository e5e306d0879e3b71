------------------------------ MODULE MCBarrier ------------------------------
(***************************************************************************)
(* Barriers made finite for TLC.  Every bound is a guard on an action;     *)
(* none is a state constraint.                                             *)
(***************************************************************************)
EXTENDS BarrierEvents, TLC

CONSTANTS
    c1, c2, a1, a2,   \* coordinators and agents; a configuration uses some of them
    none,
    MaxLog,       \* so many decisions
    MaxFences,    \* so many of them are fences
    MaxVersion,   \* owners write up to this version by themselves
    MaxGen,       \* nodes live so often
    Writer,       \* the nodes that write by themselves
    Actor,        \* those that act
    Asker,        \* those that ask how long the log is, so that they may act or draw
    Mortal,       \* those that crash
    Drawn,        \* the owners that decisions are drawn about
    Opener        \* the coordinators that open barriers

MCVars == <<vars, event>>

Fences == Cardinality({i \in 1..Len(log) : log[i] = Fence})

MayWrite(n)   == n \in Writer /\ copy[n][n].version < MaxVersion
MayCommit(e)  == Len(log) < MaxLog /\ (e = Fence => Fences < MaxFences)
(* A node is told once in each life, unless the log has grown; and says each thing once. *)
MayWelcome(n) == n \in Asker /\ floor[n] = NotJoined /\ ~\E w \in welcomes : w.node = n /\ w.gen = gen[n]
MayRestart(n) == gen[n] < MaxGen /\ n \in Mortal
(* Who acts, opens or draws hears what it needs for that. *)
MayHear(n, s) == n \in Actor \cup Opener \/ (n \in Asker /\ s.owner \in Drawn)
HearsAll(n, s) == TRUE
MayAck(n)     == n \notin Opener /\ [node |-> n, gen |-> gen[n], index |-> applied[n]] \notin acks
NoAck(n)      == FALSE

MCInit == EventInit

MCNext ==
    \/ \E n \in Node :
           \/ MayWrite(n) /\ WriteEvent(n)
           \/ MayWelcome(n) /\ WelcomeEvent(n, gen[n])
           \/ MayRestart(n) /\ RestartEvent(n)
           \/ Opener # {} /\ MayAck(n) /\ AckEvent(n)
           \/ \E s \in said : MayHear(n, s) /\ HearEvent(n, s)
           \/ n \in Actor /\ \E o \in Node : ActEvent(n, o)
           \/ \E k \in 1..Len(log) : ApplyEvent(n, k)
           \/ \E w \in welcomes : JoinEvent(n, w)
    \/ \E c \in Coordinator : \E o \in Drawn : Decision(o, copy[c][o]) \notin proposed /\ ProposeEvent(c, o)
    \/ \E c \in Opener :
           \/ barrier[c] = NoBarrier /\ OpenEvent(c)
           \/ TimeOutEvent(c)
           \/ \E a \in acks : CountEvent(c, a)
    \/ \E e \in proposed \cup {Fence} : MayCommit(e) /\ CommitEvent(e)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == vars

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.                                                                              *)

NeverPassed  == \A c \in Coordinator : barrier[c].status # "passed"
NeverUnknown == \A c \in Coordinator : barrier[c].status # "unknown"
(* An acknowledgement comes after the time-out. *)
NeverTooLate ==
    \A c \in Coordinator : barrier[c].status = "unknown" =>
        \A n \in DOMAIN barrier[c].expected : \A a \in acks : a.node = n => a.index < barrier[c].index
(* A barrier passes by the acknowledgement of a later life than the one that was known. *)
NeverByALaterLife ==
    \A c \in Coordinator : barrier[c].status = "passed" => \A n \in DOMAIN barrier[c].expected : gen[n] = barrier[c].expected[n]
(* An acknowledgement of an earlier life is there while a barrier waits for the later one. *)
NeverOfAnEarlierLife ==
    \A c \in Coordinator : barrier[c].status = "open" =>
        \A a \in acks : a.node \in DOMAIN barrier[c].expected => a.gen >= barrier[c].expected[a.node] \/ a.index < barrier[c].index
(* A decision is refused: the log has one after the other, and the first one counts. *)
NeverRefused ==
    \A n \in Node : \A i, j \in 1..applied[n] :
        i < j /\ log[i] # Fence /\ log[j] # Fence => log[i].owner # log[j].owner \/ ~IsLater(log[i], log[j])
(* A node is behind what it has heard. *)
NeverBehind == \A n, o \in Node : copy[n][o].index <= applied[n]
(* A node has a record that is older than the fence that it has applied. *)
NeverOld == \A n, o \in Node : o # n /\ copy[n][o].gen > 0 => copy[n][o].index >= FenceAt(applied[n])
(* A node acts on a record that its owner renewed at a fence. *)
NeverRenewed == \A n \in Node : acted[n] # Nothing => FenceAt(acted[n].rests) = 0
(* A node has come back and is welcome, and has not applied yet what it must. *)
NeverCatchesUp == \A n \in Node : gen[n] = 1 \/ floor[n] <= applied[n]
=============================================================================
