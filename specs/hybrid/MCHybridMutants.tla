-------------------------- MODULE MCHybridMutants --------------------------
(***************************************************************************)
(* The hybrid with one rule weakened at a time.  Each definition replaces  *)
(* a rule of Hybrid.tla in a configuration mutant_*.cfg, which is checked  *)
(* within the bounds of a configuration that holds, and must fail.         *)
(* manifest.toml names the property that each one breaks; the ids in       *)
(* brackets are those of public bugs of that kind.                         *)
(***************************************************************************)
EXTENDS MCHybrid

(* Raft's majority: two majorities may share a faulty replica only [HY-03]. *)
Majority == Size \div 2 + 1

(* 2f + 1, which is a quorum for n = 3f + 1 only. *)
TwiceFaultyAndOne == 2 * MaxFaulty + 1

(* f + 1 answers, which suffice only where operations are decided before they are executed. *)
FaultyAndOne == MaxFaulty + 1

(* One replica suffices to make others abort, or to name the threat [HY-07]; f suffice to switch back. *)
One      == 1
JustFaulty == MaxFaulty

(* One abort less. *)
OneAbortLess == Size - MaxFaulty - 1

(* In Raft epochs three of four serve, none of which may be faulty: another n, and another f [HY-18]. *)
ThreeServe == [members |-> {CHOOSE i \in Replica : i \in Byzantine} \cup (CHOOSE S \in SUBSET Correct : Cardinality(S) = 2),
               faulty |-> 0]

(* Votes of any epoch count [HY-08]. *)
AnyEpoch(e, a) == TRUE

(* Answers of different terms count together. *)
AnyTerm(t, a) == TRUE

(* The lock of any one replica is handed over [HY-01]. *)
Anybodys(S) == {s.locked.prefix : s \in S}

(* The QCs of the lowest term, or the shortest of the highest; or the longest prefix of all terms. *)
Lowest(H)   == {h \in H : \A g \in H : h.term <= g.term}
Shortest(H) == {h \in H : \A g \in H : Len(h.prefix) <= Len(g.prefix)}
AnyHeight(H) == H

(* Raft continues in a replica that has aborted [HY-02]. *)
GoesOn(i) == TRUE

(* Without A1: terms need not grow, or the prefixes of a term need not. *)
AnyTermAgain(i, t) == TRUE
AnyPrefix(i, t, c)  == TRUE

(* Without A2. *)
NoLock(i, c) == TRUE

(* Without H1: a replica locks an older QC than it voted for, or than its lock. *)
VotedHigher(i, t) == TRUE
AnyQC(i, t, c)  == [term |-> t, prefix |-> c] # locked[i]

(* Each replica switches by itself, with its own lock and without the control log [HY-05]. *)
OwnEnd(i) ==
    (IF Len(known[i]) < Len(controlLog) THEN {controlLog[Len(known[i]) + 1]} ELSE {})
    \cup (IF aborted[i] /\ EpochOf(i) < MaxEpoch THEN {EpochEndEntry(locked[i].prefix, "Raft")} ELSE {})

(* No cooldown [HY-06]. *)
AlarmOff(i) == alarm[i] # "On"

(* A Raft epoch starts with the state of the slowest replica that voted to switch back [HY-11]. *)
LeastKnown(C) ==
    LET lengths == {Len(known[i]) : i \in C \cap Correct}
    IN  CHOOSE n \in lengths : \A m \in lengths : n <= m

(* An operation is applied each time that it is decided. *)
AppliesAgain(s, v) == TRUE

(* A crash loses the epoch, the last vote, the lock or the abort [HY-10]; or the prefix of the lock. *)
ForgetsEpoch(i) == <<>>
ForgetsVote(i)   == Nothing
ForgetsLock(i)  == Nothing
ForgetsAbort(i)  == FALSE
ForgetsPrefix(i) == [locked[i] EXCEPT !.prefix = <<>>]
=============================================================================
