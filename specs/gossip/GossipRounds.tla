---------------------------- MODULE GossipRounds ----------------------------
(***************************************************************************)
(* What gossip brings about, and under which assumptions; and its safety   *)
(* among three nodes that may crash for good.                              *)
(*                                                                         *)
(* An exchange is one step here: its three messages arrive at once, or it  *)
(* does not take place.  Each step is a behaviour of Gossip.tla of at most *)
(* four steps, so what fails here fails there; the converse is what the    *)
(* models of MCGossip.tla look for.                                        *)
(*                                                                         *)
(* Assumed, as weak fairness of steps that do something:                   *)
(*  - As long as neighbours that are up have something for each other,     *)
(*    some exchange takes place.  Not all nodes are neighbours:            *)
(*    n1 - n2 - n3.  As each exchange makes a copy grow, fairness to each  *)
(*    pair need not be assumed.                                            *)
(*  - Who is down is suspected by a neighbour in the end, and who is       *)
(*    suspected and does not refute is buried and forgotten.               *)
(*  - Who is up and reads that it is suspected or forgotten answers.       *)
(* Writes, crashes and wrong suspicions end: they are bounded.             *)
(***************************************************************************)
EXTENDS MCGossip

CONSTANTS
    Owners,          \* the nodes whose records matter
    Mortal,          \* those that may go down for good
    MaxIncarnation

VARIABLE down        \* those that are

roundVars == <<vars, down>>
RoundVars == <<roundVars, event>>
RoundView == roundVars

Up == Node \ down

(* Which pairs exchange, the first one beginning; a configuration may replace it. *)
MayMeet(i, j) == <<i, j>> \in {<<n1, n2>>, <<n2, n3>>}

(* When a node forgets another one: some time after it was buried; a configuration may replace it. *)
MayForget(i, o) == TRUE
(* Not before it had the time to refute, if it can. *)
OnlyDown(i, o) == o \in down

(* A message has room for one record: takes the place of Cuts. *)
OneRecord(s, f) ==
    IF Cardinality(Above(s, f)) <= 1 THEN {Whole(s, f)} ELSE {CHOOSE v \in Above(s, f) : \A w \in Above(s, f) : v <= w}

Best(i, o, e) == IF HasMore(copy[i][o], e) THEN DeltasFor(copy[i][o], e) ELSE {NoDelta}

(* Node i begins an exchange about o with j, and all three messages arrive. *)
Exchange(i, j, o) ==
    /\ {i, j} \subseteq Up /\ i # j /\ o \in Owners /\ MayMeet(i, j)
    /\ \E d \in Best(j, o, Digest(i, o)) :
           LET c == Merged(i, o, d)
               e == Digest(j, o)
           IN  \E b \in IF HasMore(c, e) THEN DeltasFor(c, e) ELSE {NoDelta} :
                   copy' = [copy EXCEPT ![i][o] = c, ![j][o] = Merged(j, o, b)]
    /\ UNCHANGED <<dead, forgotten, messages, history, down>>

(* Node o reads in a digest of i that i has forgotten it. *)
ReturnTo(o, i) ==
    /\ {i, o} \subseteq Up /\ i # o
    /\ Digest(i, o).gone /\ Digest(i, o).gen = copy[o][o].gen
    /\ Returning(copy[o][o].gen) <= MaxGeneration
    /\ GoesOn(o)
    /\ UNCHANGED down

GoDown(i) == i \in Mortal /\ i \in Up /\ down' = down \cup {i} /\ UNCHANGED vars

Stay(a) == a /\ UNCHANGED down

(* A timer fires: for sure if the accused is down, perhaps if it is not. *)
Accuse(i, o)     == i \in Up /\ HasRoom(i) /\ <<i, o>> \in Suspects /\ (Suspect(i, o) \/ Withdraw(i, o))
Answer(o)        == o \in Up /\ HasRoom(o) /\ Level(o, o)[2] < MaxIncarnation /\ Liar = {} /\ Refute(o)
Entomb(i, o)     == i \in Up /\ Suspects # {} /\ dead[i][o] # Level(i, o) /\ Bury(i, o)
Lose(i, o)       == i \in Up /\ MayForget(i, o) /\ Forget(i, o)

