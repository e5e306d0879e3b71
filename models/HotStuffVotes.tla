---------------------------- MODULE HotStuffVotes -----------------------------
(***************************************************************************)
(* The votes of chained HotStuff alone, as models/hotstuff.py describes    *)
(* them in formulas: written a second time, so that the two can be         *)
(* compared state by state (models/hotstuff_small.py).  What is checked of *)
(* HotStuff as a whole is specs/hotstuff.                                  *)
(*                                                                         *)
(* The blocks are given.  a, b and c are a chain in the views 1 to 3; e is *)
(* of view 4, and forks from genesis: who is locked on a must not vote for *)
(* it.                                                                     *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS Replica, QuorumSize

VARIABLES proposed, cert, voted, left, locked

vars == <<proposed, cert, voted, left, locked>>

Block  == {"g", "a", "b", "c", "e"}
Parent == [g |-> "g", a |-> "g", b |-> "a", c |-> "b", e |-> "g"]
View   == [g |-> 0, a |-> 1, b |-> 2, c |-> 3, e |-> 4]

RECURSIVE IsAncestor(_, _)
IsAncestor(x, y) == x = y \/ (y # "g" /\ IsAncestor(x, Parent[y]))

Init ==
    /\ proposed = {"g"}
    /\ cert = {"g"}
    /\ voted = {}
    /\ left = [i \in Replica |-> 0]
    /\ locked = [i \in Replica |-> "g"]

Propose(b) ==
    /\ b # "g" /\ Parent[b] \in cert
    /\ proposed' = proposed \cup {b}
    /\ UNCHANGED <<cert, voted, left, locked>>

Max(v, w) == IF v > w THEN v ELSE w

Raise(i, g) == locked' = [locked EXCEPT ![i] = IF View[g] > View[@] THEN g ELSE @]
Leaves(i, w) == left' = [left EXCEPT ![i] = Max(@, w)]

Vote(i, b) ==
    /\ b # "g" /\ b \in proposed
    /\ left[i] < View[b]
    /\ IsAncestor(locked[i], b) \/ View[Parent[b]] > View[locked[i]]
    /\ voted' = voted \cup {<<i, b>>}
    /\ Leaves(i, View[b])
    /\ Raise(i, Parent[Parent[b]])
    /\ UNCHANGED <<proposed, cert>>

Learn(i, p) ==
    /\ p \in cert
    /\ Leaves(i, View[p])
    /\ Raise(i, Parent[p])
    /\ UNCHANGED <<proposed, cert, voted>>

Certify(b) ==
    /\ b # "g" /\ Cardinality({i \in Replica : <<i, b>> \in voted}) >= QuorumSize
    /\ cert' = cert \cup {b}
    /\ UNCHANGED <<proposed, voted, left, locked>>

Next ==
    \/ \E b \in Block : Propose(b) \/ Certify(b)
    \/ \E i \in Replica : \E b \in Block : Vote(i, b) \/ Learn(i, b)

Spec == Init /\ [][Next]_vars

CertificatesAgree == \A b, c \in cert : View[b] = View[c] => b = c
=============================================================================
