-------------------------- MODULE MCHybridMutants --------------------------
(***************************************************************************)
(* The hybrid with one rule weakened at a time.  Each definition takes the *)
(* place of a rule of Hybrid.tla in a configuration mutant_*.cfg, which is *)
(* checked within the bounds of a configuration that holds, and must fail. *)
(* manifest.toml names the property that each one breaks; the ids in       *)
(* brackets are those of the public bugs with that shape.                  *)
(***************************************************************************)
EXTENDS MCHybrid

(* Raft's own majority: two of them share one replica, which may be faulty [HY-03]. *)
Majority == Size \div 2 + 1

(* 2f + 1, which is a quorum of 3f + 1 replicas only. *)
TwiceFaultyAndOne == 2 * MaxFaulty + 1

(* f + 1 answers, as they suffice where each was decided before it was executed. *)
FaultyAndOne == MaxFaulty + 1

(* One replica suffices to make others stop, or to name the threat [HY-07]; f suffice to open. *)
One      == 1
JustFaulty == MaxFaulty

(* A stop less. *)
OneStopLess == Size - MaxFaulty - 1

(* In Raft epochs three of four serve, of whom none may be faulty: another n, and another f [HY-18]. *)
ThreeServe == [members |-> {CHOOSE i \in Replica : i \in Byzantine} \cup (CHOOSE S \in SUBSET Correct : Cardinality(S) = 2),
               faulty |-> 0]

(* Acks count whatever epoch they are of [HY-08]. *)
AnyEpoch(e, a) == TRUE

(* Answers count together whatever their terms. *)
AnyTerm(t, a) == TRUE

(* What one replica holds is handed over, whichever it is [HY-01]. *)
Anybodys(S) == {s.held.chain : s \in S}

(* The seals of the lowest term, or the shortest of the highest; or the longest chain of all terms. *)
Lowest(H)   == {h \in H : \A g \in H : h.term <= g.term}
Shortest(H) == {h \in H : \A g \in H : Len(h.chain) <= Len(g.chain)}
AnyHeight(H) == H

(* Raft goes on in a replica that has stopped [HY-02]. *)
GoesOn(i) == TRUE

(* Without A1: terms need not grow, or chains of a term need not. *)
AnyTermAgain(i, t) == TRUE
AnyChain(i, t, c)  == TRUE

(* Without A2. *)
NoLock(i, c) == TRUE

(* Without H1: a replica holds an older seal than it acked, or than it holds. *)
AckedHigher(i, t) == TRUE
AnySeal(i, t, c)  == [term |-> t, chain |-> c] # held[i]

(* Each switches by itself, with what it holds, and needs no book [HY-05]. *)
OwnClose(i) ==
    (IF Len(known[i]) < Len(book) THEN {book[Len(known[i]) + 1]} ELSE {})
    \cup (IF stopped[i] /\ EpochOf(i) < MaxEpoch THEN {CloseEntry(held[i].chain, "Raft")} ELSE {})

(* No dwelling [HY-06]. *)
NotAlarmed(i) == mood[i] # "Alarmed"

(* A Raft epoch begins with what the last of those who are calm has executed [HY-11]. *)
LeastKnown(C) ==
    LET lengths == {Len(known[i]) : i \in C \cap Correct}
    IN  CHOOSE n \in lengths : \A m \in lengths : n <= m

(* An operation is applied as often as it is decided. *)
AppliesAgain(s, v) == TRUE

(* A crash loses the epoch, the last ack, the seal or the stop [HY-10]; or the chain of the seal. *)
ForgetsEpoch(i) == <<>>
ForgetsAck(i)   == Nothing
ForgetsSeal(i)  == Nothing
ForgetsStop(i)  == FALSE
ForgetsChain(i) == [held[i] EXCEPT !.chain = <<>>]
=============================================================================
