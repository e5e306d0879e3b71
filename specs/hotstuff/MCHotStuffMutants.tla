--------------------------- MODULE MCHotStuffMutants --------------------------
(***************************************************************************)
(* HotStuff with one rule weakened at a time.  Each definition takes the   *)
(* place of a rule of HotStuff.tla, within the bounds of a configuration   *)
(* that holds, and must fail.  The rules on locks, and most on commits,    *)
(* break only after four to six views: HotStuffViews.tla has those.  The   *)
(* ids in brackets are those of public bugs.                               *)
(***************************************************************************)
EXTENDS MCHotStuff

(* One vote less, or one time-out less, makes a certificate [HS-15]. *)
OneLess == (Size + MaxFaulty) \div 2

(* A replica votes again in a view [HS-08]. *)
VotesAgain(i, v) == v >= voted[i]

(* A replica votes in a view in which it has timed out [HS-23]. *)
VotesLate(i, v) == TRUE

(* Anybody proposes [HS-14]. *)
AnybodyProposes(i, v) == TRUE

(* A leader proposes again in its view. *)
ProposesAgain(i) == TRUE

(* Nobody looks at the certificate in a block [HS-01]. *)
Unjustified(b) == TRUE

(* A certificate that comes with a fetched block, or a time-out, locks nothing [HS-21]. *)
LocksNothing(p) == Genesis

(* f time-outs take a replica along: a Byzantine one draws it wherever it likes. *)
JoinsAlone == MaxFaulty

(* A certificate commits its own block. *)
CommitsAtOnce(p) == p

(* A crash takes the last vote [HS-08], the lock [HS-07]; or a replica comes back in the view of its certificate [HS-10]. *)
ForgetsVote(i) == 0
ForgetsLock(i) == Genesis
ComesBackLow(i) == View(high[i])
=============================================================================
