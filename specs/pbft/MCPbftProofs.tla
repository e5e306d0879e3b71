---------------------------- MODULE MCPbftProofs ----------------------------
(***************************************************************************)
(* PbftProofs.tla accepts exactly what Pbft.tla enumerates: in every state *)
(* of a small model, what is enumerated passes, and of what is tried       *)
(* nothing else does.  Tried are certificates, view changes, sets of them  *)
(* and new views near to those that there are, and many that are nowhere   *)
(* near.  Both justifications of a new view lead to the same steps.        *)
(***************************************************************************)
EXTENDS MCPbft, PbftProofs

(* Those to which somebody wants to change; before, nothing is asked. *)
Views == WantedViews

(* When timers fire, if not always: once somebody could prove a checkpoint. *)
OnceProvable(i) == Provable # {Genesis}

AtMostOne(S) == {{}} \cup {{c} : c \in S}
AtMostTwo(S) == {{}} \cup {{c, d} : c, d \in S}

(* Certificates that might exist, of numbers and views beyond the bounds as well, and what is none. *)
TriedCertificates ==
    [seq : 0..MaxSeq + 1, view : 0..MaxView + 1, batch : Batch \cup {NullBatch}]
    \cup {[seq |-> 1, view |-> 0, batch |-> b, more |-> 0] : b \in Batch}

TriedCheckpoints == {Genesis, [seq |-> 1, state |-> <<x>>], [seq |-> 0, state |-> <<x>>]} \cup Claimed

ForgeablesAreTheSame ==
    \A v \in Views, low \in 0..1 :
        LET them == Forgeable(v, low)
        IN  /\ \A P \in them : IsForgeable(P, v, low)
            /\ \A P \in AtMostTwo(TriedCertificates) : IsForgeable(P, v, low) => P \in them

TriedViewChanges(v) ==
    {m \in messages : m.type = "ViewChange"}
    \cup {ViewChangeMessage(i, w, c, P) : i \in Replica, w \in v..v + 1, c \in TriedCheckpoints, P \in AtMostOne(TriedCertificates)}

ViewChangesAreTheSame ==
    \A v \in Views, i \in Replica :
        LET them == ViewChangesOf(i, v)
        IN  /\ \A m \in them : IsViewChangeOf(m, i, v)
            /\ \A m \in TriedViewChanges(v) : IsViewChangeOf(m, i, v) => m \in them

(* View changes that there are, two of each Byzantine replica at most, and some that there are not. *)
SaidOf(v) ==
    UNION {LET them == ViewChangesOf(i, v)
           IN  IF Cardinality(them) <= 2 THEN them
               ELSE LET m == CHOOSE k \in them : TRUE IN {m, CHOOSE k \in them \ {m} : TRUE}
           : i \in Replica}

JustificationsAreTheSame ==
    \A v \in Views :
        LET them == Justifications(v)
            none == {ViewChangeMessage(i, v + 1, Genesis, {}) : i \in Byzantine}
        IN  /\ \A V \in them : IsJustification(V, v)
            /\ \A V \in SUBSET (SaidOf(v) \cup none) : IsJustification(V, v) => V \in them
            /\ \A i \in {j \in Correct : view[j] = v} :
                   LET own == OwnJustifications(i) IN \A V \in them \cup own : IsOwnJustification(V, i) <=> V \in own

(* New views that there are, and such with a proposal more or less, of another checkpoint or by somebody else. *)
NewViewsAreTheSame ==
    \A v \in Views :
        LET them  == NewViewsOf(v)
            all   == Justifications(v)
            near  == {NewViewMessage(i, v, c, O) : i \in Replica, c \in {m.checkpoint : m \in them} \cup {Genesis},
                                                 O \in {m.proposals : m \in them} \cup {{}} \cup {Fill(1)}
                                                       \cup {m.proposals \cup Fill(MaxSeq + 1) : m \in them}}
        IN  /\ \A m \in them : IsNewViewOf(m, v, {}) \/ \E V \in all : IsNewViewOf(m, v, V)
            /\ \A m \in near : (\E V \in all \cup {{}} : IsNewViewOf(m, v, V)) => m \in them

(* The steps that record what justifies them are those of which it is asked. *)
StepsAreTheSame ==
    [][/\ event'.action = "NewView" => ProvenNewView(event'.node, event'.viewChanges)
       /\ event'.action = "EnterNewView" => EnterProvenNewView(event'.node, event'.message, event'.viewChanges)]_MCVars

-----------------------------------------------------------------------------
(* Wrong ones, each of which must be told from what is enumerated. *)

(* A certificate for what need not have been prepared. *)
ForgeableUnproved(P, v, low) ==
    \A c \in P : InWindow(c.seq, low) /\ c.view \in 0..v - 1 /\ \A d \in P : c.seq = d.seq => c = d

(* Nobody forges anything. *)
ForgeableNothing(P, v, low) == P = {}

(* A view change from a checkpoint that nobody need have made. *)
ViewChangeFromAnywhere(m, i, v) ==
    IF i \in Byzantine
    THEN m = ViewChangeMessage(i, v, m.checkpoint, m.certificates) /\ IsForgeable(m.certificates, v, m.checkpoint.seq)
    ELSE m \in messages /\ m.type = "ViewChange" /\ m.source = i /\ m.view = v

(* As many view changes as a quorum has members, by whomever. *)
JustificationByAnybody(V, v) ==
    Cardinality(V) = QuorumSize /\ \A m \in V : IsViewChangeOf(m, m.source, v)

(* A new view that need not propose what follows. *)
NewViewWithAnything(m, v, V) ==
    \/ m \in messages /\ m.type = "NewView" /\ m.view = v
    \/ Primary(v) \notin Correct /\ IsJustification(V, v) /\ m = NewViewMessage(Primary(v), v, Base(V), m.proposals)

(* Who enters a view agrees to nothing. *)
EnterSilently(i, m, V) ==
    /\ MayEnter(m.view, view[i], changing[i])
    /\ m.source # i /\ IsNewViewOf(m, m.view, V)
    /\ Enter(i, m.view, m.checkpoint, m.proposals, {})
    /\ event' = [action |-> "EnterNewView", node |-> i, message |-> m, viewChanges |-> V]
=============================================================================
