------------------------------ MODULE PbftRuns ------------------------------
(***************************************************************************)
(* PBFT as it is asked about runs of simulated clusters: with no bound,    *)
(* and requests enough for a run.  Nothing is changed but how one          *)
(* definition is evaluated, for runs have more views and sequence numbers  *)
(* than models.                                                            *)
(***************************************************************************)
EXTENDS MCPbft

(* Each request is the only one of its client, and is proposed alone; or twice, which traitors do to propose *)
(* something else under the same number.                                                                      *)
Requests == {"c" \o ToString(k) : k \in 0..23}
RunBatches == {<<q>> : q \in Requests} \cup {<<q, q>> : q \in Requests}

(* What correct replicas voted for: nothing else can have a certificate, as long as some correct replica is needed *)
(* for it, be it as the primary.                                                                                    *)
VotedFor ==
    {[seq |-> m.seq, view |-> m.view, batch |-> m.batch] : m \in {k \in messages : k.type \in {"PrePrepare", "Prepare"}}}
    \cup UNION {{[seq |-> o.seq, view |-> m.view, batch |-> o.batch] : o \in m.proposals} :
                m \in {k \in messages : k.type = "NewView"}}

(* The sets with at most one certificate of P for each number. *)
RECURSIVE OnePerNumber(_)
OnePerNumber(P) ==
    IF P = {} THEN {{}}
    ELSE LET n    == (CHOOSE c \in P : TRUE).seq
             here == {c \in P : c.seq = n}
             rest == OnePerNumber(P \ here)
         IN  rest \cup {R \cup {c} : R \in rest, c \in here}

(* Forgeable, without the subsets that it throws away. *)
ForgeableByNumber(v, low) ==
    OnePerNumber({c \in VotedFor : c.view < v /\ InWindow(c.seq, low) /\ IsPrepared(c.view, c.seq, c.batch)})

(* That they are the same is checked by plain enumeration in a small model. *)
ForgeableIsTheSame ==
    \A v \in 1..MaxView, low \in 0..1 : ForgeableByNumber(v, low) = Forgeable(v, low)
=============================================================================
