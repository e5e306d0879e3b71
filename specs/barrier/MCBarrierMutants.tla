-------------------------- MODULE MCBarrierMutants --------------------------
(***************************************************************************)
(* Rules of Barrier.tla, weakened.  A configuration that must fail puts    *)
(* one of them in the place of the rule; the rest of its text is that of a *)
(* configuration that holds.                                               *)
(***************************************************************************)
EXTENDS MCBarrier

(* A node acts on records that rest on what it has not applied. *)
ActsBefore(n, r) == TRUE

(* Fences make no record older. *)
ActsOnOld(n, r) == TRUE

(* A node that comes back acts at once. *)
ActsAtOnce(n) == TRUE

(* A node that comes back acts when it is told, and has not applied what it was told of. *)
ActsWhenTold(n) == floor[n] # NotJoined

(* An owner leaves out the index, or always writes the same. *)
Untagged(k) == 0

(* An owner writes the index of the decision that comes next. *)
OneMore(k) == k + 1

(* Coordinators draw decisions from whatever they hear. *)
DrawsFromAll(c, r) == r.gen > 0

(* Versions that a decision read are not compared. *)
TakesAll(n, table, e) == TRUE

(* They are compared with what gossip has brought to the replica, not with what the log knows. *)
TakesByItsCopy(n, table, e) == ~IsLater(copy[n][e.owner], e)

(* Generations of those that are welcome are not compared: an answer to an earlier life counts. *)
WelcomesAnyLife(n, w) == TRUE

(* Acknowledgements of earlier lives count. *)
CountsAnyLife(b, a) == TRUE

(* Acknowledgements count, whatever was applied. *)
CountsAnyIndex(b, a) == TRUE

(* A barrier that has ended goes on counting. *)
CountsLate(b) == b.status \in {"open", "unknown"}

(* One acknowledgement less is enough. *)
OneLess(b, acked) == Cardinality(acked) + 1 >= Cardinality(DOMAIN b.expected)

(* A barrier passes at its time-out. *)
PassesAtTimeOut == "passed"

(* Whatever gossip brings replaces what there was. *)
TakesOlder(n, s) == WithoutOwner(s) # copy[n][s.owner]
=============================================================================
