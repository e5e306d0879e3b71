---------------------------- MODULE VoteLiveness ----------------------------
(***************************************************************************)
(* What a ballot brings about, and under which assumptions.                *)
(*                                                                         *)
(*  - What correct voters sign reaches correct counters, and what these    *)
(*    carry reaches correct voters.                                        *)
(*  - A correct voter gives up a round early only so often: here, in all   *)
(*    rounds but the last.  It does so for sure if nothing else that       *)
(*    correct ones could do is left, and there is no verdict.              *)
(*  - A round has one opening, which reaches all correct voters: that of  *)
(*    its coordinator (`opening`).  In the end a coordinator is honest.    *)
(*  - In that round those who are free are of one mind.  Nothing can make  *)
(*    voters agree who do not, and nothing should.                         *)
(*                                                                         *)
(* Fairness is of correct voters and counters only: a step that needs the  *)
(* word of a Byzantine one may be taken, and is never sure to be.  One     *)
(* assumption suffices, since rounds are bounded and each step of one is   *)
(* taken once, so that no behaviour goes on for ever.                      *)
(***************************************************************************)
EXTENDS MCVote

VARIABLE
    opening      \* of each round but the first the latest lock of its opening; Unopened

Unopened == [round |-> 0 - 1, choice |-> none]

liveVars == <<vars, opening>>
LiveVars == <<liveVars, event>>
LiveView == liveVars

Opened == 2..MaxRound

(* What a voter votes for: in the last round all that are free want the same.  Takes the place of MayWant. *)
OneMindInTheEnd(i, c) == bound[i] # none \/ c = IF round[i] = MaxRound \/ i = v1 THEN approve ELSE reject
OneMind(i, c)         == bound[i] # none \/ c = approve

(* Whether a voter takes this opening for that of its coordinator. *)
IsTheOpening(r, l) == opening[r] = l

Open(r, l) ==
    /\ opening[r] = Unopened
    /\ l \in Openings(r)
    /\ opening' = [opening EXCEPT ![r] = l]
    /\ event' = [action |-> "Open", round |-> r, lock |-> l]
    /\ UNCHANGED vars

-----------------------------------------------------------------------------
(* The steps of correct ones for which no Byzantine one has to say anything. *)

Enough(voters) == Cardinality(voters \cap Correct) >= QuorumSize

Votes == \E i \in Correct : \E c \in Choice : MayWant(i, c) /\ Vote(i, c)

Confirms == \E i \in Correct : \E c \in Choice : Enough(VotesFor(round[i], c)) /\ Confirm(i, c)

Reports ==
    \E k \in Counter : MayReport(k) /\ \E r \in Rounds :
        HeardEnough(Sum([c \in Choice |-> Honest(k, r, c)], Choice)) /\ Report(k, r)

Decisions == \E k \in Counter : \E r \in Rounds : \E c \in Choice : Enough(ConfirmsFor(r, c)) /\ Decide(k, r, c)

Entries ==
    \E i \in Correct : \E r \in Opened \cap Rounds :
        opening[r] # Unopened /\ \E l \in Openings(r) : IsTheOpening(r, l) /\ Enter(i, r, l)

Voting == (Votes \/ Confirms \/ Reports \/ Decisions \/ Entries) /\ UNCHANGED opening

Opens ==
    \E r \in Opened \cap Rounds :
        /\ Cardinality(Tellers(r, [round |-> r, choice |-> none]) \cap Correct) >= AskersNeeded
        /\ \E l \in Openings(r) : Open(r, l)

AllSteps == Voting \/ Opens

Verdict == \A k \in Counter : judged[k].choice \in Choice

(* A voter whose patience is at an end, with no help of others. *)
Timers == (\E i \in Correct : round[i] < MaxRound /\ ~Verdict /\ ~ENABLED AllSteps /\ GiveUp(i)) /\ UNCHANGED opening

-----------------------------------------------------------------------------

LiveInit == MCInit /\ opening = [r \in Opened |-> Unopened]

Taken ==
    \/ \E i \in Correct : \E c \in Choice : MayWant(i, c) /\ VoteEvent(i, c)
    \/ \E i \in Correct : \E c \in Choice : ConfirmEvent(i, c)
    \/ \E i \in Correct : round[i] < MaxRound /\ (i \in Impatient \/ ~ENABLED AllSteps) /\ ~Verdict /\ GiveUpEvent(i)
    \/ \E i \in Correct : \E r \in Rounds : \E l \in Openings(r) : IsTheOpening(r, l) /\ EnterEvent(i, r, l)
    \/ \E k \in Counter : MayReport(k) /\ \E r \in Rounds : ReportEvent(k, r)
    \/ \E k \in Counter : \E r \in Rounds : \E c \in Choice : DecideEvent(k, r, c)

LiveNext == (Taken /\ UNCHANGED opening) \/ \E r \in Opened \cap Rounds : \E l \in Openings(r) : Open(r, l)

LiveBehaviour == LiveInit /\ [][LiveNext]_LiveVars

LiveSpec == LiveBehaviour /\ WF_liveVars(AllSteps \/ Timers)

(* The same with less assumed; each must fail. *)
WithoutFairTimers == LiveBehaviour /\ WF_liveVars(AllSteps)
WithoutFairVoting == LiveBehaviour /\ WF_liveVars(Opens \/ Timers)
WithoutFairOpens  == LiveBehaviour /\ WF_liveVars(Voting \/ Timers)

-----------------------------------------------------------------------------
(* Each counter says something: a verdict, or that there is no consensus.  Whoever is silent. *)
Answered == \A k \in Counter : <>(judged[k].round > 0)

(* Each counter has a verdict. *)
Verdicts == \A k \in Counter : <>(judged[k].choice \in Choice)

-----------------------------------------------------------------------------
(* Weakened rules, for configurations that must fail. *)

(* BV, "Wait for all 7 votes": a counter that waits for all. *)
WaitsForAll(n) == n >= Size

(* Those who are free never are of one mind. *)
NeverOneMind(i, c) == bound[i] # none \/ c = IF i = v1 THEN approve ELSE reject

(* A lying coordinator: each voter is shown another opening of the same round. *)
AnyOpening(r, l) == TRUE

(* A voter votes for nothing but what it is locked on, whatever the opening proves. *)
NeverLetsGo(i, c) == bound[i] \in {none, c} /\ lock[i].choice \in {none, c}
=============================================================================
