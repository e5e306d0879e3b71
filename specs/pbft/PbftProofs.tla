----------------------------- MODULE PbftProofs -----------------------------
(***************************************************************************)
(* What justifies a new view, checked and not enumerated.                  *)
(*                                                                         *)
(* Pbft.tla says what Byzantine replicas may have said by sets: of view    *)
(* changes (`ViewChangesOf`), of justifications, of new views.  They grow  *)
(* with the certificates that exist, as a product, so that nobody can list *)
(* them after more than a few views.  Here the same is said of one view    *)
(* change, of one set of them and of one new view, which the NEW-VIEW of   *)
(* an implementation brings along.  MCPbftProofs.tla has TLC compare both  *)
(* in a small model.                                                       *)
(***************************************************************************)
EXTENDS PbftEvents

(* P is one of Forgeable(v, low). *)
IsForgeable(P, v, low) ==
    /\ \A c \in P :
           /\ c = [seq |-> c.seq, view |-> c.view, batch |-> c.batch]
           /\ InWindow(c.seq, low) /\ c.view \in 0..v - 1 /\ c.batch \in Batch \cup {NullBatch}
           /\ IsPrepared(c.view, c.seq, c.batch)
    /\ \A c, d \in P : c.seq = d.seq => c = d

(* m is one of ViewChangesOf(i, v). *)
IsViewChangeOf(m, i, v) ==
    IF i \in Byzantine
    THEN /\ m = ViewChangeMessage(i, v, m.checkpoint, m.certificates)
         /\ m.checkpoint \in Provable
         /\ IsForgeable(m.certificates, v, m.checkpoint.seq)
    ELSE m \in messages /\ m.type = "ViewChange" /\ m.source = i /\ m.view = v

(* V is one of Justifications(v). *)
IsJustification(V, v) ==
    LET Q == {m.source : m \in V}
    IN  /\ Q \subseteq Replica
        /\ Cardinality(Q) = QuorumSize /\ Cardinality(V) = QuorumSize
        /\ \A m \in V : IsViewChangeOf(m, m.source, v)

(* V is one of OwnJustifications(i). *)
IsOwnJustification(V, i) ==
    /\ changing[i] /\ Primary(view[i]) = i
    /\ i \in {m.source : m \in V}
    /\ IsJustification(V, view[i])

(* m is one of NewViewsOf(v), and if it is a Byzantine primary's, V is what justifies it. *)
IsNewViewOf(m, v, V) ==
    \/ m \in messages /\ m.type = "NewView" /\ m.view = v
    \/ /\ Primary(v) \notin Correct
       /\ IsJustification(V, v)
       /\ m = NewViewMessage(Primary(v), v, Base(V), m.proposals)
       /\ m.proposals \in Reproposals(V)

-----------------------------------------------------------------------------
(* The two actions of which these are guards, as Pbft.tla and PbftEvents.tla have them otherwise. *)

ProvenNewView(i, V) ==
    LET v == view[i]
    IN  /\ IsOwnJustification(V, i)
        /\ \E O \in Reproposals(V) : Enter(i, v, Base(V), O, {NewViewMessage(i, v, Base(V), O)})
        /\ event' = [action |-> "NewView", node |-> i, viewChanges |-> V]

EnterProvenNewView(i, m, V) ==
    /\ MayEnter(m.view, view[i], changing[i])
    /\ m.source # i /\ IsNewViewOf(m, m.view, V)
    /\ Enter(i, m.view, m.checkpoint, m.proposals,
             {PrepareMessage(i, m.view, o.seq, o.batch) : o \in Beyond(m.proposals, stable[i].seq)})
    /\ event' = [action |-> "EnterNewView", node |-> i, message |-> m, viewChanges |-> V]
=============================================================================
