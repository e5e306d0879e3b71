------------------------------ MODULE PbftRuns ------------------------------
(***************************************************************************)
(* PBFT as it is asked about runs of simulated clusters: with no bound,    *)
(* with whatever requests there are, and with any order of the primaries.  *)
(*                                                                         *)
(* A run says which step it took, and with which arguments.  So nothing    *)
(* chooses them here, from sets that are endless or too large: each step   *)
(* is an action of PbftEvents.tla for given arguments, with the bounds     *)
(* that `EventNext` has for them.  Where Byzantine replicas justify a new  *)
(* view, the run brings along by what (PbftProofs.tla).                    *)
(***************************************************************************)
EXTENDS PbftProofs

CONSTANT Members    \* all replicas: a set

VARIABLE rotation   \* all replicas, in the order in which they become primary; stays as it is

RECURSIVE Listed(_)
Listed(S) == IF S = {} THEN <<>> ELSE LET i == CHOOSE j \in S : TRUE IN <<i>> \o Listed(S \ {i})

(* Says only who there is; `rotation` says who is primary when. *)
AnyRotation == Listed(Members)

PrimaryInRun(v) == rotation[(v % Size) + 1]

(* A request is what a client asks for by a timestamp. *)
Request    == STRING \X Nat
RunBatches == Seq(Request) \ {<<>>}

(* Or, where each client asks for one thing only, its name. *)
NamedBatches == Seq(STRING) \ {<<>>}

(* A client's timestamps grow, and a replica executes nothing that is older than what it executed (paper, 4.1). *)
MayExecuteInRun(s, r) == \A k \in DOMAIN s : ~(s[k][1] = r[1] /\ s[k][2] >= r[2])

-----------------------------------------------------------------------------

(* A run may begin with any order of the replicas. *)
RunInit  == EventInit /\ rotation = Rotation
IsOrder  == DOMAIN rotation = 1..Size /\ {rotation[k] : k \in 1..Size} = Replica
MayStart == EventInit /\ IsOrder

ProposeStep(i, b) ==
    b \in Batch /\ ProposeEvent(i, b) /\ UNCHANGED rotation

AcceptPrePrepareStep(i, m) ==
    /\ m = PrePrepareMessage(m.source, view[i], m.seq, m.batch)
    /\ m.source \in Replica /\ m.batch \in Batch
    /\ AcceptPrePrepareEvent(i, m.source, m.seq, m.batch)
    /\ UNCHANGED rotation

CollectPreparesStep(i, n, b) ==
    [seq |-> n, batch |-> b] \in accepted[i] /\ CollectPreparesEvent(i, n, b) /\ UNCHANGED rotation

CollectCommitsStep(i, n, b) ==
    [seq |-> n, batch |-> b] \in accepted[i] /\ CollectCommitsEvent(i, n, b) /\ UNCHANGED rotation

CollectCheckpointsStep(i, n, s) ==
    [seq |-> n, state |-> s] \in Claimed /\ CollectCheckpointsEvent(i, n, s) /\ UNCHANGED rotation

TransferStateStep(i) == TransferStateEvent(i) /\ UNCHANGED rotation

TimeoutStep(i) == TimeoutEvent(i) /\ UNCHANGED rotation

JoinViewChangeStep(i, v) == v \in WantedViews /\ JoinViewChangeEvent(i, v) /\ UNCHANGED rotation

NewViewStep(i, V) == ProvenNewView(i, V) /\ UNCHANGED rotation

EnterNewViewStep(i, m, V) == m.view \in WantedViews /\ EnterProvenNewView(i, m, V) /\ UNCHANGED rotation

(* What of this can be asked without arguments: TLC wants a next-state relation. *)
RunNext == \E i \in Correct : TransferStateStep(i) \/ TimeoutStep(i)

RunSpec == RunInit /\ [][RunNext]_<<vars, event, rotation>>

-----------------------------------------------------------------------------
(* What a run is compared with *)

(* S is what it was before, and these: with them it has so many members. *)
Has(S, new, count) == new \subseteq S /\ Cardinality(S) = count

(* Replica i shows this, and it, or somebody before it, sent these messages and knew of these decisions. *)
Shows(i, own, sent, messageCount, known, decidedCount) ==
    /\ own = [view |-> view[i], changing |-> changing[i], accepted |-> accepted[i], prepared |-> prepared[i],
              committed |-> committed[i], executed |-> executed[i], state |-> state[i], stable |-> stable[i]]
    /\ Has(messages, sent, messageCount)
    /\ Has(decided, known, decidedCount)

SentNow == messages' \ messages
=============================================================================
