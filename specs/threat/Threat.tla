------------------------------- MODULE Threat -------------------------------
(***************************************************************************)
(* The threat level of one replica, Self.  It keeps a score of what it saw *)
(* that may be an attack, hears the scores of the others, and makes a      *)
(* level of the (f + 1)-th largest of them.  Proof leads to a level by     *)
(* itself.  The level rises at once, and is left by one at a time, after a *)
(* dwell in which the score was too low for it.                            *)
(*                                                                         *)
(* Whatever arrives is an input: any statement of any other replica, with  *)
(* any number, replayed or made up by a liar; any observation; any proof   *)
(* (which was verified before).  So what holds here holds whatever correct *)
(* replicas, liars and the network do.                                     *)
(*                                                                         *)
(* Sources: impl/threat, docstring; docs/hybrid.md.                        *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Self,        \* the replica
    Replica,     \* all of them
    MaxFaulty,   \* how many may be Byzantine, f
    ScoreMax,    \* the greatest score
    Up,          \* Up[l]: the cluster score from which on the level is l
    Down,        \* Down[l]: the cluster score below which l is left again
    Weight,      \* Weight[k]: what an observation of kind k adds
    TimingMax,   \* what timing adds at most
    Decay,       \* what a score loses in a tick
    Dwell,       \* for how many ticks the score must be too low before Low, Medium or High is left
    Calm,        \* likewise for Critical
    Restate      \* after how many ticks a score is stated again

None     == 0
Low      == 1
Medium   == 2
High     == 3
Critical == 4
Level    == None..Critical

Suspicion == {"signature", "refused", "tampering", "timing"}
ProofKind == {"tampering", "equivocation"}
Unproved  == "nothing"

Others == Replica \ {Self}

ASSUME
    /\ Self \in Replica
    /\ MaxFaulty \in Nat /\ Cardinality(Replica) > 3 * MaxFaulty
    /\ \A l \in Low..Critical : 1 <= Down[l] /\ Down[l] < Up[l] /\ Up[l] <= ScoreMax
    /\ \A l \in Medium..Critical : Up[l - 1] < Up[l] /\ Down[l - 1] < Down[l]
    /\ \A k \in Suspicion : Weight[k] \in 1..ScoreMax
    /\ 0 <= TimingMax /\ TimingMax < Down[High]
    /\ Decay >= 1 /\ Dwell >= 1 /\ Calm > Dwell /\ Restate >= 1

VARIABLES
    level,      \* the level; on disk
    calm,       \* for how many ticks in a row the cluster score was low enough to leave it
    evidence,   \* what Self saw, but for timing, faded
    timing,     \* what Self saw of timing, faded
    score,      \* score[j]: the last statement of another replica, faded
    heard,      \* heard[j]: its number; on disk
    number,     \* the number of the last statement of Self; on disk
    stated,     \* what it said
    unstated,   \* how many ticks ago, up to Restate
    proved,     \* proved[j]: the gravest kind of proof there is against a replica; on disk
    (* History, which no rule reads. *)
    since,      \* for how many ticks the level is what it is, up to Calm
    quiet       \* for how many ticks the score has not been enough to keep the level, and no proof was new, up to Calm

vars == <<level, calm, evidence, timing, score, heard, number, stated, unstated, proved, since, quiet>>

Larger(a, b)  == IF a > b THEN a ELSE b
Smaller(a, b) == IF a < b THEN a ELSE b

-----------------------------------------------------------------------------
(* Rules.  Safety and liveness rest on these; a configuration that must fail replaces one of them. *)

(* How many replicas must have as much as the cluster score: one more than can lie. *)
Needed == MaxFaulty + 1

(* What replica j has by what Self knows. *)
OwnScore(e, t) == Larger(e, t)
Scores(e, t, s) == [j \in Replica |-> IF j = Self THEN OwnScore(e, t) ELSE s[j]]

(* The greatest score that as many as needed have: the (f + 1)-th largest. *)
ClusterScore(S) ==
    CHOOSE c \in {S[j] : j \in Replica} :
        /\ Cardinality({j \in Replica : S[j] >= c}) >= Needed
        /\ Cardinality({j \in Replica : S[j] > c}) < Needed

Weighed(e, w) == Smaller(ScoreMax, e + w)
Timed(t, w)   == Smaller(TimingMax, t + w)
Clamped(s)    == Larger(0, Smaller(ScoreMax, s))

(* What is left of an own score after a tick, and of another replica's. *)
Faded(s)      == Larger(0, s - Decay)
OtherFaded(s) == Faded(s)

(* The level to which a score leads, whether it is enough to keep a level, and for how long it must not be. *)
Reached(c)  == Cardinality({l \in Low..Critical : c >= Up[l]})
Stays(l, c) == l = None \/ c >= Down[l]
DwellOf(l)  == IF l = Critical THEN Calm ELSE Dwell

(* The level below, and what becomes of the calm where the level rises, where a score keeps it, where there is a new proof. *)
Below(l)          == l - 1
CalmAfterRise(k)  == 0
CalmAfterStay(k)  == 0
CalmAfterProof(k) == 0

(* Whether a statement is later than the last that counted, and the number that is remembered of it. *)
IsNews(k, h)  == k > h
Remembered(k) == k

(* Proof: the level to which it leads at least, and whether it says something new of the accused. *)
ProvedLevel(kind)    == IF kind = "equivocation" THEN Critical ELSE High
WithProof(l, kind)   == Larger(l, ProvedLevel(kind))
IsWorse(kind, known) == known = Unproved \/ (known = "tampering" /\ kind = "equivocation")

(* Statements of Self: whether a score is one to be stated now, or again, u ticks after the last; the next number. *)
IsToBeStated(before, after) == after > before
IsToBeRestated(own, u)      == own > 0 /\ u = Restate
NextNumber(n)               == n + 1

(* What is found on the disk after a crash. *)
KeptLevel  == level
KeptHeard  == heard
KeptNumber == number
KeptProved == proved

-----------------------------------------------------------------------------

Init ==
    /\ level = None /\ calm = 0
    /\ evidence = 0 /\ timing = 0
    /\ score = [j \in Others |-> 0] /\ heard = [j \in Others |-> 0]
    /\ number = 0 /\ stated = 0 /\ unstated = 0
    /\ proved = [j \in Replica |-> Unproved]
    /\ since = 0 /\ quiet = 0

(* What the scores say by what Self knows. *)
Now == ClusterScore(Scores(evidence, timing, score))

(* From level l with calm k, to which a proof may have led just now, to what the score c makes of them. *)
Settled(l, k, c, ticks) ==
    IF Reached(c) > l THEN [level |-> Reached(c), calm |-> CalmAfterRise(k)]
    ELSE IF Stays(l, c) THEN [level |-> l, calm |-> CalmAfterStay(k)]
    ELSE IF ~ticks THEN [level |-> l, calm |-> k]
    ELSE IF k + 1 >= DwellOf(l) THEN [level |-> Below(l), calm |-> 0]
    ELSE [level |-> l, calm |-> k + 1]

(* What an input does to level and calm, and to the history. *)
Settle(l, k, e, t, s, ticks) ==
    \E c \in {ClusterScore(Scores(e, t, s))} : \E next \in {Settled(l, k, c, ticks)} :
        LET more == IF ticks THEN 1 ELSE 0 IN
        /\ level' = next.level
        /\ calm'  = next.calm
        /\ since' = IF next.level # level THEN 0 ELSE Smaller(Calm, since + more)
        /\ quiet' = IF (next.level # None /\ c >= Down[next.level]) \/ proved' # proved THEN 0
                    ELSE Smaller(Calm, quiet + more)

State(e, t) == number' = NextNumber(number) /\ stated' = OwnScore(e, t) /\ unstated' = 0

(* Self sees something suspicious. *)
Observe(kind) ==
    LET e == IF kind = "timing" THEN evidence ELSE Weighed(evidence, Weight[kind])
        t == IF kind = "timing" THEN Timed(timing, Weight[kind]) ELSE timing
    IN  /\ evidence' = e /\ timing' = t
        /\ IF IsToBeStated(OwnScore(evidence, timing), OwnScore(e, t)) THEN State(e, t)
           ELSE UNCHANGED <<number, stated, unstated>>
        /\ UNCHANGED <<score, heard, proved>>
        /\ Settle(level, calm, e, t, score, FALSE)

(* A statement of another replica arrives: number k, score s. *)
Hear(j, k, s) ==
    IF ~IsNews(k, heard[j]) THEN UNCHANGED vars
    ELSE LET heardNow == [score EXCEPT ![j] = Clamped(s)]
         IN  /\ score' = heardNow
             /\ heard' = [heard EXCEPT ![j] = Remembered(k)]
             /\ UNCHANGED <<evidence, timing, number, stated, unstated, proved>>
             /\ Settle(level, calm, evidence, timing, heardNow, FALSE)

(* There is proof against a replica, whoever brought it. *)
Prove(kind, j) ==
    IF ~IsWorse(kind, proved[j]) THEN UNCHANGED vars
    ELSE LET l == WithProof(level, kind)
         IN  /\ proved' = [proved EXCEPT ![j] = kind]
             /\ UNCHANGED <<evidence, timing, score, heard, number, stated, unstated>>
             /\ Settle(l, CalmAfterProof(calm), evidence, timing, score, FALSE)

(* Time goes by. *)
Tick ==
    LET e == Faded(evidence)
        t == Faded(timing)
        s == [j \in Others |-> OtherFaded(score[j])]
        u == Smaller(Restate, unstated + 1)
    IN  /\ evidence' = e /\ timing' = t /\ score' = s
        /\ IF IsToBeRestated(OwnScore(e, t), u) THEN State(e, t)
           ELSE unstated' = u /\ UNCHANGED <<number, stated>>
        /\ UNCHANGED <<heard, proved>>
        /\ Settle(level, calm, e, t, s, TRUE)

(* Self crashes, and comes back with what is on its disk. *)
Restart ==
    /\ level' = KeptLevel /\ heard' = KeptHeard /\ number' = KeptNumber /\ proved' = KeptProved
    /\ calm' = 0 /\ evidence' = 0 /\ timing' = 0 /\ unstated' = 0
    /\ score' = [j \in Others |-> 0]
    /\ UNCHANGED <<stated, since, quiet>>

Next ==
    \/ \E kind \in Suspicion : Observe(kind)
    \/ \E j \in Others, k \in Nat, s \in Int : Hear(j, k, s)
    \/ \E kind \in ProofKind, j \in Replica : Prove(kind, j)
    \/ Tick
    \/ Restart

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Properties *)

TypeOK ==
    /\ level \in Level /\ calm \in 0..(Calm - 1)
    /\ evidence \in 0..ScoreMax /\ timing \in 0..ScoreMax
    /\ score \in [Others -> 0..ScoreMax] /\ heard \in [Others -> Nat]
    /\ number \in Nat /\ stated \in 0..ScoreMax /\ unstated \in 0..Restate
    /\ proved \in [Replica -> ProofKind \cup {Unproved}]
    /\ since \in 0..Calm /\ quiet \in 0..Calm

(* Whoever the liars are. *)
Liars == {B \in SUBSET Others : Cardinality(B) <= MaxFaulty}

(* What all replicas have by what Self knows, and how many of some have at least so much. *)
Known      == Scores(evidence, timing, score)
Have(R, S, c) == Cardinality({j \in R : S[j] >= c})

(* The level rises to one whose threshold some correct replica has reached, or by a new proof. *)
NobodyAlone ==
    [][level' > level /\ proved' = proved => \A B \in Liars : Have(Replica \ B, Known', Up[level']) >= 1]_vars

