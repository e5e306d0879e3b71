------------------------------- MODULE Barrier -------------------------------
(***************************************************************************)
(* The consistency barrier between the decisions of Raft and the state     *)
(* that spreads by gossip.                                                 *)
(*                                                                         *)
(* Sources: adr-102, "Consistency Barriers: Explicit synchronization       *)
(* points between protocols", which says no more; the design is that of    *)
(* Cassandra's transactional cluster metadata (CEP-21), where messages     *)
(* carry the epoch of the log that they rest on.                           *)
(*                                                                         *)
(* What is assumed of Raft (specs/raft) is `log`: decisions in one order,  *)
(* which only grow, and a read of how long it is.  Of gossip (specs/gossip)*)
(* it is assumed that any state which an owner ever had may arrive         *)
(* anywhere, late, twice, in any order or never: `said`.                   *)
(*                                                                         *)
(* A record says what its owner is like, and carries the index of the last *)
(* decision that its owner had applied, on which it rests.  Nodes act on   *)
(* records, coordinators draw decisions from them, by five rules:          *)
(*                                                                         *)
(*  - Who has not applied what a record rests on acts on it only after it  *)
(*    has fetched that.                                                    *)
(*  - A fence is a decision that makes all records older which rest on     *)
(*    less: nobody who has applied it acts on them.  Owners renew theirs.  *)
(*  - A decision that is drawn from a record names the version read, and   *)
(*    all replicas refuse it if the log knows a later one by then.         *)
(*  - A node that comes back has forgotten what it had applied.  It acts   *)
(*    only after it has applied as much as Raft had decided when it came.  *)
(*  - A barrier is passed when all those concerned acknowledged that they  *)
(*    applied its fence, none of them in an earlier life than the one that *)
(*    is known; and it ends as unknown, never as passed, at its time-out.  *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Node,         \* all nodes
    Coordinator,  \* those of them that draw decisions and open barriers
    Nothing       \* no record

ASSUME Coordinator \subseteq Node

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    log,       \* the decisions, in Raft's order
    proposed,  \* the decisions that coordinators proposed; each may be lost, late, or decided twice
    said,      \* all records that owners ever had
    welcomes,  \* answers to nodes that came back: [node, gen, index]
    acks,      \* acknowledgements: [node, gen, index]
    \* Of each node:
    gen,       \* its generation, which survives a crash
    floor,     \* how much it must have applied before it acts; NotJoined before it is told
    applied,   \* how many decisions it has applied
    known,     \* owner -> the generation and version that the decisions applied so far know of
    copy,      \* owner -> its record, as far as gossip has brought it
    acted,     \* the record on which it acted last, with its owner; Nothing
    \* Of each coordinator:
    barrier    \* its last barrier: [index, expected, acked, status]

vars == <<log, proposed, said, welcomes, acks, gen, floor, applied, known, copy, acted, barrier>>

NotJoined == -1
NoRecord  == [gen |-> 0, version |-> 0, index |-> 0, rests |-> 0]
NoVersion == [gen |-> 0, version |-> 0]
NoBarrier == [index |-> 0, expected |-> << >>, acked |-> {}, status |-> "none"]

FirstRecord(g) == [gen |-> g, version |-> 0, index |-> 0, rests |-> 0]
Said(n, r)     == [owner |-> n, gen |-> r.gen, version |-> r.version, index |-> r.index, rests |-> r.rests]
WithoutOwner(s) == [gen |-> s.gen, version |-> s.version, index |-> s.index, rests |-> s.rests]

Fence     == [type |-> "Fence"]
Decision(o, r) == [type |-> "Decide", owner |-> o, gen |-> r.gen, version |-> r.version]

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

IsLater(r, s) == r.gen > s.gen \/ (r.gen = s.gen /\ r.version > s.version)

(* A record replaces an older one. *)
IsNews(n, s) == IsLater(s, copy[n][s.owner])

(* The index that an owner writes into its record; `rests` is the truth. *)
Index(k) == k

(* The last fence among the first k decisions; 0 if there is none. *)
FenceAt(k) == LET fences == {0} \cup {i \in 1..k : log[i] = Fence} IN CHOOSE i \in fences : \A j \in fences : j <= i

(* A node in this life knows enough of the past. *)
IsReady(n) == floor[n] # NotJoined /\ applied[n] >= floor[n]

(* It has applied what the record rests on. *)
HasApplied(n, r) == r.index <= applied[n]

(* The record is no older than the last fence. *)
IsFresh(n, r) == r.index >= FenceAt(applied[n])

MayAct(n, r) == r.gen > 0 /\ IsReady(n) /\ HasApplied(n, r) /\ IsFresh(n, r)

(* A coordinator draws decisions from what it may act on. *)
MayDraw(c, r) == MayAct(c, r)

(* Replica n, with `table` known, takes a decision: the log does not know its owner in a later version. *)
MayTake(n, table, e) == ~IsLater(table[e.owner], e)

(* An owner renews its record when it applies a fence. *)
Renews(n, k) == FenceAt(k) > applied[n]

(* An answer to a node is for this life. *)
IsWelcome(n, w) == w.gen = gen[n]

(* An acknowledgement is of the life that the coordinator knew of, or a later one, and of enough. *)
IsOfThisLife(b, a) == a.gen >= b.expected[a.node]
IsEnough(b, a)     == a.index >= b.index

(* The barrier still counts. *)
MayCount(b) == b.status = "open"

(* How many acknowledgements it takes. *)
HasAll(b, acked) == acked = DOMAIN b.expected

(* How a barrier ends at its time-out. *)
AtTimeOut == "unknown"

-----------------------------------------------------------------------------
(* Owners, and gossip *)

(* The state of an owner has changed. *)
Write(n) ==
    LET own == [copy[n][n] EXCEPT !.version = @ + 1, !.index = Index(applied[n]), !.rests = applied[n]]
    IN  /\ copy' = [copy EXCEPT ![n][n] = own]
        /\ said' = said \cup {Said(n, own)}
        /\ UNCHANGED <<log, proposed, welcomes, acks, gen, floor, applied, known, acted, barrier>>

(* Gossip brings a record. *)
Hear(n, s) ==
    /\ s.owner # n
    /\ IsNews(n, s)
    /\ copy' = [copy EXCEPT ![n][s.owner] = WithoutOwner(s)]
    /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, floor, applied, known, acted, barrier>>

(* A node acts on what it knows of another one. *)
Act(n, o) ==
    /\ o # n
    /\ MayAct(n, copy[n][o])
    /\ acted' = [acted EXCEPT ![n] = Said(o, copy[n][o])]
    /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, floor, applied, known, copy, barrier>>

-----------------------------------------------------------------------------
(* Decisions *)

(* A coordinator compares what gossip says with what the log knows, owner by owner, and proposes to decide    *)
(* on what differs.  It does so from time to time, whatever it has proposed before.                           *)
Differs(c, o) == IsLater(copy[c][o], known[c][o])

Propose(c, o) ==
    /\ MayDraw(c, copy[c][o])
    /\ Differs(c, o)
    /\ proposed' = proposed \cup {Decision(o, copy[c][o])}
    /\ UNCHANGED <<log, said, welcomes, acks, gen, floor, applied, known, copy, acted, barrier>>

(* Raft decides: what was proposed, or a fence, which an operator may want at any time. *)
Commit(e) ==
    /\ e \in proposed \cup {Fence}
    /\ log' = Append(log, e)
    /\ UNCHANGED <<proposed, said, welcomes, acks, gen, floor, applied, known, copy, acted, barrier>>

Taken(n, table, e) ==
    IF e.type = "Decide" /\ MayTake(n, table, e)
    THEN [table EXCEPT ![e.owner] = [gen |-> e.gen, version |-> e.version]]
    ELSE table

RECURSIVE KnownAt(_, _)
KnownAt(n, k) == IF k <= applied[n] THEN known[n] ELSE Taken(n, KnownAt(n, k - 1), log[k])

(* A node applies decisions up to k: one after the other from Raft, or it fetches what they come to. *)
Apply(n, k) ==
    LET own == [copy[n][n] EXCEPT !.version = @ + 1, !.index = Index(k), !.rests = k]
    IN  /\ k \in applied[n] + 1..Len(log)
        /\ applied' = [applied EXCEPT ![n] = k]
        /\ known' = [known EXCEPT ![n] = KnownAt(n, k)]
        /\ IF Renews(n, k)
           THEN copy' = [copy EXCEPT ![n][n] = own] /\ said' = said \cup {Said(n, own)}
           ELSE UNCHANGED <<copy, said>>
        /\ UNCHANGED <<log, proposed, welcomes, acks, gen, floor, acted, barrier>>

-----------------------------------------------------------------------------
(* Lives *)

(* A node that asks, or asked in an earlier life, is told how long the log is, by a linearizable read. *)
Welcome(n, g) ==
    /\ g \in 1..gen[n]
    /\ welcomes' = welcomes \cup {[node |-> n, gen |-> g, index |-> Len(log)]}
    /\ UNCHANGED <<log, proposed, said, acks, gen, floor, applied, known, copy, acted, barrier>>

Join(n, w) ==
    /\ w \in welcomes
    /\ w.node = n
    /\ floor[n] = NotJoined
    /\ IsWelcome(n, w)
    /\ floor' = [floor EXCEPT ![n] = w.index]
    /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, applied, known, copy, acted, barrier>>

(* A node comes back with its generation, and nothing else. *)
Restart(n) ==
    LET own == FirstRecord(gen[n] + 1)
    IN  /\ gen' = [gen EXCEPT ![n] = @ + 1]
        /\ floor' = [floor EXCEPT ![n] = NotJoined]
        /\ applied' = [applied EXCEPT ![n] = 0]
        /\ known' = [known EXCEPT ![n] = [o \in Node |-> NoVersion]]
        /\ copy' = [copy EXCEPT ![n] = [o \in Node |-> IF o = n THEN own ELSE NoRecord]]
        /\ said' = said \cup {Said(n, own)}
        /\ acted' = [acted EXCEPT ![n] = Nothing]
        /\ barrier' = [c \in Coordinator |-> IF c = n THEN NoBarrier ELSE barrier[c]]
        /\ UNCHANGED <<log, proposed, welcomes, acks>>

-----------------------------------------------------------------------------
(* Barriers *)

(* Those that a barrier waits for. *)
Concerned(c) == Node \ {c}

(* The generation of a node of which nothing is known yet is the first at least. *)
Expected(c, n) == IF copy[c][n].gen = 0 THEN 1 ELSE copy[c][n].gen

(* A coordinator opens a barrier at the last fence that it has applied. *)
Open(c) ==
    /\ FenceAt(applied[c]) > 0
    /\ barrier[c].status # "open"
    /\ barrier' = [barrier EXCEPT ![c] = [index |-> FenceAt(applied[c]), expected |-> [n \in Concerned(c) |-> Expected(c, n)],
                                          acked |-> {}, status |-> "open"]]
    /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, floor, applied, known, copy, acted>>

(* A node says what it has applied. *)
Ack(n) ==
    /\ acks' = acks \cup {[node |-> n, gen |-> gen[n], index |-> applied[n]]}
    /\ UNCHANGED <<log, proposed, said, welcomes, gen, floor, applied, known, copy, acted, barrier>>

(* An acknowledgement arrives that counts. *)
Count(c, a) ==
    LET b     == barrier[c]
        acked == b.acked \cup {a.node}
    IN  /\ a \in acks
        /\ MayCount(b)
        /\ a.node \in DOMAIN b.expected \ b.acked
        /\ IsOfThisLife(b, a)
        /\ IsEnough(b, a)
        /\ barrier' = [barrier EXCEPT ![c] = [b EXCEPT !.acked = acked, !.status = IF HasAll(b, acked) THEN "passed" ELSE @]]
        /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, floor, applied, known, copy, acted>>

TimeOut(c) ==
    /\ barrier[c].status = "open"
    /\ barrier' = [barrier EXCEPT ![c].status = AtTimeOut]
    /\ UNCHANGED <<log, proposed, said, welcomes, acks, gen, floor, applied, known, copy, acted>>

-----------------------------------------------------------------------------

Init ==
    /\ log = << >>
    /\ proposed = {}
    /\ said = {Said(n, FirstRecord(1)) : n \in Node}
    /\ welcomes = {}
    /\ acks = {}
    /\ gen = [n \in Node |-> 1]
    /\ floor = [n \in Node |-> NotJoined]
    /\ applied = [n \in Node |-> 0]
    /\ known = [n \in Node |-> [o \in Node |-> NoVersion]]
    /\ copy = [n \in Node |-> [o \in Node |-> IF o = n THEN FirstRecord(1) ELSE NoRecord]]
    /\ acted = [n \in Node |-> Nothing]
    /\ barrier = [c \in Coordinator |-> NoBarrier]

Next ==
    \/ \E n \in Node :
           \/ Write(n) \/ Restart(n) \/ Ack(n)
           \/ \E g \in 1..gen[n] : Welcome(n, g)
           \/ \E s \in said : Hear(n, s)
           \/ \E o \in Node : Act(n, o)
           \/ \E k \in 1..Len(log) : Apply(n, k)
           \/ \E w \in welcomes : Join(n, w)
    \/ \E c \in Coordinator :
           \/ \E o \in Node : Propose(c, o)
           \/ Open(c) \/ TimeOut(c)
           \/ \E a \in acks : Count(c, a)
    \/ \E e \in proposed \cup {Fence} : Commit(e)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsRecord(r) == r.gen \in Nat /\ r.version \in Nat /\ r.index \in 0..Len(log) /\ r.rests \in 0..Len(log)

TypeOK ==
    /\ \A s \in said : s.owner \in Node /\ IsRecord(s)
    /\ \A e \in proposed : e.type = "Decide" /\ e.owner \in Node
    /\ \A i \in 1..Len(log) : log[i] = Fence \/ log[i] \in proposed
    /\ \A a \in acks \cup welcomes : a.node \in Node /\ a.gen <= gen[a.node] /\ a.index \in 0..Len(log)
    /\ \A n \in Node :
           /\ gen[n] \in Nat \ {0} /\ applied[n] \in 0..Len(log) /\ floor[n] \in {NotJoined} \cup 0..Len(log)
           /\ \A o \in Node : IsRecord(copy[n][o]) /\ known[n][o].gen \in Nat /\ known[n][o].version \in Nat
           /\ copy[n][n].gen = gen[n]
    /\ \A c \in Coordinator :
           /\ barrier[c].status \in {"none", "open", "passed", "unknown"}
           /\ barrier[c].acked \subseteq DOMAIN barrier[c].expected

(* Replicas that applied the same decisions took and refused the same. *)
SameDecisions == \A n, m \in Node : applied[n] = applied[m] => known[n] = known[m]

(* When a barrier has passed, all those concerned have applied its fence: each in the life that the coordinator knew *)
(* of, unless it has begun another one since.                                                                        *)
PassedImpliesApplied ==
    \A c \in Coordinator : barrier[c].status = "passed" =>
        \A n \in DOMAIN barrier[c].expected : gen[n] <= barrier[c].expected[n] => applied[n] >= barrier[c].index

-----------------------------------------------------------------------------
(* Properties of steps *)

ActsNow(n) == acted'[n] # acted[n] /\ acted'[n] # Nothing

(* Nobody acts on what rests on a decision that it has not applied. *)
NoActionBeforeDecision == [][\A n \in Node : ActsNow(n) => acted'[n].rests <= applied[n]]_vars

(* Who has applied a fence acts on nothing that is older. *)
NoActionOnOldGossip == [][\A n \in Node : ActsNow(n) => acted'[n].rests >= FenceAt(applied[n])]_vars

(* Once a barrier has passed, nobody concerned acts on anything that is older than its fence, in whatever life. *)
BehindBarrier ==
    [][\A c \in Coordinator : barrier[c].status = "passed" =>
           \A n \in DOMAIN barrier[c].expected : ActsNow(n) => acted'[n].rests >= barrier[c].index]_vars

(* A decision is drawn by somebody who has applied what it rests on. *)
NoDecisionWhileBehind ==
    [][\A e \in proposed' \ proposed : \E c \in Coordinator :
           LET r == copy[c][e.owner]
           IN  Decision(e.owner, r) = e /\ IsReady(c) /\ r.rests <= applied[c] /\ r.rests >= FenceAt(applied[c])]_vars

(* No decision takes effect that was drawn from an older state of its owner than one before it. *)
NoStaleDecision ==
    [][\A n \in Node : applied'[n] > applied[n] => \A o \in Node : ~IsLater(known[n][o], known'[n][o])]_vars

(* Within a life copies only become newer. *)
CopiesGrow == [][\A n \in Node : gen'[n] = gen[n] => \A o \in Node : ~IsLater(copy[n][o], copy'[n][o])]_vars

(* A barrier that has ended stays as it ended, until its coordinator opens another one or crashes. *)
EndsOnce ==
    [][\A c \in Coordinator : barrier[c].status \in {"passed", "unknown"} =>
           barrier'[c] = barrier[c] \/ barrier'[c].status = "none" \/ (barrier'[c].status = "open" /\ barrier'[c].acked = {})]_vars
=============================================================================
