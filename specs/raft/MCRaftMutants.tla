--------------------------- MODULE MCRaftMutants ----------------------------
(***************************************************************************)
(* Raft with one rule weakened at a time.  Each definition takes the place *)
(* of a rule of Raft.tla in a configuration mutant_*.cfg, which is checked *)
(* within the bounds of a configuration that holds, and must fail.         *)
(* manifest.toml names the property that each one breaks; the ids in       *)
(* brackets are those of the public bugs with that shape.                  *)
(***************************************************************************)
EXTENDS MCRaft

(* A vote is granted whatever the candidate's log [RE-01]. *)
AnyLogIsUpToDate(lastLogIndex, lastLogTerm, ourIndex, ourTerm) == TRUE

(* A crash forgets the vote [RE-02], the term [RE-03], the log [RC-21]. *)
ForgottenVote(i) == Nil
ForgottenTerm(i) == 0
ForgottenLog(i, lastIndex) == <<>>

(* A crash leaves a term that is none. *)
NoTerm(i) == -1

(* A server votes for everybody who asks. *)
AlwaysVotes(candidate, vote) == TRUE

(* Half of the servers count as a majority [RE-12]; differs for even clusters only. *)
HalfIsMajority(S, voters) == Cardinality(S \cap voters) * 2 >= Cardinality(voters)

(* A leader counts replicas for entries of any term [RC-01, the paper's Figure 8]. *)
CommitsAnyTerm(entryTerm, leaderTerm) == TRUE

(* A follower takes over the leader's commit index unseen [RC-11], or lets its own go back [RC-03]. *)
CommitsUnverified(commit, leaderCommit, lastNewIndex) == Max(commit, leaderCommit)
CommitGoesBack(commit, leaderCommit, lastNewIndex)    == Min(leaderCommit, lastNewIndex)

(* A follower acknowledges its whole log, its own tail included [RC-07]. *)
AcknowledgesAll(lastNewIndex, lastIndex) == lastIndex

(* A follower takes entries without looking at the one before them [RC-10]. *)
PreviousEntryUnseen(base, entries, prevLogIndex, prevLogTerm) == prevLogIndex <= base.index + Len(entries)

(* A follower cuts its log at every request, conflict or not: a late duplicate removes entries. *)
TruncatesAlways(base, entries, prevLogIndex, new) == SubSeq(entries, 1, Max(0, prevLogIndex - base.index)) \o new

(* A follower keeps its own entries, conflict or not [RC-09]. *)
NeverTruncates(base, entries, prevLogIndex, new) ==
    entries \o SubSeq(new, Max(0, base.index + Len(entries) - prevLogIndex) + 1, Len(new))

(* A late acknowledgement unlearns what a peer holds; a late refusal goes back behind it. *)
Unlearns(known, acknowledged) == acknowledged
BacksOffTooFar(next, known, hint) == Max(Min(next - 1, hint), 1)

-----------------------------------------------------------------------------
(* Snapshots *)

(* A follower appends again what its snapshot covers already [RS-01]. *)
AppendsBelowSnapshot(base, entries, prevLogIndex, new) ==
    LET before    == Max(0, prevLogIndex - base.index)
        conflicts == {k \in DOMAIN new : before + k > Len(entries) \/ entries[before + k].term # new[k].term}
    IN  IF conflicts = {} THEN entries ELSE SubSeq(entries, 1, before) \o new

(* A server compacts what nobody committed. *)
CompactsAll(i) == LastIndex(i)

(* A snapshot is taken whatever the receiver has committed: it goes back. *)
TakesStaleSnapshot(index, commit) == FALSE

(* What follows a snapshot goes, although the receiver answered for it. *)
KeepsNothing(base, entries, index, term) == <<>>

(* The session of a client is not part of the state: its value is applied again [exactly once]. *)
RECURSIVE AppliesAgain(_, _)
AppliesAgain(state, entries) ==
    IF entries = <<>> THEN state
    ELSE AppliesAgain(IF Head(entries).value \in Value THEN Append(state, Head(entries).value) ELSE state, Tail(entries))

-----------------------------------------------------------------------------
(* Membership *)

(* A leader changes the membership before it committed anything in its term [RM-01, the bug of 2015]. *)
ChangesTooEarly(i) == LastChangeIsCommitted(i)

(* A leader does not wait for the last change. *)
ChangesAtOnce(i) == CommittedInItsTerm(i)

(* The votes of all members count together, old and new [RE-13]. *)
UnionIsQuorum(S, c) == IsMajority(S, Voters(c))

(* From any voters to any others in one step. *)
AnyChangeIsSafe(old, new) == TRUE

-----------------------------------------------------------------------------
(* Elections, reads and clocks *)

(* A leader answers reads without asking a quorum [RR-01], or before it committed in its term [RR-02]. *)
ConfirmsAlone(followers, c) == TRUE
ReadsTooEarly(i) == TRUE

(* A refusal of an earlier term confirms a round all the same: one of a term that is over. *)
ConfirmsOldRounds(round, stale) == round

(* A leader keeps its lease while it hands over [RR-04], or takes a new one after it asked in vain. *)
KeepsLease(lease) == lease
LeasesAgain(l) == TRUE

(* A crash makes a server forget that it promised to ignore candidates [RR-10]. *)
ForgetsLeader(i) == 0

(* A server that hears a leader by others all the same [RE-14]. *)
LeavesLeader(i) == FALSE

-----------------------------------------------------------------------------
(* Disks *)

(* A follower answers before its log is safe [RC-21]. *)
AnswersBeforeSync(before, lastIndex) == before

(* A leader counts itself for what is not on its disk yet [RC-22]. *)
CountsUnsynced(index, durable) == TRUE

-----------------------------------------------------------------------------
(* What the view leaves out *)

(* An answer to a candidate is left out, which comes alive when the candidate wins. *)
DeadTooEarly(m) ==
    /\ m.type = "AppendEntriesResponse"
    /\ \/ m.term < currentTerm[m.dest]
       \/ m.term = currentTerm[m.dest] /\ role[m.dest] # "Leader"
=============================================================================