(* The level is at least what f + 1 correct replicas ask for. *)
Demanded == \A B \in Liars : \A l \in Low..Critical : Have(Replica \ B, Known, Up[l]) > MaxFaulty => level >= l

(* What is seen of timing neither leads to High nor keeps the level there, whatever was seen of it: Self's score is as *)
(* much below what keeps High as without it.                                                                          *)
SlowIsNotHostile ==
    evidence < Down[High] => OwnScore(evidence, timing) < Down[High]

(* A level is left for the next lower one. *)
OneLevelAtATime == [][level' < level => level' = level - 1]_vars

(* What counts as calm is a score below the lower threshold, not only below the one that leads to the level. *)
Hysteresis == [][calm' > calm \/ level' < level => Now' < Down[level]]_vars

(* A level is left after the score was too low for it for the whole dwell, and no proof was new. *)
DwellRespected == [][level' < level => quiet + 1 >= (IF level = Critical THEN Calm ELSE Dwell)]_vars

(* A level is left a dwell after it was entered, or later: so changes are bounded in any time. *)
NoFlapping == [][level' < level => since + 1 >= Dwell]_vars

(* The only way out of Critical is to High, after the whole calm. *)
NoEscape ==
    [][level = Critical /\ level' # Critical => level' = High /\ since + 1 >= Calm /\ quiet + 1 >= Calm]_vars

(* A proof that is new leads to its level in that step. *)
ProofActsAtOnce ==
    [][\A j \in Replica : proved'[j] # proved[j] =>
           level' >= IF proved'[j] = "equivocation" THEN Critical ELSE High]_vars

(* Proof is not forgotten, and only what is graver takes its place. *)
ProofStands ==
    [][\A j \in Replica : proved'[j] = proved[j] \/ proved[j] = Unproved
                          \/ (proved[j] = "tampering" /\ proved'[j] = "equivocation")]_vars

(* Statements that count have growing numbers, of others and of Self. *)
NumbersGrow == [][number' >= number /\ \A j \in Others : heard'[j] >= heard[j]]_vars

(* The score of another replica rises by a new statement only. *)
RisesByNews == [][\A j \in Others : score'[j] > score[j] => heard'[j] > heard[j]]_vars

(* Self states each rise of its score, under a new number, *)
StatesRises ==
    [][OwnScore(evidence, timing)' > OwnScore(evidence, timing)
           => number' > number /\ stated' = OwnScore(evidence, timing)']_vars

(* and is not silent for longer than agreed while it has something to say. *)
NotSilent == OwnScore(evidence, timing) > 0 => unstated < Restate
=============================================================================
