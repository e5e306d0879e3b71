------------------------------- MODULE Gossip -------------------------------
(***************************************************************************)
(* Anti-entropy by push-pull exchanges: each node owns some keys, all      *)
(* nodes keep copies of what the others own, and exchanges in pairs make   *)
(* the copies alike.  Failure detection rides on the same records.         *)
(*                                                                         *)
(* Sources: Demers et al., "Epidemic Algorithms for Replicated Database    *)
(* Maintenance" (PODC 1987), here "Demers"; van Renesse et al., "Efficient *)
(* Reconciliation and Flow Control for Anti-Entropy Protocols" (LADIS      *)
(* 2008), here "Scuttlebutt"; Das et al., "SWIM" (DSN 2002).               *)
(*                                                                         *)
(* Records.  Only its owner writes a key.  Each write takes the owner's    *)
(* next version, deletions too: a deleted key leaves a tombstone, a record *)
(* with the value Deleted.  An owner that restarts without memory counts   *)
(* its versions anew, in its next generation.  Tombstones are collected by *)
(* the owner alone, which records up to which version, the collection      *)
(* version `gc`.                                                           *)
(*                                                                         *)
(* An exchange has three messages (Scuttlebutt, 3.1).  Syn: what I have,   *)
(* as a digest.  Reply: what you lack, as a delta, and my own digest.      *)
(* Ack: what you lack.  A delta has the records above a version in order;  *)
(* it may be cut, and then it is a prefix (Scuttlebutt, 3.2).  Who may     *)
(* have missed a tombstone that is collected gets a delta from version 0   *)
(* on, which replaces its copy: a reset.                                   *)
(*                                                                         *)
(* The copies of different owners do not touch each other.  So an exchange *)
(* here speaks of one owner; a message that speaks of several is several   *)
(* of these.  Comparing hashes first only decides of which owners an       *)
(* exchange speaks, and so is no step here.                                *)
(*                                                                         *)
(* Failures.  Whom a node suspects, it says by a record of its own, under  *)
(* the name of the accused: at which generation and incarnation it knew    *)
(* it.  The accused refutes by the next incarnation, a record of its own   *)
(* under its own name.  Who knows of enough accusers, and of no refutation *)
(* in time, holds the accused for dead; later it forgets it, but for its   *)
(* generation.  Nobody writes of another's death anywhere but under its    *)
(* own name, so a liar can spoil its own keys only.                        *)
(*                                                                         *)
(* The network.  `messages` is the set of all messages ever sent.  One may *)
(* arrive late, twice, in any order or never; a partition is a time in     *)
(* which none arrives between its sides.                                   *)
(*                                                                         *)
(* Liars.  What a liar owns is not modelled, as nothing is promised of it. *)
(* Where there are some, owners sign each of their states as a whole, and  *)
(* deltas are not cut: a liar can hand on old states, and no others        *)
(* (`Hear`).  It may accuse anybody at any time (`Accusers`), and tell     *)
(* anybody that it is forgotten (`Mislead`).                               *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Node,            \* the nodes that follow the protocol
    Liar,            \* those that do not
    Key,             \* keys of the application
    Value,           \* what may be written
    Deleted,         \* the value of a tombstone
    AccusersNeeded   \* how many must suspect a node before it is held for dead; more than there are liars

ASSUME Deleted \notin Value /\ Node \cap Liar = {} /\ AccusersNeeded \in Nat \ {0}

VARIABLES
    copy,       \* copy[i][o]: what i has of owner o; its own keys, if i = o
    dead,       \* dead[i][o]: the level at which i holds o for dead; Never if it does not
    forgotten,  \* forgotten[i][o]: the last generation of o that i has forgotten; 0 if none
    messages,   \* all messages ever sent
    history     \* all states that owners ever had of their keys

vars == <<copy, dead, forgotten, messages, history>>

-----------------------------------------------------------------------------
(* Copies *)

Max(m, n) == IF m > n THEN m ELSE n

Unknown == [gen |-> 0, gc |-> 0, max |-> 0, recs |-> {}]

IsTombstone(r) == r.value = Deleted

(* The records with another one in place of that of its key. *)
Replaced(recs, new) == {r \in recs : \A n \in new : n.key # r.key} \cup new

(* What is left once tombstones up to a version are collected. *)
Collected(recs, gc) == {r \in recs : ~(IsTombstone(r) /\ r.version <= gc)}

ValueOf(c, k, none) == IF \E r \in c.recs : r.key = k /\ ~IsTombstone(r)
                       THEN (CHOOSE r \in c.recs : r.key = k).value ELSE none

-----------------------------------------------------------------------------
(* Levels: generation and incarnation, in this order *)

Never == <<0, 0>>

AtMost(l, m) == l[1] < m[1] \/ (l[1] = m[1] /\ l[2] <= m[2])

(* The level at which i knows o.  Its incarnation is in the value of o's own key o. *)
Level(i, o) == <<copy[i][o].gen, ValueOf(copy[i][o], o, Never)[2]>>

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

(* What is said of an owner in a digest. *)
Digest(i, o) ==
    IF copy[i][o] = Unknown
    THEN [gen |-> forgotten[i][o], gc |-> 0, max |-> 0, gone |-> forgotten[i][o] > 0]
    ELSE [gen |-> copy[i][o].gen, gc |-> copy[i][o].gc, max |-> copy[i][o].max, gone |-> FALSE]

(* Whether a copy has something for whoever sent this digest. *)
HasMore(s, e) ==
    \/ s.gen > e.gen
    \/ s.gen = e.gen /\ ~e.gone /\ (s.max > e.max \/ s.gc > e.gc)

(* Where a delta for it begins.  A copy that does not reach up to the collection version may lack a tombstone *)
(* that is there no more.                                                                                    *)
MayLackTombstone(s, e) == s.gc > e.gc /\ s.gc > e.max

From(s, e) == IF e.gen # s.gen \/ MayLackTombstone(s, e) THEN 0 ELSE e.max

(* A delta goes up to the last version, or is cut behind some record of it that others follow. *)
Whole(s, f)   == Max(s.max, f)
Above(s, f)   == {r.version : r \in {x \in s.recs : x.version > f}}
Cuts(s, f)    == {Whole(s, f)} \cup {v \in Above(s, f) : \E w \in Above(s, f) : v < w}

(* What a cut leaves, and how far a delta says that it goes. *)
IsWithin(r, f, m)  == r.version > f /\ r.version <= m
Reach(s, f, m)     == m

(* Records are passed on as they are: owners sign them. *)
Passed(r) == r

DeltasFor(s, e) ==
    LET f == From(s, e)
    IN  {[gen |-> s.gen, from |-> f, upto |-> Reach(s, f, m), gc |-> s.gc, 
             recs |-> {Passed(r) : r \in {q \in s.recs : IsWithin(q, f, m)}}] : m \in Cuts(s, f)}

(* Whether a generation may be taken: of what is forgotten none may come back. *)
MayTakeGeneration(i, o, d) == d.gen > forgotten[i][o]

(* There is no gap between copy and delta. *)
Connects(c, d) == d.from <= c.max

(* In one generation a delta is applied, if no collected tombstone can be missing between the two:            *)
(*  - whose sender has collected as far as this copy, or further and no further than this copy reaches;       *)
(*  - whose sender has collected less, unless this copy is within a reset and so does not reach up to its     *)
(*    own collection version: then a record that the sender still has may be one that was deleted since.      *)
MayApply(c, d) ==
    /\ d.gen = c.gen
    /\ Connects(c, d)
    /\ IF d.gc >= c.gc THEN d.gc = c.gc \/ d.gc <= c.max ELSE c.max >= c.gc

(* Else it replaces the copy, if it is whole from below and the copy is older. *)
MayReset(c, d) == d.from = 0 /\ (d.gen > c.gen \/ (d.gen = c.gen /\ d.gc > c.gc))

(* What a copy takes of a delta, and what it drops as the owner has collected it. *)
IsNews(c, r)  == r.version > c.max
Left(recs, gc) == Collected(recs, gc)

Applied(c, d) ==
    LET gc == Max(c.gc, d.gc)
    IN  [gen |-> c.gen, gc |-> gc, max |-> Max(c.max, d.upto), recs |-> Left(Replaced(c.recs, {r \in d.recs : IsNews(c, r)}), gc)]

(* A reset leaves nothing of the copy. *)
AfterReset(c, d) == d.recs

Merged(i, o, d) ==
    LET c == copy[i][o]
    IN  CASE i = o \/ ~MayTakeGeneration(i, o, d) -> c
          [] MayApply(c, d) -> Applied(c, d)
          [] MayReset(c, d) -> [gen |-> d.gen, gc |-> d.gc, max |-> d.upto, recs |-> AfterReset(c, d)]
          [] OTHER -> c

(* An owner collects up to a tombstone of its own. *)
MayCollect(o, v) == v > copy[o][o].gc /\ \E r \in copy[o][o].recs : IsTombstone(r) /\ r.version = v

(* Those who, as far as i knows, suspect o at what i knows of it or later; liars may always. *)
Accusers(i, o) ==
    {j \in Node \ {o} : AtMost(Level(i, o), ValueOf(copy[i][j], o, Never))} \cup Liar

IsAccused(i, o) == Cardinality(Accusers(i, o)) >= AccusersNeeded

(* What a node remembers of whom it forgets, and keeps in a crash. *)
Remembered(c)      == c.gen
KeptOfForgotten(i) == forgotten[i]

(* A node is accused at this level, which it then outdoes. *)
Outdone(l) == <<l[1], l[2] + 1>>

(* The generation of a restart. *)
NextGeneration(g) == g + 1

(* The generation in which an owner comes back that reads that it is forgotten. *)
Returning(g) == g + 1

-----------------------------------------------------------------------------
(* An owner and its keys *)

(* Owner o has this state of its keys from now on, and signs it. *)
State(o, c) == [owner |-> o, gen |-> c.gen, gc |-> c.gc, max |-> c.max, recs |-> c.recs]
Owns(o, c)  == copy' = [copy EXCEPT ![o][o] = c] /\ history' = history \cup {State(o, c)}

(* Owner o writes under a key of its own. *)
Put(o, k, x) ==
    LET c == copy[o][o]
        r == [key |-> k, version |-> c.max + 1, value |-> x]
    IN  Owns(o, [c EXCEPT !.max = @ + 1, !.recs = Replaced(@, {r})])

Write(o, k, x) ==
    /\ Put(o, k, x)
    /\ UNCHANGED <<dead, forgotten, messages>>

Delete(o, k) ==
    /\ \E r \in copy[o][o].recs : r.key = k /\ ~IsTombstone(r)
    /\ Put(o, k, Deleted)
    /\ UNCHANGED <<dead, forgotten, messages>>

Collect(o, v) ==
    /\ MayCollect(o, v)
    /\ Owns(o, [copy[o][o] EXCEPT !.gc = v, !.recs = Collected(@, v)])
    /\ UNCHANGED <<dead, forgotten, messages>>

-----------------------------------------------------------------------------
(* Exchanges *)

Syn(i, j, o) == [type |-> "Syn", source |-> i, dest |-> j, owner |-> o, digest |-> Digest(i, o)]

NoDelta == [gen |-> 0, from |-> 0, upto |-> 0, gc |-> 0, recs |-> {}]

(* Node i begins an exchange with j about o. *)
Start(i, j, o) ==
    /\ i # j
    /\ messages' = messages \cup {Syn(i, j, o)}
    /\ UNCHANGED <<copy, dead, forgotten, history>>

(* The deltas that node i may send in answer to a digest: one, or none since there is no room for it. *)
Answers(i, o, e) == {NoDelta} \cup (IF HasMore(copy[i][o], e) THEN DeltasFor(copy[i][o], e) ELSE {})

(* Node i answers a Syn with what it has more, and its own digest. *)
HandleSyn(i, m, d) ==
    /\ m \in messages /\ m.type = "Syn" /\ m.dest = i
    /\ d \in Answers(i, m.owner, m.digest)
    /\ messages' = messages \cup {[type |-> "Reply", source |-> i, dest |-> m.source, owner |-> m.owner,
                                   digest |-> Digest(i, m.owner), delta |-> d]}
    /\ UNCHANGED <<copy, dead, forgotten, history>>

(* Node i merges what comes with a Reply, and answers with what it has more; or with nothing, the delta being NoDelta. *)
HandleReply(i, m, d) ==
    /\ m \in messages /\ m.type = "Reply" /\ m.dest = i
    /\ LET c == Merged(i, m.owner, m.delta)
       IN  /\ copy' = [copy EXCEPT ![i][m.owner] = c]
           /\ d \in {NoDelta} \cup (IF HasMore(c, m.digest) THEN DeltasFor(c, m.digest) ELSE {})
    /\ messages' = IF d = NoDelta THEN messages
                   ELSE messages \cup {[type |-> "Ack", source |-> i, dest |-> m.source, owner |-> m.owner, delta |-> d]}
    /\ UNCHANGED <<dead, forgotten, history>>

(* Node i merges what comes with an Ack. *)
HandleAck(i, m) ==
    /\ m \in messages /\ m.type = "Ack" /\ m.dest = i
    /\ copy' = [copy EXCEPT ![i][m.owner] = Merged(i, m.owner, m.delta)]
    /\ UNCHANGED <<dead, forgotten, messages, history>>

-----------------------------------------------------------------------------
(* Failures.  When a node suspects, and how long it waits for a refutation, is for its timers to say. *)

IsHeldDead(i, o) == dead[i][o] # Never /\ AtMost(Level(i, o), dead[i][o])

(* Node i has not heard of o for too long: it says so by a record of its own (SWIM, 4.2). *)
Suspect(i, o) ==
    /\ i # o /\ copy[i][o] # Unknown /\ ~IsHeldDead(i, o)
    /\ ~AtMost(Level(i, o), ValueOf(copy[i][i], o, Never))
    /\ Put(i, o, Level(i, o))
    /\ UNCHANGED <<dead, forgotten, messages>>

(* It takes that back once it is outdone or forgotten. *)
Withdraw(i, o) ==
    /\ i # o
    /\ LET l == ValueOf(copy[i][i], o, Never)
       IN  l # Never /\ (~AtMost(Level(i, o), l) \/ l[1] <= forgotten[i][o])
    /\ Put(i, o, Deleted)
    /\ UNCHANGED <<dead, forgotten, messages>>

(* Node o reads that it is suspected as it is now, and outdoes that. *)
Refute(o) ==
    /\ \/ \E j \in Node \ {o} : ValueOf(copy[o][j], o, Never) = Level(o, o)
       \/ Liar # {}
    /\ Put(o, o, Outdone(Level(o, o)))
    /\ UNCHANGED <<dead, forgotten, messages>>

(* Node i holds o for dead, as it knows it. *)
Bury(i, o) ==
    /\ i # o /\ copy[i][o] # Unknown
    /\ IsAccused(i, o)
    /\ dead' = [dead EXCEPT ![i][o] = Level(i, o)]
    /\ UNCHANGED <<copy, forgotten, messages, history>>

(* Node i forgets o, but for its generation. *)
Forget(i, o) ==
    /\ copy[i][o] # Unknown
    /\ IsHeldDead(i, o)
    /\ forgotten' = [forgotten EXCEPT ![i][o] = Remembered(copy[i][o])]
    /\ copy' = [copy EXCEPT ![i][o] = Unknown]
    /\ dead' = [dead EXCEPT ![i][o] = Never]
    /\ UNCHANGED <<messages, history>>

(* Node o, which lives, goes on in a later generation, with the same keys. *)
GoesOn(o) ==
    /\ Owns(o, [copy[o][o] EXCEPT !.gen = Returning(@)])
    /\ UNCHANGED <<dead, forgotten, messages>>

(* It reads in a digest that it was forgotten as it is now. *)
Return(o, m) ==
    /\ m \in messages /\ m.type \in {"Syn", "Reply"} /\ m.dest = o /\ m.owner = o
    /\ m.digest.gone /\ m.digest.gen = copy[o][o].gen
    /\ GoesOn(o)

(* A liar says so. *)
Mislead(o) == Liar # {} /\ GoesOn(o)

(* A liar hands node i a state that owner o once signed. *)
Hear(i, c) ==
    /\ Liar # {} /\ c \in history
    /\ LET d == [gen |-> c.gen, from |-> 0, upto |-> c.max, gc |-> c.gc, recs |-> c.recs]
       IN  copy' = [copy EXCEPT ![i][c.owner] = Merged(i, c.owner, d)]
    /\ UNCHANGED <<dead, forgotten, messages, history>>

(* Node i comes back from a crash: with its own keys, if it wrote them to its disk before it sent them ... *)
Recover(i) ==
    /\ copy' = [copy EXCEPT ![i] = [o \in Node |-> IF o = i THEN copy[i][i] ELSE Unknown]]
    /\ dead' = [dead EXCEPT ![i] = [o \in Node |-> Never]]
    /\ forgotten' = [forgotten EXCEPT ![i] = KeptOfForgotten(i)]
    /\ UNCHANGED <<messages, history>>

(* ... or without, in its next generation.  That, and whom it has forgotten, it always keeps. *)
Restart(i) ==
    /\ LET c == [Unknown EXCEPT !.gen = NextGeneration(copy[i][i].gen)]
       IN  /\ copy' = [copy EXCEPT ![i] = [o \in Node |-> IF o = i THEN c ELSE Unknown]]
           /\ history' = history \cup {State(i, c)}
    /\ dead' = [dead EXCEPT ![i] = [o \in Node |-> Never]]
    /\ forgotten' = [forgotten EXCEPT ![i] = KeptOfForgotten(i)]
    /\ UNCHANGED messages

-----------------------------------------------------------------------------

Init ==
    /\ copy = [i \in Node |-> [o \in Node |-> IF o = i THEN [Unknown EXCEPT !.gen = 1] ELSE Unknown]]
    /\ dead = [i \in Node |-> [o \in Node |-> Never]]
    /\ forgotten = [i \in Node |-> [o \in Node |-> 0]]
    /\ messages = {}
    /\ history = {State(o, copy[o][o]) : o \in Node}

Next ==
    \/ \E o \in Node :
           \/ \E k \in Key : \E x \in Value : Write(o, k, x)
           \/ \E k \in Key : Delete(o, k)
           \/ \E r \in copy[o][o].recs : Collect(o, r.version)
           \/ Refute(o)
           \/ Mislead(o)
           \/ Recover(o)
           \/ Restart(o)
    \/ \E i \in Node : \E c \in history : Hear(i, c)
    \/ \E i, o \in Node :
           \/ \E j \in Node : Start(i, j, o)
           \/ Suspect(i, o)
           \/ Withdraw(i, o)
           \/ Bury(i, o)
           \/ Forget(i, o)
    \/ \E m \in messages :
           \/ m.type = "Syn" /\ \E d \in Answers(m.dest, m.owner, m.digest) : HandleSyn(m.dest, m, d)
           \/ m.type = "Reply" /\ \E d \in {NoDelta} \cup DeltasFor(Merged(m.dest, m.owner, m.delta), m.digest) : HandleReply(m.dest, m, d)
           \/ HandleAck(m.dest, m)
           \/ Return(m.dest, m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsCopy(c) ==
    /\ c.gen \in Nat /\ c.gc \in Nat /\ c.max \in Nat
    /\ \A r \in c.recs :
           /\ r.key \in Key \cup Node /\ r.version \in 1..c.max
           /\ IsTombstone(r) => r.version > c.gc
           /\ \A s \in c.recs : s.key = r.key \/ s.version = r.version => s = r

TypeOK ==
    /\ \A i, o \in Node : IsCopy(copy[i][o]) /\ forgotten[i][o] \in Nat
    /\ \A i \in Node : copy[i][i].gen > 0
    /\ \A m \in messages : m.type \in {"Syn", "Reply", "Ack"} /\ m.source # m.dest

(* Each record that somebody has is from a state of its owner: only owners write. *)
OwnersWrite ==
    \A i, o \in Node : \A r \in copy[i][o].recs :
        \E c \in history : c.owner = o /\ c.gen = copy[i][o].gen /\ r \in c.recs

(* If no delta is cut, what a node has of an owner is a state that the owner had. *)
ShowsAState == \A i, o \in Node : copy[i][o] = Unknown \/ State(o, copy[i][o]) \in history

(* A generation has one history: a version is that of one record. *)
OneHistory ==
    \A c, d \in history : c.owner = d.owner /\ c.gen = d.gen =>
        \A r \in c.recs : \A q \in d.recs : r.version = q.version => r = q

(* Nobody is ahead of an owner. *)
OwnerLeads ==
    \A i, o \in Node :
        LET c == copy[i][o]
        IN  c.gen < copy[o][o].gen \/ (c.gen = copy[o][o].gen /\ c.max <= copy[o][o].max /\ c.gc <= copy[o][o].gc)

(* No resurrection: a key that was deleted at a version is not shown with an older one by a copy that goes up to the *)
(* deletion, or has collected it; unless its owner has written it again, and that is what the copy gets next.  (A cut *)
(* may fall between the deletion, of which no record is left, and that.)                                              *)
NoResurrection ==
    \A i, o \in Node :
        LET c == copy[i][o]
        IN  \A r \in c.recs : ~IsTombstone(r) =>
                \A h \in {g \in history : g.owner = o /\ g.gen = c.gen} : \A t \in h.recs :
                    t.key = r.key /\ IsTombstone(t) /\ r.version < t.version =>
                        \/ t.version > Max(c.max, c.gc)
                        \/ \E g \in history : g.owner = o /\ g.gen = c.gen /\ \E w \in g.recs :
                               w.key = r.key /\ w.version > t.version /\ w.version > c.max

(* No gap: what the owner has above the version up to which a copy goes is all that the copy lacks, unless a reset   *)
(* is due.  So a copy that is as far as its owner shows the owner's state.                                           *)
NoGap ==
    \A i, o \in Node :
        LET c == copy[i][o]
            s == copy[o][o]
        IN  c.gen = s.gen /\ ~MayLackTombstone(s, c)
                => Collected(Replaced(c.recs, {r \in s.recs : r.version > c.max}), s.gc) = s.recs

(* Of a forgotten generation, or one before it, nothing is shown. *)
ForgottenStays == \A i, o \in Node : copy[i][o] = Unknown \/ copy[i][o].gen > forgotten[i][o]

-----------------------------------------------------------------------------
(* Properties of steps *)

(* A copy is lost, or grows: generation, collection version, version, in this order. *)
Grows(c, n) ==
    \/ n = c
    \/ n.gen > c.gen
    \/ n.gen = c.gen /\ (n.gc > c.gc \/ (n.gc = c.gc /\ n.max > c.max))

CopiesGrow == [][\A i, o \in Node : copy'[i][o] = Unknown \/ Grows(copy[i][o], copy'[i][o])]_vars

(* What a node has forgotten it keeps for ever. *)
ForgettingLasts == [][\A i, o \in Node : forgotten'[i][o] >= forgotten[i][o]]_vars

(* Whoever comes to be held for dead is suspected by a node that follows the protocol, at what is known of it or later:   *)
(* a refutation ends that, and liars alone cannot bring it about.                                                        *)
BuriedIsSuspected ==
    [][\A i, o \in Node : dead'[i][o] # dead[i][o] /\ dead'[i][o] # Never =>
           \E j \in Node \ {o} : AtMost(Level(i, o), ValueOf(copy[i][j], o, Never))]_vars
=============================================================================
