--------------------------- MODULE MCPbftMutants ----------------------------
(***************************************************************************)
(* PBFT with one rule weakened at a time.  Each definition takes the place *)
(* of a rule of Pbft.tla in a configuration mutant_*.cfg, which is checked *)
(* within the bounds of a configuration that holds, and must fail.         *)
(* manifest.toml names the property that each one breaks; the ids in       *)
(* brackets are those of the public bugs with that shape.                  *)
(***************************************************************************)
EXTENDS MCPbft

(* 2f + 1, which is a quorum of 3f + 1 replicas only: of five, two sets of three may share one replica,  *)
(* and that one may be faulty [PB-05].                                                                    *)
TwiceFaultyAndOne == 2 * MaxFaulty + 1

(* The primary's own PREPARE counts, beside its proposal [PB-01]. *)
EverybodyPrepares(v) == Replica

(* One COMMIT less [PB-04]. *)
OneCommitLess == QuorumSize - 1

(* Votes count whatever batch they are for [PB-11], or whatever sequence number [PB-19]. *)
AnyBatch(v, n, b) == {i \in Preparers(v) : \E c \in Batch \cup {NullBatch} : Said(PrepareMessage(i, v, n, c))}
AnySeq(v, n, b)   == {i \in Preparers(v) : \E k \in 1..MaxSeq : Said(PrepareMessage(i, v, k, b))}

(* A second proposal for a number is accepted [PB-09]; anybody may propose [PB-10]. *)
AcceptsAgain(i, n) == TRUE
AnybodyProposes(i, v) == TRUE

(* A replica that changes views says nothing of what it prepared [PB-06], or only of what it has not committed [PB-07]. *)
TellsNothing(i) == {}
TellsUncommitted(i) == {c \in prepared[i] : [seq |-> c.seq, batch |-> c.batch] \notin committed[i]}

(* A new view takes any certificate [PB-02]. *)
AnyCertificate(P) == P

(* A new view may begin with anything [PB-16]. *)
BeginsAnyhow(v) == {[checkpoint |-> Genesis, proposals |-> O] : O \in {{}} \cup {{[seq |-> 1, batch |-> b]} : b \in Batch}}

(* A replica follows a new view that it has entered, or left, already. *)
EntersAgain(v, own, left) == v >= 1

(* Gaps stay in a new view [PB-14]. *)
NoFill(n) == {}

(* A replica promises what it cannot prove. *)
PromisesUnproved(v, n, b) == TRUE

(* A view change gives certificates its own view. *)
TellsOfNewView(i) == {[c EXCEPT !.view = view[i] + 1] : c \in prepared[i]}

(* A replica discards its log when one replica has made the checkpoint [PB-13]; an old checkpoint is taken again. *)
StableAlone(n, s) == CheckpointVotes(n, s) \cap Correct # {}
AlwaysBeyond(n, c) == TRUE

(* Batches are executed as they come, gaps or not; requests in an order that not all share [PB-25]. *)
FollowsSomehow(n, m) == m > n
OwnOrder(i, b) == IF i = r1 THEN [k \in DOMAIN b |-> b[Len(b) + 1 - k]] ELSE b

(* A request is executed as often as it is decided [PB-35]. *)
ExecutesAgain(s, r) == TRUE

(* Proposals are accepted however far ahead they are. *)
NoWindow(n, low) == TRUE

(* A crash makes a replica forget what it accepted [PB-22]. *)
Forget(i) ==
    /\ accepted[i] # {}
    /\ accepted' = [accepted EXCEPT ![i] = {}]
    /\ event' = [action |-> "Forget", node |-> i]
    /\ UNCHANGED <<messages, view, changing, prepared, committed, executed, state, stable, decided>>

ForgetfulSpec == MCInit /\ [][MCNext \/ \E i \in Correct : Forget(i)]_MCVars
=============================================================================
