-------------------------------- MODULE Vote --------------------------------
(***************************************************************************)
(* A ballot among voters of which some are Byzantine: APPROVE, REJECT, or  *)
(* no consensus and another round, with any number of counters.            *)
(*                                                                         *)
(* Sources: the project document on Byzantine consensus voting, here "BV", *)
(* whose rule is refuted (`DocumentRule` in MCVoteMutants.tla) and whose   *)
(* thresholds are repaired.  What keeps a decision over rounds is the view *)
(* change of Castro and Liskov, "Practical Byzantine Fault Tolerance"      *)
(* (OSDI 1999), here "PBFT"; Tendermint's lock is the same idea.           *)
(*                                                                         *)
(* A round.  Each voter signs one vote in it.  A quorum of votes of one    *)
(* round for one choice is a certificate.  Who sees one, confirms it.  A   *)
(* quorum of confirmations of one round for one choice is the verdict.     *)
(* Who gives up a round signs that he asks for the next, and which         *)
(* certificate he confirmed last, his lock.  A quorum of those opens the   *)
(* next round: if they tell of locks, voters vote in it for the choice of  *)
(* the latest one, and are free otherwise.                                 *)
(*                                                                         *)
(* Counters are messengers.  They collect what voters signed, carry        *)
(* certificates and openings to voters, and read the verdict off.  All     *)
(* that they carry proves itself, so any number of them may lie, crash or  *)
(* contradict each other, and need not be modelled but by their verdicts.  *)
(*                                                                         *)
(* The network.  `messages` is the set of all that correct voters ever     *)
(* signed; it may arrive late, twice, in any order or never.  Byzantine    *)
(* voters sign anything in their own names, to each hearer something else, *)
(* and nothing in others'.  So whatever they might say counts as said      *)
(* (`Said`), and is not stored, as in specs/pbft.                          *)
(*                                                                         *)
(* One step is an input that makes a difference: the vote that completes a *)
(* certificate, not those before it.                                       *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Voter,        \* all voters
    Byzantine,    \* those that are faulty, arbitrarily
    MaxFaulty,    \* how many faulty ones are allowed for: f
    Counter,      \* the correct counters
    Choice,       \* what may be voted for
    Nothing       \* no choice

Correct == Voter \ Byzantine
Size    == Cardinality(Voter)

ASSUME /\ Byzantine \subseteq Voter
       /\ MaxFaulty \in Nat
       /\ Nothing \notin Choice

-----------------------------------------------------------------------------
(* Variables *)

VARIABLES
    messages,    \* all that correct voters signed
    \* Of each correct voter:
    round,       \* the round that it is in, or that it asks for
    waiting,     \* whether it has given up the round before and not entered this one
    bound,       \* the choice that it must vote for in its round; Nothing if it is free
    lock,        \* [round, choice]: the certificate that it confirmed last; NoLock
    \* Of each correct counter:
    judged,      \* [round, choice]: the verdict; Nothing is no consensus, so far
    convicted    \* the voters against whom it has proof

vars == <<messages, round, waiting, bound, lock, judged, convicted>>

NoLock == [round |-> 0, choice |-> Nothing]

-----------------------------------------------------------------------------
(* Messages *)

VoteMessage(i, r, c)    == [type |-> "Vote", source |-> i, round |-> r, choice |-> c]
ConfirmMessage(i, r, c) == [type |-> "Confirm", source |-> i, round |-> r, choice |-> c]
(* `round` is the one that is asked for.  The votes behind the lock are not written out: `IsTellable`. *)
RetryMessage(i, r, l)   == [type |-> "Retry", source |-> i, round |-> r, lock |-> l]

Send(m) == messages' = messages \cup {m}

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

(* What may have arrived by now, with the signature of whom it names. *)
Said(m) == m \in messages \/ m.source \in Byzantine

(* The least number of voters of which any two sets share a correct one, for any n and f: models/vote.py. *)
QuorumSize == (Size + MaxFaulty) \div 2 + 1

(* How many ask for a round before it is opened. *)
AskersNeeded == QuorumSize

(* A correct voter signs one vote in a round. *)
MayVote(i) == \A m \in messages : ~(m.type = "Vote" /\ m.source = i /\ m.round = round[i])

(* For what. *)
MayChoose(i, c) == bound[i] \in {Nothing, c}

(* A voter that has given up a round confirms nothing in it any more. *)
MayConfirm(i) == ~waiting[i]

(* What a voter tells when it gives up, and what it keeps of its lock in the next round. *)
Told(i) == lock[i]
Kept(i) == lock[i]

(* Which round a voter enters: the one that it asks for, or a later one; and none twice. *)
MayEnter(r, own, asked) == r > own \/ (r = own /\ asked)

(* Which locks an opening may tell of beside the one that it goes by: earlier ones. *)
MayStandBeside(l, latest) == l.round <= latest.round

VotesFor(r, c)    == {i \in Voter : Said(VoteMessage(i, r, c))}
ConfirmsFor(r, c) == {i \in Voter : Said(ConfirmMessage(i, r, c))}

IsCertified(r, c) == Cardinality(VotesFor(r, c)) >= QuorumSize

(* Whether there are confirmations enough. *)
IsConfirmed(r, c) == Cardinality(ConfirmsFor(r, c)) >= QuorumSize

(* Whether a lock can be proved where round r is asked for. *)
IsTellable(l, r) == l = NoLock \/ (l.round \in 1..r - 1 /\ IsCertified(l.round, l.choice))

(* What convicts a voter: two votes of one round. *)
Contradict(m, n) == m.round = n.round /\ m.choice # n.choice

(* A counter has one verdict. *)
MayJudge(k) == judged[k].choice = Nothing

-----------------------------------------------------------------------------
(* Voters *)

(* A voter votes, by its own judgement if it is free. *)
Vote(i, c) ==
    /\ ~waiting[i]
    /\ MayVote(i)
    /\ MayChoose(i, c)
    /\ Send(VoteMessage(i, round[i], c))
    /\ UNCHANGED <<round, waiting, bound, lock, judged, convicted>>

(* A certificate of its round arrives: it confirms, and is locked. *)
Confirm(i, c) ==
    LET r == round[i] - (IF waiting[i] THEN 1 ELSE 0)  \* the round that it was in last
    IN  /\ MayConfirm(i)
        /\ lock[i].round < r
        /\ IsCertified(r, c)
        /\ lock' = [lock EXCEPT ![i] = [round |-> r, choice |-> c]]
        /\ Send(ConfirmMessage(i, r, c))
        /\ UNCHANGED <<round, waiting, bound, judged, convicted>>

(* It gives up its round, because a counter says that there is no consensus, or because it has waited long   *)
(* enough; or gives up waiting for the one that it asked for.                                                *)
GiveUp(i) ==
    /\ round' = [round EXCEPT ![i] = @ + 1]
    /\ waiting' = [waiting EXCEPT ![i] = TRUE]
    /\ bound' = [bound EXCEPT ![i] = Nothing]
    /\ Send(RetryMessage(i, round[i] + 1, Told(i)))
    /\ UNCHANGED <<lock, judged, convicted>>

(* Who may say, asking for round r, that its lock is no later than l. *)
Tellers(r, l) ==
    Byzantine \cup {m.source : m \in {n \in messages : n.type = "Retry" /\ n.round = r /\ MayStandBeside(n.lock, l)}}

(* Whether somebody tells of this lock, asking for round r. *)
IsTold(r, l) ==
    \/ \E m \in messages : m.type = "Retry" /\ m.round = r /\ m.lock = l
    \/ Byzantine # {} /\ IsTellable(l, r)

(* The latest locks of openings of round r. *)
Openings(r) ==
    {l \in {NoLock} \cup [round : 1..r - 1, choice : Choice] :
        IsTold(r, l) /\ Cardinality(Tellers(r, l)) >= AskersNeeded}

(* An opening of round r arrives, the latest lock of which is l. *)
Enter(i, r, l) ==
    /\ MayEnter(r, round[i], waiting[i])
    /\ l \in Openings(r)
    /\ round' = [round EXCEPT ![i] = r]
    /\ waiting' = [waiting EXCEPT ![i] = FALSE]
    /\ bound' = [bound EXCEPT ![i] = l.choice]
    /\ lock' = [lock EXCEPT ![i] = Kept(i)]
    /\ UNCHANGED <<messages, judged, convicted>>

-----------------------------------------------------------------------------
(* Counters *)

(* A counter hears two votes that contradict each other: it counts nothing more of who signed them. *)
Convict(k, i) ==
    /\ i \notin convicted[k]
    /\ \/ i \in Byzantine
       \/ \E m, n \in messages : m.type = "Vote" /\ n.type = "Vote" /\ m.source = i /\ n.source = i /\ Contradict(m, n)
    /\ convicted' = [convicted EXCEPT ![k] = @ \cup {i}]
    /\ UNCHANGED <<messages, round, waiting, bound, lock, judged>>

Least(m, n) == IF m < n THEN m ELSE n

(* Of the votes of correct voters for c in round r, as many as are no certificate; and how many more were none. *)
Honest(k, r, c) == Least(Cardinality((VotesFor(r, c) \cap Correct) \ convicted[k]), QuorumSize - 1)
Room(k, r, c)   == QuorumSize - 1 - Honest(k, r, c)

RECURSIVE Sum(_, _)
Sum(f, S) == IF S = {} THEN 0 ELSE LET x == CHOOSE y \in S : TRUE IN f[x] + Sum(f, S \ {x})

(* How many voters counter k may have heard in round r without a certificate.  Liars vote where there is room. *)
Heard(k, r) ==
    Sum([c \in Choice |-> Honest(k, r, c)], Choice)
        + Least(Cardinality(Byzantine \ convicted[k]), Sum([c \in Choice |-> Room(k, r, c)], Choice))

(* Of so many votes a counter says that there is no consensus, if no choice has a quorum of them: it waits   *)
(* for no more, as f voters may be silent for ever.                                                          *)
HeardEnough(n) == n >= Size - MaxFaulty

Report(k, r) ==
    /\ MayJudge(k)
    /\ r > judged[k].round
    /\ HeardEnough(Heard(k, r))
    /\ judged' = [judged EXCEPT ![k] = [round |-> r, choice |-> Nothing]]
    /\ UNCHANGED <<messages, round, waiting, bound, lock, convicted>>

(* The last confirmation arrives that a verdict needs, of whatever round; or somebody shows a verdict.  That proves *)
(* itself, also to a counter that has convicted one of those who confirmed: quorums share a correct voter, whatever *)
(* liars sign.  So convictions do not count here.                                                                   *)
Decide(k, r, c) ==
    /\ MayJudge(k)
    /\ IsConfirmed(r, c)
    /\ judged' = [judged EXCEPT ![k] = [round |-> r, choice |-> c]]
    /\ UNCHANGED <<messages, round, waiting, bound, lock, convicted>>

-----------------------------------------------------------------------------

Init ==
    /\ messages = {}
    /\ round = [i \in Correct |-> 1]
    /\ waiting = [i \in Correct |-> FALSE]
    /\ bound = [i \in Correct |-> Nothing]
    /\ lock = [i \in Correct |-> NoLock]
    /\ judged = [k \in Counter |-> NoLock]
    /\ convicted = [k \in Counter |-> {}]

(* The rounds in which a correct voter may have said something. *)
Rounds == 1..(IF Correct = {} THEN 1 ELSE CHOOSE r \in {round[i] : i \in Correct} : \A i \in Correct : round[i] <= r)

Next ==
    \/ \E i \in Correct :
           \/ \E c \in Choice : Vote(i, c) \/ Confirm(i, c)
           \/ GiveUp(i)
           \/ \E r \in Rounds : \E l \in Openings(r) : Enter(i, r, l)
    \/ \E k \in Counter :
           \/ \E i \in Voter : Convict(k, i)
           \/ \E r \in Rounds : Report(k, r) \/ \E c \in Choice : Decide(k, r, c)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsLock(l) == l = NoLock \/ (l.round \in Nat \ {0} /\ l.choice \in Choice)

TypeOK ==
    /\ \A m \in messages :
           /\ m.source \in Correct /\ m.round \in Nat \ {0}
           /\ CASE m.type \in {"Vote", "Confirm"} -> m.choice \in Choice
                [] m.type = "Retry" -> IsLock(m.lock) /\ m.lock.round < m.round
                [] OTHER -> FALSE
    /\ \A i \in Correct :
           /\ round[i] \in Nat \ {0} /\ waiting[i] \in BOOLEAN /\ bound[i] \in Choice \cup {Nothing}
           /\ IsLock(lock[i]) /\ lock[i].round <= round[i]
    /\ \A k \in Counter : judged[k].round \in Nat /\ judged[k].choice \in Choice \cup {Nothing}

Decided == {judged[k] : k \in Counter} \cap [round : Rounds, choice : Choice]

(* No two counters have different verdicts, whatever each of them heard, in whatever rounds. *)
Agreement == \A d, e \in Decided : d.choice = e.choice

(* There is at most one certificate in a round: two share a correct voter, which votes once. *)
CertificatesAgree == \A r \in Rounds : \A c, d \in Choice : IsCertified(r, c) /\ IsCertified(r, d) => c = d

(* What can be confirmed in a round is all that can be certified in it and later. *)
DecisionsStand ==
    \A r \in Rounds : \A c \in Choice :
        IsConfirmed(r, c) => \A s \in Rounds : s >= r => \A d \in Choice \ {c} : ~IsCertified(s, d)

(* After a verdict nothing else is certified, in its round or later. *)
VerdictIsLast == \A d \in Decided : \A s \in Rounds : s >= d.round => \A c \in Choice \ {d.choice} : ~IsCertified(s, c)

(* The verdict of a round has the votes of more than half of the correct voters in it: that is what "correct even with *)
(* f faulty voters" can mean.                                                                                          *)
Supported == \A d \in Decided : 2 * Cardinality(VotesFor(d.round, d.choice) \cap Correct \cap {m.source : m \in messages}) > Cardinality(Correct)

(* A correct voter signs one vote in a round. *)
VotesOnce ==
    LET votes == {m \in messages : m.type = "Vote"}
    IN  Cardinality({[source |-> m.source, round |-> m.round] : m \in votes}) = Cardinality(votes)

(* No counter takes a correct voter for a liar. *)
OnlyLiarsConvicted == \A k \in Counter : convicted[k] \subseteq Byzantine

-----------------------------------------------------------------------------
(* Properties of steps *)

RoundsGrow == [][\A i \in Correct : round'[i] >= round[i]]_vars

(* An opening binds a voter once: in a round that it is in, nothing binds it to something else. *)
BindsOnce == [][\A i \in Correct : round'[i] = round[i] /\ ~waiting[i] => bound'[i] = bound[i]]_vars

(* A lock gives way only to a later one. *)
LocksGrow == [][\A i \in Correct : lock'[i] = lock[i] \/ lock'[i].round > lock[i].round]_vars

(* A verdict stands. *)
VerdictStands == [][\A k \in Counter : judged[k].choice \in Choice => judged'[k] = judged[k]]_vars
=============================================================================
