---------------------------- MODULE HotStuffViews ----------------------------
(***************************************************************************)
(* Chained HotStuff, view by view: the votes of a view are taken together, *)
(* and views come in their order.  Small enough to be exhausted where the  *)
(* bugs of the protocol are: the wrong rules need four to six views.       *)
(*                                                                         *)
(* Sources: Yin, Malkhi, Reiter, Golan Gueta and Abraham, "HotStuff: BFT   *)
(* Consensus in the Lens of Blockchain" (PODC 2019), here "paper";         *)
(* Gelashvili et al., "Jolteon and Ditto" (FC 2022), here "Jolteon", for   *)
(* chains of two.                                                          *)
(*                                                                         *)
(* Why it suffices.  A vote in view v depends on two things: on the voter, *)
(* by its earlier votes, which are in earlier views because a replica's    *)
(* votes rise; and on a certificate for the parent, whose votes are in an  *)
(* earlier view because views rise along a chain.  So the votes of any     *)
(* behaviour of HotStuff.tla, sorted by their views, are a behaviour in    *)
(* which each vote still finds what it depends on.  Who votes when is      *)
(* otherwise free here, as it is there: leaders may be Byzantine, time-    *)
(* outs may fall anywhere.  Where a replica learns more than it votes for, *)
(* its lock is higher, and a higher lock only forbids: a block that        *)
(* extends the higher lock, or has a parent beyond it, has a parent beyond *)
(* the lower one.  A block is known by its view, since a view has one      *)
(* certificate at most (CertificatesAgree of HotStuff.tla; for any n by    *)
(* models/hotstuff.py).  property_tests/hotstuff/by_view checks by          *)
(* machine that each behaviour of the message grain, within its bounds,    *)
(* and each simulated run ends in a state that is reached here.            *)
(*                                                                         *)
(* The argument needs locks that change by votes alone, and rise; a rule   *)
(* that loses them has its own place in the order (`AfterCrash`).          *)
(*                                                                         *)
(* Replicas are alike, so that a state says how many are locked where.     *)
(* Byzantine ones vote for whatever would otherwise lack their votes.      *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Size,         \* how many replicas there are: n
    MaxFaulty,    \* how many faulty ones are allowed for: f
    Liars,        \* how many are Byzantine
    ChainLength,  \* how many blocks in a row commit: 3 (paper), 2 (Jolteon)
    MaxView       \* the last view

ASSUME /\ ChainLength \in {2, 3}
       /\ Liars \in 0..Size

VARIABLES
    parents,    \* of each view so far: the view of the parent of the block certified in it, or Nothing
    locks,      \* of each view: how many correct replicas are locked in it
    committed,  \* the views of all blocks that could ever have been committed, with their ancestors
    event       \* the last step, for replay; configurations hide it with VIEW

vars == <<parents, locks, committed>>

Nothing == -1

(* The view that is next. *)
Now == Len(parents) + 1

Parent(v) == IF v = 0 THEN 0 ELSE parents[v]

Certified == {0} \cup {v \in DOMAIN parents : parents[v] # Nothing}

RECURSIVE IsAncestor(_, _)
IsAncestor(a, b) == IF b <= a THEN a = b ELSE IsAncestor(a, Parent(b))

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

QuorumSize == (Size + MaxFaulty) \div 2 + 1

(* How many votes of correct replicas a certificate needs. *)
VotesNeeded == QuorumSize - Liars

Greater(v, w) == IF v > w THEN v ELSE w

(* The lock of a replica with lock l that votes for a child of the block of p.  With chains of two it stands  *)
(* for the highest certificate that the replica knows.                                                         *)
Target(p)     == IF ChainLength = 3 THEN Parent(p) ELSE p
Locked(l, p)  == Greater(l, Target(p))

(* The least that the highest certificate in a time-out certificate can be: it has time-outs of a quorum, so   *)
(* many of which are of correct replicas.                                                                      *)
LeastHigh ==
    LET UpTo(h) == {l \in 0..h : locks[l] > 0}
        RECURSIVE Sum(_)
        Sum(S) == IF S = {} THEN 0 ELSE LET l == CHOOSE k \in S : TRUE IN locks[l] + Sum(S \ {l})
    IN  CHOOSE h \in 0..MaxView : Sum(UpTo(h)) >= VotesNeeded /\ (h = 0 \/ Sum(UpTo(h - 1)) < VotesNeeded)

(* Whether a replica with lock l votes for a child of the block of p: safeNode (paper, algorithm 1); or, with  *)
(* chains of two, by what a time-out certificate tells of (Jolteon, figure 2).                                 *)
MayVote(l, p) ==
    IF ChainLength = 3 THEN p > l \/ IsAncestor(l, p)
    ELSE p = Now - 1 \/ p >= LeastHigh

(* Blocks of these views are in a row. *)
InARow(v, p) == v = p + 1

(* The block that the certificate of view v commits, as a set. *)
CommittedBy(v, p) ==
    IF p < 1 \/ ~InARow(v, p) THEN {}
    ELSE IF ChainLength = 2 THEN {p}
    ELSE {g \in {Parent(p)} : g > 0 /\ InARow(p, g)}

WithAncestors(S) == {a \in 1..MaxView : \E g \in S : a <= g /\ IsAncestor(a, g)}

(* What crashes leave of the locks. *)
AfterCrash(L) == {L}

-----------------------------------------------------------------------------
(* What votes of correct replicas can come to in a view: pairs of a tally, [parent -> votes], and the locks    *)
(* afterwards.  One replica after the other, those with lock l first.                                          *)

Choices(l) == {p \in Certified : MayVote(l, p)}

With(S, l) ==
    {[tally |-> s.tally, locks |-> [s.locks EXCEPT ![l] = @ + 1]] : s \in S}
    \cup {[tally |-> [s.tally EXCEPT ![p] = @ + 1], locks |-> [s.locks EXCEPT ![Locked(l, p)] = @ + 1]] : s \in S, p \in Choices(l)}

RECURSIVE Times(_, _, _)
Times(S, l, k) == IF k = 0 THEN S ELSE Times(With(S, l), l, k - 1)

RECURSIVE From(_, _)
From(S, l) == IF l > MaxView THEN S ELSE From(Times(S, l, locks[l]), l + 1)

Outcomes ==
    LET none == [tally |-> [p \in Certified |-> 0], locks |-> [l \in 0..MaxView |-> 0]]
    IN  UNION {{[block |-> b, locks |-> s.locks] : b \in {Nothing} \cup {p \in Certified : s.tally[p] >= VotesNeeded}}
               : s \in From({none}, 0)}

(* One view: votes are given, and perhaps a block is certified, a child of the block of view o.block. *)
PlayView ==
    /\ Now <= MaxView
    /\ \E o \in Outcomes : \E L \in AfterCrash(o.locks) :
           /\ parents' = Append(parents, o.block)
           /\ locks' = L
           /\ committed' = committed \cup (IF o.block = Nothing THEN {} ELSE WithAncestors(CommittedBy(Now, o.block)))
           /\ event' = [action |-> "PlayView", block |-> o.block, locks |-> L]

Init ==
    /\ parents = <<>>
    /\ locks = [l \in 0..MaxView |-> IF l = 0 THEN Size - Liars ELSE 0]
    /\ committed = {}
    /\ event = [action |-> "Init"]

Spec == Init /\ [][PlayView]_<<vars, event>>

ViewsView == vars

-----------------------------------------------------------------------------
(* Invariants *)

(* Locks are on what was certified. *)
LocksCertified == \A l \in 0..MaxView : locks[l] > 0 => l \in Certified

(* Of any two committed blocks one is an ancestor of the other. *)
Agreement == \A a, b \in committed : a <= b => IsAncestor(a, b)

(* Whatever is certified after a block that three in a row committed extends it: a quorum is locked on it, or   *)
(* beyond.  (Not so for its ancestors, beside which forks may have been certified before.)                      *)
CommitsAreExtended ==
    \A v \in Certified \ {0} : \A a \in CommittedBy(v, parents[v]) : \A d \in Certified : d >= a => IsAncestor(a, d)

-----------------------------------------------------------------------------
(* Witnesses.  Each must be violated: the trace shows the situation. *)

NothingCommitted == committed = {}
(* Something is committed behind a view without a certificate. *)
NoCommitAfterGap == \A a \in committed : \A v \in 1..a : parents[v] # Nothing
(* Two blocks are certified of which neither extends the other. *)
NoFork == \A a, b \in Certified : a <= b => IsAncestor(a, b)
(* Something is committed while a fork is certified. *)
NoCommitBesideFork == committed = {} \/ NoFork
(* Some correct replica is locked on a block that a committed one does not extend, and that does not extend it. *)
NoStaleLock == \A a \in committed : \A l \in Certified : locks[l] > 0 => IsAncestor(a, l) \/ IsAncestor(l, a)

-----------------------------------------------------------------------------
(* Weakened rules.  The ids in brackets are those of public bugs. *)

(* One vote less than a quorum. *)
OneLess == (Size + MaxFaulty) \div 2

(* Chains of two commit while locks are those of three [HS-03]. *)
TwoInARow(v, p) == IF p >= 1 /\ v = p + 1 THEN {p} ELSE {}

(* Views need not be consecutive [HS-02]. *)
AnyViews(v, p) == TRUE

(* A replica votes for any block with a certified parent [HS-01]. *)
AnyBlock(l, p) == TRUE

(* A lock is taken one block too late. *)
LateLock(l, p) == Greater(l, Parent(Parent(p)))

(* The last lock is kept, not the highest. *)
AnyLock(l, p) == Parent(p)

(* A crash takes the lock [HS-07, HS-08]. *)
RECURSIVE Losing(_, _)
Losing(L, l) ==
    IF l = 0 THEN {L}
    ELSE UNION {Losing([L EXCEPT ![l] = @ - k, ![0] = @ + k], l - 1) : k \in 0..L[l]}
LosesLocks(L) == Losing(L, MaxView)

(* A replica locks what it votes for. *)
LocksOwn(l, p) == Now

(* With chains of two: whatever time-out certificates tell of, the lock of three decides; or nothing does. *)
IgnoresTimeouts(l, p) == TRUE

(* Two rules that are as safe: the parent is of no lower view than the lock, whatever it extends; and the lock *)
(* is on the parent, one block earlier than it need be.                                                        *)
ByViewOnly(l, p) == p >= l
LocksParent(l, p) == Greater(l, p)
=============================================================================
