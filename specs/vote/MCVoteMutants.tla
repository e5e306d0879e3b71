--------------------------- MODULE MCVoteMutants ---------------------------
(***************************************************************************)
(* Rules of Vote.tla and MCVote.tla, weakened.  A configuration that must  *)
(* fail puts one of them in the place of the rule; the rest of its text is *)
(* that of a configuration that holds.                                     *)
(***************************************************************************)
EXTENDS MCVote

(* BV, "BFT Vote Counter": at n - f approvals APPROVE, at f + 1 rejections REJECT, by votes and in any round. *)
DocumentRule(r, c) ==
    Cardinality(VotesFor(r, c)) >= IF c = approve THEN Size - MaxFaulty ELSE MaxFaulty + 1

(* BV, "Simple Majority": more than half of the votes. *)
Majority == Size \div 2 + 1

(* One vote, confirmation or statement less makes a quorum. *)
OneLess == (Size + MaxFaulty) \div 2

(* 2f + 1, whatever the number of voters is. *)
TwiceTheFaultyAndOne == 2 * MaxFaulty + 1

(* A round is opened by as many as are sure to hold a correct one. *)
FewAskers == MaxFaulty + 1

(* A voter votes as often as it likes. *)
VotesAgain(i) == TRUE

(* Signatures are not checked: a liar votes in the names of all. *)
Unsigned(m) == m \in messages \/ Byzantine # {}

(* A certificate of votes is the verdict, and nothing is confirmed: BV has no second phase. *)
VotesDecide(r, c) == Cardinality(VotesFor(r, c)) >= QuorumSize

(* Confirmations of any round add up. *)
MixedRounds(r, c) ==
    Cardinality(UNION {ConfirmsFor(s, c) : s \in Rounds}) >= QuorumSize

(* A voter votes in a new round as it likes, whatever the opening tells of: BV, "retry". *)
AsItLikes(i, c) == TRUE

(* A voter tells of no certificate. *)
TellsNothing(i) == NoLock

(* A voter tells of its certificate as if it were of a later round. *)
TellsOfLater(i) == IF lock[i] = NoLock THEN NoLock ELSE [lock[i] EXCEPT !.round = round[i] + 1]

(* An opening goes by any of the locks, not by the latest. *)
AnyLock(l, latest) == TRUE

(* The votes behind a lock are not checked. *)
Believed(l, r) == l = NoLock \/ l.round \in 1..r - 1

(* A voter that has given up a round still confirms in it. *)
ConfirmsLate(i) == TRUE

(* A voter loses its lock when it enters a round. *)
LosesLock(i) == NoLock

(* A voter enters the round that it is in once more. *)
EntersTwice(r, own, asked) == r >= own

(* A voter enters whatever round is opened. *)
EntersAnything(r, own, asked) == TRUE

(* Votes of different rounds convict. *)
OfAnyRounds(m, n) == m.choice # n.choice

(* A counter judges again. *)
JudgesAgain(k) == TRUE
=============================================================================
