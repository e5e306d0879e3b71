-------------------------- MODULE MCGossipMutants --------------------------
(***************************************************************************)
(* Rules of Gossip.tla, weakened.  A configuration that must fail puts one *)
(* of them in the place of the rule; the rest of its text is that of a     *)
(* configuration that holds.                                               *)
(***************************************************************************)
EXTENDS MCGossip

(* A delta is applied whatever its sender has collected: a copy keeps what was deleted, and the tombstone is gone. *)
WhateverIsCollected(c, d) == d.gen = c.gen /\ Connects(c, d)

(* The same only from a sender that has collected less: within a reset it brings back what was deleted. *)
FromWhoCollectedLess(c, d) ==
    d.gen = c.gen /\ Connects(c, d) /\ (d.gc <= c.gc \/ d.gc <= c.max)

(* A delta may begin above what a copy has. *)
WithGaps(c, d) == TRUE

(* A late delta overwrites what is newer. *)
Anything(c, r) == TRUE

(* A cut delta says that it is whole. *)
SaysWhole(s, f, m) == Whole(s, f)

(* A cut leaves the last record of a delta, and not the first ones. *)
LastOnly(r, f, m) == r.version > f /\ r.version = m

(* A reset adds to the copy. *)
AddsTo(c, d) == Replaced(c.recs, d.recs)

(* A copy keeps tombstones that are collected. *)
KeepsAll(recs, gc) == recs

(* An older generation replaces a newer one. *)
OtherGeneration(c, d) == d.from = 0 /\ (d.gen # c.gen \/ d.gc > c.gc)

(* A delta that does not begin at 0 replaces a copy. *)
FromAnywhere(c, d) == d.gen > c.gen \/ (d.gen = c.gen /\ d.gc > c.gc)

(* Who restarts without memory goes on in its generation. *)
SameGeneration(g) == g

(* What is forgotten may come back. *)
AnyGeneration(i, o, d) == TRUE

(* A relay alters what it passes on, which nobody has signed. *)
Altered(r) == [r EXCEPT !.value = Deleted]

(* Whoever ever was accused counts as accused, whatever it has said since. *)
OnceAccused(i, o) == {j \in Node \ {o} : ValueOf(copy[i][j], o, Never) # Never} \cup Liar

(* One accuser less is enough, so that a liar is. *)
OneAccuserLess(i, o) == Cardinality(Accusers(i, o)) >= AccusersNeeded - 1

(* A delta is cut although states are signed as a whole. *)
Anywhere(s, f) == {Whole(s, f)} \cup Above(s, f)

(* A crash loses whom a node has forgotten. *)
LosesForgotten(i) == [o \in Node |-> 0]
=============================================================================