RoundInit == MCInit /\ down = {}

Named(action, name) == action /\ event' = [action |-> name]

RoundNext ==
    \/ \E o \in Writer \cap Up : \E k \in Key :
           /\ HasRoom(o)
           /\ \/ MayWrite(o, k) /\ \E v \in Value : Named(Stay(Write(o, k, v)), "Write")
              \/ MayDelete(o, k) /\ Named(Stay(Delete(o, k)), "Delete")
    \/ \E o \in Writer \cap Up : \E r \in copy[o][o].recs : Named(Stay(Collect(o, r.version)), "Collect")
    \/ \E i, j, o \in Node : Named(Exchange(i, j, o), "Exchange")
    \/ \E i, o \in Node : \/ Named(Stay(Accuse(i, o)), "Suspect")
                          \/ Named(Stay(Entomb(i, o)), "Bury")
                          \/ Named(Stay(Lose(i, o)), "Forget")
                          \/ Named(ReturnTo(o, i), "Return")
    \/ \E o \in Node : Named(Stay(Answer(o)), "Refute") \/ Named(GoDown(o), "GoDown")

RoundBehaviour == RoundInit /\ [][RoundNext]_RoundVars

Exchanges == \E i, j, o \in Node : Exchange(i, j, o)
Suspicions == \E i, o \in Node : o \in down /\ Stay(Accuse(i, o))
Burials    == \E i, o \in Node : Stay(Entomb(i, o)) \/ Stay(Lose(i, o))
Replies    == \E i, o \in Node : Stay(Answer(o)) \/ ReturnTo(o, i)

RoundFairness == WF_roundVars(Exchanges) /\ WF_roundVars(Suspicions) /\ WF_roundVars(Burials) /\ WF_roundVars(Replies)

RoundSpec == RoundBehaviour /\ RoundFairness

(* The same with less assumed; each must fail. *)
WithoutFairExchanges  == RoundBehaviour /\ WF_roundVars(Suspicions) /\ WF_roundVars(Burials) /\ WF_roundVars(Replies)
WithoutFairSuspicions == RoundBehaviour /\ WF_roundVars(Exchanges) /\ WF_roundVars(Burials) /\ WF_roundVars(Replies)
WithoutFairBurials    == RoundBehaviour /\ WF_roundVars(Exchanges) /\ WF_roundVars(Suspicions) /\ WF_roundVars(Replies)
WithoutFairReplies    == RoundBehaviour /\ WF_roundVars(Exchanges) /\ WF_roundVars(Suspicions) /\ WF_roundVars(Burials)

-----------------------------------------------------------------------------
(* Once writes stop, all that are up have the same of each owner, for good. *)
Converges == <>[](\A i \in Up, o \in Owners : copy[i][o] = copy[o][o])

(* Who is down is forgotten by all that are up, for good. *)
DeadForgotten == \A o \in Mortal : [](o \in down => <>[](\A i \in Up : copy[i][o] = Unknown))

(* Who is up is known and held for alive by all that are up, for good: it has refuted, or come back. *)
LivingKnown ==
    <>[](\A o \in Up \cap Owners, i \in Up : copy[i][o].gen = copy[o][o].gen /\ ~IsHeldDead(i, o))

-----------------------------------------------------------------------------
(* Weakened rules, for configurations that must fail. *)

(* A refutation says what the accusation does: nobody need believe it. *)
OutdoesNothing(l) == l

(* Who is forgotten goes on in the same generation. *)
ComesBackAsItWas(g) == g

(* Of whom a node forgets it remembers nothing, and learns of it again from those who have not forgotten yet. *)
RemembersNothing(c) == 0

(* Each delta begins at the first version, so that a cut may leave the same records each time. *)
FromTheStart(s, e) == 0

(* Neighbours on one side only: the network stays divided. *)
Divided(i, j) == {i, j} = {n1, n2}

(* A copy that may lack a tombstone is not reset; the deltas that it is sent are none that it may take. *)
NeverResets(s, e) == FALSE
=============================================================================
