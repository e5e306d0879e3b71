----------------------------- MODULE HotStuffRuns -----------------------------
(***************************************************************************)
(* HotStuff as it is asked about runs of simulated clusters, which are     *)
(* long: a run says which step it took, with which arguments, and what the *)
(* replica shows and sends, so that nothing is enumerated; and what can no *)
(* longer matter is forgotten, so that a state stays small.                *)
(*                                                                         *)
(* Why `Forget(b)` is sound.  Let b be committed by all correct replicas.  *)
(* A block lives if b is among its ancestors, or it is b.                  *)
(*                                                                         *)
(* - Nothing else is certified in the view of b or later                   *)
(*   (CommitsAreExtended), and no correct replica votes for it: all are    *)
(*   locked on a living block (LockFollowsHigh), which it neither extends  *)
(*   nor outdoes.  So a replica may store it, and nothing follows.         *)
(* - Whatever a correct replica has as highest certificate, lock or last   *)
(*   commit lives, and rises; so no rule asks for an older certificate     *)
(*   than that of b, nor for a grandparent before b.                       *)
(* - Lengths of chains and views of blocks are only compared with those of *)
(*   living ones; cut off before b, chains are shorter by the same number, *)
(*   and all begin with b.                                                 *)
(* - `RecoveredView` never falls.  No rule asks for time-outs of a view    *)
(*   before the one before it.  A time-out with a certificate older than b *)
(*   tells of none higher than anybody's, as one with genesis.             *)
(* - A correct leader proposes once in a view: what it proposed after the  *)
(*   view of b stays, whole if it does not live.                           *)
(*                                                                         *)
(* So a step is allowed after `Forget(b)` if and only if it is before, and *)
(* leads to the same state but for what is forgotten, except that a dead   *)
(* block is stored without a step.  The check hotstuff/forgetting holds    *)
(* this against all steps from states of random walks, in both directions. *)
(***************************************************************************)
EXTENDS MCHotStuff

(* Blocks above all views where somebody is stand for those: as in `EventNext`. *)
StoreStep(i, b) == View(b) <= LastView + 1 /\ StoreEvent(i, b)

(* What correct replica i shows. *)
Shows(i, inView, lastVoted, lastTimed, highest, locked, last) ==
    /\ view[i] = inView
    /\ voted[i] = lastVoted
    /\ timed[i] = lastTimed
    /\ high[i] = highest
    /\ lock[i] = locked
    /\ committed[i] = last

(* What it says in these steps, and no more. *)
Sends(said) == messages' = messages \cup said

-----------------------------------------------------------------------------
(* Rules of forgetting.  Configurations that must fail replace them. *)

(* Whether a block may still matter once b is committed by all. *)
Lives(b, c) == IsAncestor(b, c)

(* The first view whose time-outs may still matter: the one before the first in which somebody may come back. *)
FirstOpenView ==
    LET S == {RecoveredView(i) : i \in Correct}
    IN  (CHOOSE v \in S : \A w \in S : v <= w) - 1

(* A chain from b on. *)
CutAt(b, c) == SubSeq(c, Len(b), Len(c))

Matters(b, m) ==
    CASE m.type = "Vote"     -> Lives(b, m.block)
      [] m.type = "Proposal" -> Lives(b, m.block) \/ View(m.block) > View(b)
      [] m.type = "Timeout"  -> m.view >= FirstOpenView

Shortened(b, m) ==
    IF m.type = "Timeout" THEN [m EXCEPT !.high = IF IsAncestor(b, @) THEN CutAt(b, @) ELSE Genesis]
    ELSE IF Lives(b, m.block) THEN [m EXCEPT !.block = CutAt(b, @)]
    ELSE m

(* All that can no longer matter is forgotten, now that everybody has committed b: as if b were the first block. *)
Forget(b) ==
    /\ b # Genesis
    /\ \A i \in Correct : IsAncestor(b, committed[i])
    /\ messages' = {Shortened(b, m) : m \in {k \in messages : Matters(b, k)}}
    /\ high' = [i \in Correct |-> CutAt(b, high[i])]
    /\ lock' = [i \in Correct |-> CutAt(b, lock[i])]
    /\ committed' = [i \in Correct |-> CutAt(b, committed[i])]
    /\ blocks' = [i \in Correct |-> {Genesis} \cup {CutAt(b, c) : c \in {d \in blocks[i] : Lives(b, d)}}]
    /\ UNCHANGED <<view, voted, timed>>
    /\ event' = [action |-> "Forget", block |-> b]
=============================================================================
