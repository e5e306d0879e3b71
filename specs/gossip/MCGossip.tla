------------------------------ MODULE MCGossip ------------------------------
(***************************************************************************)
(* Gossip made finite for TLC.  Every bound is a guard on an action; none  *)
(* is a state constraint.                                                  *)
(***************************************************************************)
EXTENDS GossipEvents, TLC

CONSTANTS
    n1, n2, n3, n4,  \* nodes
    k1, k2, k3,      \* keys
    x, deleted,      \* what is written
    Writer,          \* the nodes that write keys of the application
    Suspects,        \* pairs: the first may suspect the second, and bury it
    Recovering,      \* the nodes that crash and keep their own keys
    Restarting,      \* the nodes that crash and lose them
    MaxVersion,      \* versions of an owner
    MaxGeneration,
    MaxMessages      \* messages ever sent

MCVars == <<vars, event>>

TwoNodes   == {n1, n2}
ThreeNodes == {n1, n2, n3}
NoPair      == {}
OneSuspects == {<<n2, n1>>}

(* What is written and deleted; a configuration may replace it. *)
MayWrite(o, k)  == TRUE
MayDelete(o, k) == TRUE
(* Each key once: the second one, the first one, and the third one after some deletion was collected. *)
IsNew(o, k)     == \A c \in history : c.owner = o => \A r \in c.recs : r.key # k
InOrder(o, k)   == IsNew(o, k) /\ (k = k1 => ~IsNew(o, k2)) /\ (k = k3 => copy[o][o].gc > 0)
OnlyFirst(o, k) == k = k1
Nothing(o, k)   == FALSE

(* Which exchanges begin: who, with whom, about whom.  A configuration replaces it.  That each of these asks once only *)
(* bounds how many messages there are; that a message may be handled twice and late it does not change.             *)
MayStart(i, j, o) == TRUE
Asked(i, j, o)    == \E m \in messages : m.type = "Syn" /\ m.source = i /\ m.dest = j /\ m.owner = o
Once(i, j, o, routes) == <<i, j, o>> \in routes /\ ~Asked(i, j, o)
(* The second node asks the owner, as often as it likes. *)
SecondAsks(i, j, o) == <<i, j, o>> = <<n2, n1, n1>>
(* The third asks the owner of two keys; once it has them, and the owner has deleted one of them and collected that, *)
(* the second does; and then the second asks the third.                                                             *)
Around(i, j, o) ==
    \/ Once(i, j, o, {<<n3, n1, n1>>}) /\ copy[n1][n1].max = 2
    \/ copy[n3][n1] # Unknown /\ copy[n1][n1].gc > 0 /\ Once(i, j, o, {<<n2, n1, n1>>})
    \/ copy[n2][n1] # Unknown /\ Once(i, j, o, {<<n2, n3, n1>>})
(* Owner and accuser ask each other for what the other one owns. *)
OneEach(i, j, o) == Once(i, j, o, {<<n1, n2, n2>>}) \/ <<i, j, o>> = <<n2, n1, n1>>

(* Deltas are not cut: takes the place of Cuts. *)
Uncut(s, f) == {Whole(s, f)}

(* Who hears what from liars. *)
MayHear(i, c) == i = n2 /\ c.owner = n1

(* Whether an answer may be left out although there is something to send. *)
MayLeaveOut == FALSE
LeavesOut   == TRUE

MaySend == Cardinality(messages) < MaxMessages

HasRoom(o) == copy[o][o].max < MaxVersion

Chosen(i, o, e, d) == d # NoDelta \/ MayLeaveOut \/ ~HasMore(copy[i][o], e)

MCInit == EventInit

