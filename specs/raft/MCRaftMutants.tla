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
AnyLogIsUpToDate(lastLogIndex, lastLogTerm, entries) == TRUE

(* A crash forgets the vote [RE-02], the term [RE-03], the log [RC-21]. *)
ForgottenVote(i) == Nil
ForgottenTerm(i) == 0
ForgottenLog(i)  == <<>>

(* A crash leaves a term that is none. *)
NoTerm(i) == -1

(* A server votes for everybody who asks. *)
AlwaysVotes(candidate, vote) == TRUE

(* Half of the servers count as a majority [RE-12]; differs for even clusters only. *)
HalfIsQuorum(S) == Cardinality(S) * 2 >= Cardinality(Server)

(* A leader counts replicas for entries of any term [RC-01, the paper's Figure 8]. *)
CommitsAnyTerm(entryTerm, leaderTerm) == TRUE

(* A follower takes over the leader's commit index unseen [RC-11], or lets its own go back [RC-03]. *)
CommitsUnverified(commit, leaderCommit, lastNewIndex) == Max(commit, leaderCommit)
CommitGoesBack(commit, leaderCommit, lastNewIndex)    == Min(leaderCommit, lastNewIndex)

(* A follower takes entries without looking at the one before them [RC-10]. *)
PreviousEntryUnseen(entries, prevLogIndex, prevLogTerm) == prevLogIndex <= Len(entries)

(* A follower cuts its log at every request, conflict or not: a late duplicate removes entries. *)
TruncatesAlways(entries, prevLogIndex, new) == SubSeq(entries, 1, prevLogIndex) \o new

(* A follower keeps its own entries, conflict or not [RC-09]. *)
NeverTruncates(entries, prevLogIndex, new) ==
    entries \o SubSeq(new, Max(0, Len(entries) - prevLogIndex) + 1, Len(new))

(* A late acknowledgement unlearns what a peer holds; a late refusal goes back behind it [RC-04]. *)
Unlearns(known, acknowledged) == acknowledged
BacksOffTooFar(next, known)   == Max(next - 1, 1)
=============================================================================
