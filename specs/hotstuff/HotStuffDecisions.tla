------------------------- MODULE HotStuffDecisions -------------------------
(***************************************************************************)
(* HotStuff decides as an agreed log does, which only grows: the blocks    *)
(* that could ever have been committed, in the order of their views.  It   *)
(* is the same as ../hybrid/Decisions.tla, of which `Decide` repeats the   *)
(* step: TLC looks for modules in one folder only.  So the hybrid may run  *)
(* on HotStuff as on PBFT (../pbft/PbftDecisions.tla).                     *)
(*                                                                         *)
(* A block is known by its view, as in HotStuffViews.  A block between two *)
(* decided ones that is decided later would change the log, as would one   *)
(* beside them.                                                            *)
(***************************************************************************)
EXTENDS HotStuffViews

RECURSIVE Sorted(_)
Sorted(S) == IF S = {} THEN <<>> ELSE LET v == CHOOSE m \in S : \A k \in S : m <= k IN <<v>> \o Sorted(S \ {v})

(* What is decided, each with its parent: two blocks beside each other are no log. *)
Log == [k \in 1..Cardinality(committed) |-> LET v == Sorted(committed)[k] IN <<v, Parent(v)>>]

(* Each decision has the one before it as its parent. *)
IsChain(log) == \A k \in DOMAIN log : log[k][2] = (IF k = 1 THEN 0 ELSE log[k - 1][1])

Decide ==
    /\ Len(Log') > Len(Log)
    /\ SubSeq(Log', 1, Len(Log)) = Log
    /\ IsChain(Log')

Refines == [][Decide]_Log
=============================================================================