MCNext ==
    \/ \E o \in Writer : HasRoom(o) /\ \E k \in Key : (MayWrite(o, k) /\ \E v \in Value : WriteEvent(o, k, v)) \/ (MayDelete(o, k) /\ DeleteEvent(o, k))
    \/ \E o \in Writer : \E r \in copy[o][o].recs : CollectEvent(o, r.version)
    \/ MaySend /\ \E i, j, o \in Node : MayStart(i, j, o) /\ StartEvent(i, j, o)
    \/ MaySend /\ \E m \in messages : m.type = "Syn" /\ \E d \in Answers(m.dest, m.owner, m.digest) :
           Chosen(m.dest, m.owner, m.digest, d) /\ HandleSynEvent(m.dest, m, d)
    \/ \E m \in messages : m.type = "Reply" /\
           LET c == Merged(m.dest, m.owner, m.delta)
           IN  \E d \in {NoDelta} \cup DeltasFor(c, m.digest) :
                   (d # NoDelta \/ MayLeaveOut \/ ~MaySend \/ ~HasMore(c, m.digest)) /\ (d = NoDelta \/ MaySend)
                       /\ HandleReplyEvent(m.dest, m, d)
    \/ \E m \in messages : HandleAckEvent(m.dest, m)
    \/ \E p \in Suspects : (HasRoom(p[1]) /\ (SuspectEvent(p[1], p[2]) \/ WithdrawEvent(p[1], p[2]))) \/ BuryEvent(p[1], p[2]) \/ ForgetEvent(p[1], p[2])
    \/ \E o \in Node : HasRoom(o) /\ RefuteEvent(o)
    \/ \E o \in Node : copy[o][o].gen < MaxGeneration /\ MisleadEvent(o)
    \/ \E i \in Node : \E c \in history : MayHear(i, c) /\ HearEvent(i, c)
    \/ \E m \in messages : m.type # "Ack" /\ copy[m.dest][m.dest].gen < MaxGeneration /\ ReturnEvent(m.dest, m)
    \/ \E i \in Recovering : RecoverEvent(i)
    \/ \E i \in Restarting : copy[i][i].gen < MaxGeneration /\ RestartEvent(i)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == vars

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.                                                                              *)

(* A node has the last of an owner's records from somebody else. *)
NothingRelayed == \A i, o \in Node : \A m \in messages :
    ~(m.type # "Syn" /\ m.dest = i /\ m.source # o /\ i # o /\ m.delta # NoDelta /\ copy[i][o].max = m.delta.upto
        /\ copy[i][o].gen = m.delta.gen /\ copy[i][o].max = copy[o][o].max /\ copy[i][o].max > 0)
(* A cut delta leaves a node between two versions. *)
NothingCut == \A m \in messages : m.type = "Syn" \/ m.delta = NoDelta \/ m.delta.upto = 0
    \/ m.source # m.owner \/ m.delta.upto = copy[m.owner][m.owner].max \/ copy[m.dest][m.owner].max # m.delta.upto
(* A copy has lost a deleted key by a reset: it had it, and no tombstone ever reached it. *)
NoReset == \A i, o \in Node : ~(copy[i][o].gc > 0 /\ \E m \in messages :
    m.type # "Syn" /\ m.dest = i /\ m.owner = o /\ m.delta.recs # {} /\ m.delta.gc = 0 /\ m.delta.gen = copy[i][o].gen /\ \E r \in m.delta.recs : \A s \in copy[i][o].recs : s.key # r.key)
(* A copy within a reset: its collection version is above what it has. *)
NothingWithinReset == \A i, o \in Node : copy[i][o].gc <= copy[i][o].max
(* Two nodes have pulled and pushed in one exchange. *)
NoPushPull == \A m \in messages : m.type # "Ack" \/ \A r \in messages : r.type # "Reply" \/ r.delta = NoDelta \/ r.dest # m.source
(* A node that was suspected has refuted, and the accuser knows. *)
NothingRefuted == \A i, o \in Node : ValueOf(copy[i][i], o, Never) = Never \/ Level(i, o)[1] = 0
    \/ AtMost(Level(i, o), ValueOf(copy[i][i], o, Never)) \/ Level(i, o)[2] = 0
(* A node that was held for dead is alive again in the same generation, for it has refuted. *)
NobodyRevived == \A i, o \in Node : dead[i][o] = Never \/ AtMost(Level(i, o), dead[i][o]) \/ Level(i, o)[1] # dead[i][o][1]
(* A node is forgotten. *)
NobodyForgotten == \A i, o \in Node : forgotten[i][o] = 0
(* A forgotten node is known again, in a later generation. *)
NobodyReturns == \A i, o \in Node : forgotten[i][o] = 0 \/ copy[i][o] = Unknown
(* A liar has told a node that it is forgotten, and another one knows it in its next generation. *)
NobodyMisled == \A i, o \in Node : i = o \/ copy[i][o].gen <= 1
(* A node has restarted, and another one has its new records in place of the old ones. *)
NoNewGeneration == \A i, o \in Node : i = o \/ copy[i][o].gen <= 1 \/ copy[i][o].recs = {}
=============================================================================
