------------------------------ MODULE MCHotStuff ------------------------------
(***************************************************************************)
(* HotStuff made finite for TLC.  Every bound is a guard on an action;     *)
(* none is a state constraint.                                             *)
(***************************************************************************)
EXTENDS HotStuffEvents, TLC

CONSTANTS
    r0, r1, r2, r3, r4, r5, r6,  \* the replicas; a configuration uses the first of them
    x, y,                        \* batches
    MaxView,     \* blocks are proposed for views up to this one, and nobody goes further
    Impatient,   \* the replicas that time out by themselves
    Crashing     \* the replicas that may crash

MCVars == <<vars, event>>

FourReplicas  == <<r0, r1, r2, r3>>
SevenReplicas == <<r0, r1, r2, r3, r4, r5, r6>>

(* When timers fire; a configuration may replace it. *)
MayTimeOut(i) == TRUE

(* In the first view only. *)
InTheFirst(i) == view[i] = 1

(* What is proposed; a configuration may replace it.  A correct leader has one batch, a Byzantine one all. *)
MayOffer(i, b) == b = x

AnyOffer(i, b) == TRUE

(* Replicas go one view beyond the last in which something is proposed. *)
MCNext ==
    LET offered == Proposed(MaxView)
        proved  == Certified
        ended   == TimedViews
        wanted  == WantedViews
    IN  \E i \in Correct :
            \/ view[i] <= MaxView /\ Leader(view[i]) = i /\ \E b \in Batch : MayOffer(i, b) /\ ProposeEvent(i, b)
            \/ \E b \in offered \ blocks[i] : StoreEvent(i, b)
            \/ \E b \in {c \in blocks[i] : View(c) = view[i]} : VoteEvent(i, b)
            \/ \E p \in proved \cap blocks[i] : View(p) > View(high[i]) /\ LearnEvent(i, p)
            \/ i \in Impatient /\ view[i] <= MaxView /\ MayTimeOut(i) /\ TimeOutEvent(i)
            \/ \E v \in wanted : v <= MaxView /\ JoinEvent(i, v)
            \/ \E v \in ended : v <= MaxView /\ EnterEvent(i, v + 1)
            \/ i \in Crashing /\ RestartEvent(i)

MCSpec == EventInit /\ [][MCNext]_MCVars

MCView == vars

(* The batches may change places where no rule tells them apart.  Sound for safety. *)
Symmetry == Permutations(Batch)

-----------------------------------------------------------------------------
(* Witnesses.  Each says that an interesting situation never occurs, and must be violated: the trace *)
(* shows the situation.                                                                              *)

NothingCertified == Certified = {Genesis}
NothingCommitted == \A i \in Correct : committed[i] = Genesis
NothingLocked    == \A i \in Correct : lock[i] = Genesis
(* A replica times out although others have a certificate of its view. *)
NoTimeoutBesideCertificate ==
    \A i \in Correct : \A b \in Certified : b # Genesis /\ timed[i] = View(b) /\ view[i] = View(b) => View(high[i]) >= View(b)
(* Two correct replicas vote for different blocks of a Byzantine leader. *)
NoEquivocation == \A m, k \in Votes : View(m.block) = View(k.block) => m.block = k.block
(* A block is certified that has no parent in the view before. *)
NoCertificateAfterGap == \A b \in Certified : View(b) <= View(Parent(b)) + 1
(* A replica enters a view by time-outs, and votes in it. *)
NoVoteAfterTimeouts == \A m \in Votes : View(m.block) = View(Parent(m.block)) + 1
(* A replica times out because others do. *)
NoJoin == [][event'.action # "Join"]_MCVars
(* A replica that has come back is in an earlier view than before. *)
NoViewLost == [][event'.action = "Restart" => view' = view]_MCVars
(* A replica has a certificate of a block for which it has not voted. *)
NoLearning == \A i \in Correct : view[i] <= voted[i] + 1
=============================================================================
