-------------------------- MODULE BarrierLiveness --------------------------
(***************************************************************************)
(* What nodes and coordinators bring about, once owners stop writing and   *)
(* nodes stop crashing, and under which assumptions.                       *)
(*                                                                         *)
(*  - Gossip brings the last state of each owner to everybody.             *)
(*  - Who asks how long the log is is told, and applies it.                *)
(*  - Coordinators compare again and again, and in the end what one of     *)
(*    them proposes is decided.                                            *)
(*  - Time-outs of barriers expire.                                        *)
(*                                                                         *)
(* A decision is proposed only by a coordinator that has applied all that  *)
(* is decided, and once at a time, so that finitely many suffice.          *)
(***************************************************************************)
EXTENDS MCBarrier

Last(o) == Said(o, copy[o][o])

Hears      == \E n, o \in Node : Hear(n, Last(o))
Joins      == \E n \in Node : (MayWelcome(n) /\ Welcome(n, gen[n])) \/ \E w \in welcomes : Join(n, w)
Applies    == \E n \in Node : Apply(n, Len(log))
IsPending(e) == e \in proposed /\ ~\E i \in 1..Len(log) : log[i] = e
Commits    == \E e \in proposed : IsPending(e) /\ MayCommit(e) /\ Commit(e)
(* A comparison proposes what differs, unless it is under way already. *)
Compares   == \E c \in Coordinator : \E o \in Drawn : applied[c] = Len(log) /\ Propose(c, o)
TimesOut   == \E c \in Coordinator : TimeOut(c)

LiveFair ==
    /\ WF_vars(Hears) /\ WF_vars(Joins) /\ WF_vars(Applies) /\ WF_vars(Commits) /\ WF_vars(TimesOut)

(* Each decision is made once here, so that logs are bounded. *)
OnceOnly(e) == Len(log) < MaxLog /\ IF e = Fence THEN Fences < MaxFences ELSE IsPending(e)

LiveSpec == MCSpec /\ LiveFair /\ WF_vars(Compares)

(* Coordinators compare when gossip brings a record, and not again: then a proposal may be lost. *)
EdgeTriggered     == MCSpec /\ LiveFair
WithoutTimeOuts   == MCSpec /\ WF_vars(Hears) /\ WF_vars(Joins) /\ WF_vars(Applies) /\ WF_vars(Commits) /\ WF_vars(Compares)
WithoutApplying   == MCSpec /\ WF_vars(Hears) /\ WF_vars(Joins) /\ WF_vars(Commits) /\ WF_vars(TimesOut) /\ WF_vars(Compares)
WithoutWelcomes   == MCSpec /\ WF_vars(Hears) /\ WF_vars(Applies) /\ WF_vars(Commits) /\ WF_vars(TimesOut) /\ WF_vars(Compares)

-----------------------------------------------------------------------------

(* In the end coordinators know each owner by the log as it is, and have nothing more to propose. *)
Reconciled ==
    <>[]\A c \in Coordinator : \A o \in Drawn :
           known[c][o] = [gen |-> copy[o][o].gen, version |-> copy[o][o].version] /\ ~Differs(c, o)

(* A barrier ends. *)
BarriersEnd == \A c \in Coordinator : barrier[c].status = "open" ~> barrier[c].status # "open"

(* In the end everybody is ready, and may act on everybody. *)
AllMayAct == <>[]\A n, o \in Node : n # o => MayAct(n, copy[n][o])

-----------------------------------------------------------------------------
(* A weakened rule: owners do not renew their records at a fence. *)

NeverRenews(n, k) == FALSE
=============================================================================
