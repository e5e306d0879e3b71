---------------------------- MODULE GossipRelay ----------------------------
(***************************************************************************)
(* A few nodes of a large cluster.  The others are an environment that may *)
(* hand anybody any delta that is true, older or newer, cut or whole, and  *)
(* may accuse anybody.  So a run of hundreds of nodes can be judged by     *)
(* what a few of them do with what these few own.                          *)
(*                                                                         *)
(* Nothing that happens among nodes of Gossip.tla is left out so: each     *)
(* delta that is sent there, and each copy, is true (`AllIsTrue`), which   *)
(* TLC checks.  What the environment may do too is more than a cluster     *)
(* could: deltas of several relays need not agree with each other.         *)
(***************************************************************************)
EXTENDS MCGossipMutants

(* A delta is true if it is a part of what its owner wrote.  As tombstones are collected, and as what is written anew is left *)
(* out, it need not be a part of any one state of the owner.                                                                  *)
IsTrue(o, d) ==
    LET states  == {h \in history : h.owner = o /\ h.gen = d.gen}
        written == UNION {h.recs : h \in states}
        Later(r) == {q \in written : q.key = r.key /\ q.version > r.version}
    IN  \* it goes no further than its owner, and neither do its collections
        /\ \E h \in states : d.upto <= h.max
        /\ d.gc \in {h.gc : h \in states}
        /\ d.from <= d.upto
        \* the owner wrote all of it, and what is collected is gone
        /\ \A r \in d.recs : r \in written /\ r.version > d.from /\ r.version <= d.upto /\ ~(IsTombstone(r) /\ r.version <= d.gc)
        \* no hole: only what was written anew is left out, and tombstones that are collected
        /\ \A r \in written : r.version > d.from /\ r.version <= d.upto /\ r \notin d.recs
               => Later(r) # {} \/ (IsTombstone(r) /\ r.version <= d.gc)
        \* no resurrection: nothing shows what was overwritten before its end, unless what overwrote it was overwritten behind it
        /\ \A r \in d.recs : \A q \in Later(r) : q.version <= d.upto => \E w \in Later(q) : w.version > d.upto

(* A copy is what a delta from version 0 on says. *)
AsDelta(c) == [gen |-> c.gen, from |-> 0, upto |-> c.max, gc |-> c.gc, recs |-> c.recs]

AllIsTrue ==
    /\ \A m \in messages : m.type = "Syn" \/ m.delta = NoDelta \/ IsTrue(m.owner, m.delta)
    /\ \A i, o \in Node : copy[i][o] = Unknown \/ IsTrue(o, AsDelta(copy[i][o]))

-----------------------------------------------------------------------------
(* Steps with the environment *)

(* Node i gets a delta of owner o, or none, and answers a digest with another one, or with none. *)
Relay(i, o, d, e, a) ==
    /\ d = NoDelta \/ IsTrue(o, d)
    /\ LET c == Merged(i, o, d)
       IN  /\ copy' = [copy EXCEPT ![i][o] = c]
           /\ a \in {NoDelta} \cup (IF HasMore(c, e) THEN DeltasFor(c, e) ELSE {})
    /\ UNCHANGED <<dead, forgotten, messages, history>>
    /\ event' = [action |-> "Relay", node |-> i, owner |-> o, delta |-> d, digest |-> e, answer |-> a]

(* Node o refutes what somebody says of it, at its level as it is now. *)
RefuteRelayed(o, l) ==
    /\ l = Level(o, o)
    /\ Put(o, o, Outdone(l))
    /\ UNCHANGED <<dead, forgotten, messages>>
    /\ event' = [action |-> "RefuteRelayed", node |-> o, level |-> l]

(* Node i buries o, which somebody accuses at its level as i knows it, or at a later one. *)
BuryRelayed(i, o, l) ==
    /\ i # o /\ copy[i][o] # Unknown
    /\ AtMost(Level(i, o), l)
    /\ dead' = [dead EXCEPT ![i][o] = Level(i, o)]
    /\ UNCHANGED <<copy, forgotten, messages, history>>
    /\ event' = [action |-> "BuryRelayed", node |-> i, accused |-> o, level |-> l]

(* Node o reads in somebody's digest that it was forgotten as it is now. *)
ReturnRelayed(o, e) ==
    /\ e.gone /\ e.gen = copy[o][o].gen
    /\ GoesOn(o)
    /\ event' = [action |-> "ReturnRelayed", node |-> o, digest |-> e]
=============================================================================
