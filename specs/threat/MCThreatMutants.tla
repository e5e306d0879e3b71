-------------------------- MODULE MCThreatMutants ---------------------------
(***************************************************************************)
(* The threat level with one rule weakened at a time.  Each definition     *)
(* takes the place of a rule of Threat.tla in a configuration              *)
(* mutant_*.cfg, which is checked within the bounds of a configuration     *)
(* that holds, and must fail.  manifest.toml names the property that each  *)
(* one breaks; the ids in brackets are those of the project's catalogue of *)
(* protocol bugs.                                                          *)
(***************************************************************************)
EXTENDS MCThreat

(* The largest score counts, one replica decides; or as many as may lie do [HY-07]. *)
One      == 1
AsManyAsLie == MaxFaulty

(* So many must agree that liars can withhold their consent [HY-07]. *)
TwiceFaultyAndOne == 2 * MaxFaulty + 1

(* The average counts, and a liar's silence weighs [HY-07]. *)
RECURSIVE Sum(_, _)
Sum(S, R) == IF R = {} THEN 0 ELSE LET j == CHOOSE i \in R : TRUE IN S[j] + Sum(S, R \ {j})
Average(S) == Sum(S, Replica) \div Cardinality(Replica)

(* Each replica goes by what it saw itself. *)
OwnAlone(S) == S[Self]

(* A level is left at the score at which it is entered [HY-06], or as soon as the score is lower. *)
StaysAtUp(l, c) == l = None \/ c >= Up[l]
Hasty(l)        == 1

(* Critical is left like any other level. *)
LikeOthers(l) == Dwell

(* The dwell goes on while the level rises, while the score keeps it, while there is a new proof. *)
GoesOn(k) == k

(* A level is left for None. *)
ToNone(l) == None

(* Old statements count; the last one counts again. *)
Anything(k, h)   == TRUE
NotOlder(k, h)   == k >= h

(* Scores are taken as they come. *)
AsStated(s) == s

(* Timing has no limit, or adds to other evidence [HY-16]. *)
Unlimited(t, w) == Smaller(ScoreMax, t + w)
Added(e, t)     == Smaller(ScoreMax, e + t)

(* Proof is one suspicion among others; it sets the level, to a lower one as well. *)
NoLevel(kind)   == None
Sets(l, kind)   == ProvedLevel(kind)

(* A replica keeps its rising score to itself; it says it once. *)
Secret(before, after) == FALSE
Once(own, u)          == FALSE

(* A crash takes what should be on the disk. *)
LostLevel  == None
LostHeard  == [j \in Others |-> 0]
LostNumber == 0
LostProved == [j \in Replica |-> Unproved]
=============================================================================
