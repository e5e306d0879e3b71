------------------------------- MODULE MCVote -------------------------------
(***************************************************************************)
(* Ballots made finite for TLC.  Every bound is a guard on an action; none *)
(* is a state constraint.                                                  *)
(***************************************************************************)
EXTENDS VoteEvents, TLC

CONSTANTS
    v1, v2, v3, v4, v5, v6, v7,  \* the voters; a configuration uses the first of them
    k1, k2, k3,                  \* counters, likewise
    approve, reject, none,
    MaxRound,    \* rounds are asked for up to this one
    Impatient,   \* the voters that give up rounds
    Convicts     \* whether counters convict

MCVars == <<vars, event>>

FourVoters  == {v1, v2, v3, v4}
FiveVoters  == {v1, v2, v3, v4, v5}
SevenVoters == {v1, v2, v3, v4, v5, v6, v7}

(* Which votes there are; a configuration may replace it. *)
MayWant(i, c) == TRUE

(* Two vote, the others abstain and confirm. *)
TwoVote(i, c) == i \in {v1, v2}

(* Two vote, the others abstain and confirm.  Who is free approves in odd rounds, and rejects in even ones. *)
ChangeTheirMinds(i, c) == i \in {v1, v2} /\ (bound[i] # none \/ c = IF round[i] % 2 = 1 THEN approve ELSE reject)

(* When counters say that there is no consensus; a configuration may replace it. *)
MayReport(k) == TRUE
Never(k)     == FALSE

MCInit == EventInit

MCNext ==
    \/ \E i \in Correct : \E c \in Choice : MayWant(i, c) /\ VoteEvent(i, c)
    \/ \E i \in Correct : \E c \in Choice : ConfirmEvent(i, c)
    \/ \E i \in Correct \cap Impatient : round[i] < MaxRound /\ GiveUpEvent(i)
    \/ \E i \in Correct : \E r \in Rounds : MayEnter(r, round[i], waiting[i]) /\ \E l \in Openings(r) : EnterEvent(i, r, l)
    \/ Convicts /\ \E k \in Counter : \E i \in Voter : ConvictEvent(k, i)
    \/ \E k \in Counter : MayReport(k) /\ \E r \in Rounds : ReportEvent(k, r)
    \/ \E k \in Counter : \E r \in Rounds : \E c \in Choice : DecideEvent(k, r, c)

MCSpec == MCInit /\ [][MCNext]_MCVars

MCView == vars

(* Correct voters may change places where all of them are as impatient and want the same, counters always, and the   *)
(* choices where no rule tells them apart.  Sound for safety, never used for liveness.                               *)
Voters   == Permutations(Correct \cap Impatient) \cup Permutations(Correct \ Impatient) \cup Permutations(Counter)
Symmetry == Voters \cup Permutations(Choice)

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.                                                                              *)

NothingApproved == \A k \in Counter : judged[k].choice # approve
NothingRejected == \A k \in Counter : judged[k].choice # reject
(* One counter says that there is no consensus where another has a verdict: late votes were enough. *)
NoConsensusThenVerdict == \A k, l \in Counter : judged[k] # [round |-> 1, choice |-> none] \/ judged[l].choice = none
(* A counter has a verdict without having convicted the liar whom another has convicted. *)
NoVerdictByLiars == \A k, l \in Counter : judged[k].choice = none \/ convicted[k] # {} \/ convicted[l] = {}
(* One correct voter has voted otherwise, and the verdict stands. *)
NoMinority == \A k \in Counter : judged[k].choice # none => \A m \in messages : m.type = "Vote" => m.choice = judged[k].choice
(* A verdict in a later round. *)
NoRetry == \A k \in Counter : judged[k].choice = none \/ judged[k].round = 1
(* Free to do so, voters decide in a later round what others wanted to reject in an earlier one. *)
NoChangeOfMind ==
    \A k \in Counter : judged[k].choice # none /\ judged[k].round > 1 =>
        \A m \in messages : m.type = "Vote" /\ m.round = 1 => m.choice = judged[k].choice
(* A voter votes against what it voted for before, because the opening binds it. *)
NoBoundVote ==
    \A m, n \in messages :
        m.type = "Vote" /\ n.type = "Vote" /\ m.source = n.source /\ m.round < n.round /\ m.choice # n.choice => bound[n.source] = none
(* A liar tells of a certificate that no correct voter has confirmed. *)
NoHiddenCertificate == \A i \in Correct : bound[i] # none => \E m \in messages : m.type = "Confirm" /\ m.choice = bound[i]
(* Certificates of both choices, in different rounds. *)
NoTwoLocks == \A i, j \in Correct : lock[i].choice = none \/ lock[j].choice = none \/ lock[i].choice = lock[j].choice
(* A voter enters a round that it has not asked for. *)
NobodyBrought == [][\A i \in Correct : round'[i] > round[i] => waiting'[i]]_vars
(* A counter has a verdict while a voter has given up the round, and has not confirmed. *)
NoVerdictUnnoticed == \A k \in Counter : judged[k].choice # none => \A i \in Correct : ~(waiting[i] /\ lock[i] = NoLock)
=============================================================================
