--------------------------- MODULE ThreatLiveness ---------------------------
(***************************************************************************)
(* What the threat level comes to when the evidence ends.  From some time  *)
(* on (`over`) Self sees nothing suspicious any more and does not crash,   *)
(* and correct replicas state nothing any more.  Liars say on what they like, the network    *)
(* replays what was said, and proofs against liars are shown again and     *)
(* again.  Ticks are fair, nothing else is.                                *)
(*                                                                         *)
(* Numbers would grow for ever.  Here they do not: what is remembered of   *)
(* each statement is 0, so that number 1 is new, and number 0 is a replay. *)
(***************************************************************************)
EXTENDS Threat

CONSTANTS r0, r1, r2, r3, r4, r5, r6

CONSTANTS
    Byzantine,   \* the liars
    Observable,  \* the kinds of suspicion that occur
    Statable     \* the scores that others state

VARIABLE over    \* whether there is no more evidence

LiveVars == <<vars, over>>

UpScores   == <<2, 3, 5, 6>>
DownScores == <<1, 2, 4, 5>>
Weights    == [signature |-> 2, refused |-> 1, tampering |-> 5, timing |-> 2]

(* Take the places of Remembered and NextNumber. *)
NoNumber(k) == 0

-----------------------------------------------------------------------------

Ends == ~over /\ over' = TRUE /\ UNCHANGED vars

Evidence ==
    \/ ~over /\ \E kind \in Observable : Observe(kind)
    \/ \E j \in Others, s \in Statable :
           /\ j \in Byzantine \/ ~over
           /\ Hear(j, 1, s)
    \/ \E j \in Others : Hear(j, 0, ScoreMax)
    \/ \E kind \in ProofKind, j \in Byzantine : Prove(kind, j)
    \/ ~over /\ Restart

LiveInit == Init /\ over = FALSE

LiveNext == ((Evidence \/ Tick) /\ UNCHANGED over) \/ Ends

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars /\ WF_LiveVars(Ends)

LiveSpec == LiveBehaviour /\ WF_LiveVars(Tick /\ UNCHANGED over)

(* The same with less assumed, which must fail: nobody gives ticks. *)
WithoutFairTicks == LiveBehaviour

-----------------------------------------------------------------------------
(* In the end the level is None, and stays so. *)
ComesBack == <>[](level = None)

-----------------------------------------------------------------------------
(* Weakened rules, for configurations that must fail. *)

(* A silent replica keeps its last score for ever. *)
Unfading(s) == s

(* One liar is enough [HY-07]. *)
One == 1

(* A proof counts whenever it is shown. *)
Again(kind, known) == TRUE
=============================================================================
