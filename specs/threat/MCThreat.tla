------------------------------ MODULE MCThreat ------------------------------
(***************************************************************************)
(* The threat level made finite for TLC.  Of numbers only their order      *)
(* matters: a statement is a new one, the last one again, or an older one; *)
(* and the view that tells states apart hides numbers, but where they are  *)
(* bounded themselves.  Other bounds are guards: which inputs there are.   *)
(***************************************************************************)
EXTENDS ThreatEvents

CONSTANTS
    r0, r1, r2, r3, r4, r5, r6,   \* the replicas; a configuration uses the first of them
    Observable,  \* the kinds of suspicion that occur
    Statable,    \* the scores that others state
    Accusable,   \* against whom there may be proof
    Crashes,     \* whether Self crashes
    MaxNumber    \* statements have numbers up to this one

MCVars == <<vars, event>>

-----------------------------------------------------------------------------
(* Values of constants that a configuration cannot write *)

UpScores   == <<2, 3, 5, 6>>
DownScores == <<1, 2, 4, 5>>
Weights    == [signature |-> 2, refused |-> 1, tampering |-> 5, timing |-> 2]

-----------------------------------------------------------------------------
(* Bounds *)

(* A statement under a new number; or a score beyond all under the same number again, or under one of before. *)
MayState(j, k, s) == k = heard[j] + 1 \/ s > ScoreMax

MCInit == EventInit

Inputs ==
    \/ \E kind \in Observable : ObserveEvent(kind)
    \/ \E j \in Others : \E k \in (heard[j] - 1)..(heard[j] + 1), s \in Statable : MayState(j, k, s) /\ HearEvent(j, k, s)
    \/ \E kind \in ProofKind, j \in Accusable : ProveEvent(kind, j)
    \/ TickEvent
    \/ Crashes /\ RestartEvent

MCNext == Inputs /\ number' <= MaxNumber /\ \A j \in Others : heard'[j] <= MaxNumber

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == <<level, calm, evidence, timing, score, stated, unstated, proved, since, quiet>>

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.                                                                              *)

NeverLow      == level # Low
NeverMedium   == level # Medium
NeverHigh     == level # High
NeverCritical == level # Critical

(* Critical by score is left, and the level comes back to None. *)
CriticalStays == [][level = Critical => level' = Critical]_vars
NeverBack     == [][level = Low => level' # None]_vars

(* Without a proof and from no score that is large by itself the level jumps over others. *)
NeverJumps == [][level' <= level + 1]_vars

(* The dwell is interrupted by a score that keeps the level, and does not raise it. *)
NeverInterrupted == [][calm > 0 /\ calm' = 0 => level' # level]_vars

(* At Critical there is a second proof, against another replica. *)
NeverProvedTwice == \A i, j \in Replica : i # j => Unproved \in {proved[i], proved[j]}

(* Tampering is proved, and later equivocation of the same replica. *)
NeverGraver == [][\A j \in Replica : proved[j] # "tampering" \/ proved'[j] = proved[j]]_vars

(* After a crash the level is kept, and its score is unknown. *)
NeverBlind == ~(level >= High /\ Now = 0 /\ calm = 0)

(* A replica repeats what it stated. *)
NeverRestated == [][number' > number => stated' > stated]_vars

(* One replica, liar or not, states the most, and the level stays what it is. *)
NeverOutvoted == level # None \/ \A j \in Others : score[j] < ScoreMax
=============================================================================
