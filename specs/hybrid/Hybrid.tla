------------------------------- MODULE Hybrid -------------------------------
(***************************************************************************)
(* The hybrid: Raft epochs, which are quick, and BFT epochs, which         *)
(* withstand attacks, one after the other, as docs/hybrid.md has it; there *)
(* are the nouns, and the rules A1, A2 and H1.                             *)
(*                                                                         *)
(* Sources: Guerraoui, Knezevic, Quema and Vukolic, "The Next 700 BFT      *)
(* Protocols" (EuroSys 2010), here "700": an instance that stops hands     *)
(* over a history, proved by signatures, to the next; and that is all that *)
(* two protocols must share.  Castro and Liskov, "Practical Byzantine      *)
(* Fault Tolerance" (OSDI 1999), here "PBFT": 5.1, tentative execution.    *)
(* Ongaro and Ousterhout, "In Search of an Understandable Consensus        *)
(* Algorithm" (USENIX ATC 2014), here "Raft".                              *)
(*                                                                         *)
(* | action    | is the input of                                         | *)
(* |-----------|---------------------------------------------------------| *)
(* | Ack       | a replica: its Raft log of a term holds a chain         | *)
(* | Hold      | a replica: the last ack of a seal arrives               | *)
(* | Believe   | a client: the last answer of a quorum arrives           | *)
(* | Stop      | a replica: a threat, a timer, a long log, others' stops | *)
(* | Close     | the book: PBFT decides a close                          | *)
(* | Decide    | the book: PBFT decides an operation, in a BFT epoch     | *)
(* | Calm      | a replica: a timer, while it wants to leave a BFT epoch | *)
(* | Open      | the book: PBFT decides an open                          | *)
(* | Learn     | a replica: the next entry of the book is executed       | *)
(* | Raise     | a replica: its level becomes High or Critical           | *)
(* | Lower     | a replica: its level becomes Medium or less             | *)
(* | Dwell     | a replica: it has been so for long enough               | *)
(* | Restart   | a replica: a crash                                      | *)
(*                                                                         *)
(* What is abstracted.  PBFT is a sequence, `book`, that grows by valid    *)
(* entries, and of which a replica knows a prefix: that it is one sequence *)
(* is what specs/pbft shows.  Raft is gone: a correct replica acks         *)
(* whatever A1 and A2 allow, in any term, as if every leader were          *)
(* Byzantine.  So what holds here holds whoever is elected, and whatever   *)
(* leaders say.  A digest stands for its chain (no collisions).            *)
(*                                                                         *)
(* Byzantine replicas do anything that signatures do not forbid.  Whatever *)
(* one of them might sign counts as signed, and is not stored: an ack of   *)
(* anything, a calm, a stop with any reason and with any seal that exists. *)
(* A seal in the mouth of a Byzantine replica must exist.                  *)
(*                                                                         *)
(* The network.  What correct replicas signed stays for ever: it may       *)
(* arrive late, twice, out of order or never.                              *)
(*                                                                         *)
(* What is not modelled.  How levels come about (specs/threat).  What PBFT *)
(* decides in a Raft epoch beside the close, or for another epoch than the *)
(* present: all replicas refuse it alike, "elsewhere".                     *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Replica,      \* all replicas
    Byzantine,    \* those that are faulty, arbitrarily
    MaxFaulty,    \* how many faulty ones the replicas allow for: f
    Operation,    \* what clients ask for
    Term          \* the terms of a Raft epoch: a finite set of numbers from 1

Correct == Replica \ Byzantine
Size    == Cardinality(Replica)

ASSUME /\ Byzantine \subseteq Replica
       /\ MaxFaulty \in Nat /\ Size > 3 * MaxFaulty
       /\ Term \subseteq Nat \ {0}

VARIABLES
    \* What correct replicas signed:
    acks,       \* [node, epoch, term, chain]
    answers,    \* [node, epoch, term, state]: what it answered to clients in Raft epochs, by the state that it came from
    stops,      \* [node, epoch, why, held]
    calms,      \* [node, epoch]
    \* What PBFT decided, in order:
    book,
    \* Of each correct replica, all of it durable:
    known,      \* what it has executed of the book
    acked,      \* [term, chain]: its last ack in its epoch, or Nothing
    held,       \* [term, chain]: the seal that it holds in its epoch, or Nothing
    stopped,    \* whether it has stopped in its epoch
    mood,       \* "Alarmed": its level is High or above; "Uneasy": not for long enough has it been less; or "Calm"
    \* Of clients:
    believed    \* [epoch, term, state]: what they took for done, by the state that it was answered from

vars == <<acks, answers, stops, calms, book, known, acked, held, stopped, mood, believed>>

-----------------------------------------------------------------------------
(* Chains, which are sequences of operations, and the book *)

IsPrefix(s, t)   == Len(s) <= Len(t) /\ SubSeq(t, 1, Len(s)) = s
Comparable(s, t) == IsPrefix(s, t) \/ IsPrefix(t, s)
Front(s)         == SubSeq(s, 1, Len(s) - 1)
Last(s)          == s[Len(s)]
Prefixes(s)      == {SubSeq(s, 1, k) : k \in 0..Len(s)}

(* Terms begin at 1: what is before any ack, and before any seal. *)
Nothing == [term |-> 0, chain |-> <<>>]

OperationEntry(v)  == [kind |-> "Operation", operation |-> v]
CloseEntry(c, p)   == [kind |-> "Close", chain |-> c, protocol |-> p]
OpenEntry(k)       == [kind |-> "Open", base |-> k]

(* An operation is applied once, however often and in whatever epochs it was asked for. *)
MayApply(s, v) == \A k \in DOMAIN s : s[k] # v

RECURSIVE Apply(_, _)
Apply(s, c) ==
    IF c = <<>> THEN s
    ELSE Apply(IF MayApply(s, Head(c)) THEN Append(s, Head(c)) ELSE s, Tail(c))

(* The state of the service after the entries b: the operations applied, in order. *)
RECURSIVE State(_)
State(b) ==
    IF b = <<>> THEN <<>>
    ELSE LET e == Last(b)
         IN  CASE e.kind = "Operation" -> Apply(State(Front(b)), <<e.operation>>)
               [] e.kind = "Close"     -> Apply(State(Front(b)), e.chain)
               [] e.kind = "Open"      -> State(SubSeq(b, 1, e.base))

IsSwitch(e) == e.kind # "Operation"

(* The epoch after the entries b, and its protocol. *)
Epoch(b) == Cardinality({k \in DOMAIN b : IsSwitch(b[k])})

RECURSIVE Protocol(_)
Protocol(b) ==
    IF b = <<>> THEN "Raft"
    ELSE CASE Last(b).kind = "Operation" -> Protocol(Front(b))
           [] Last(b).kind = "Close"     -> Last(b).protocol
           [] Last(b).kind = "Open"      -> "Raft"

(* The entries up to the beginning of an epoch, if it has begun. *)
Beginning(e) ==
    IF e = 0 THEN <<>>
    ELSE SubSeq(book, 1, CHOOSE k \in DOMAIN book : IsSwitch(book[k]) /\ Epoch(SubSeq(book, 1, k)) = e)

(* The epoch that replica i is in. *)
EpochOf(i) == Epoch(known[i])
InRaft(i)  == Protocol(known[i]) = "Raft"

-----------------------------------------------------------------------------
(* Rules on which safety rests.  Configurations that must fail replace them. *)

(* Of n replicas, f of them faulty, the least number of which any two sets share a correct one.          *)
QuorumOf(n, f) == (n + f) \div 2 + 1

(* Who serves in Raft epochs, and how many of them may be faulty: the same as in BFT epochs.             *)
RaftGroup == [members |-> Replica, faulty |-> MaxFaulty]

SealQuorum    == QuorumOf(Cardinality(RaftGroup.members), RaftGroup.faulty)
BelieveQuorum == QuorumOf(Cardinality(RaftGroup.members), RaftGroup.faulty)
CalmQuorum    == QuorumOf(Size, MaxFaulty)

(* So many are sure to answer (700: an abort history is made of so many signed ones). *)
StopQuorum == Size - MaxFaulty

(* So many hold a correct one: that many others make a replica stop, and that many threats make the next epoch BFT. *)
JoinQuorum   == MaxFaulty + 1
ThreatQuorum == MaxFaulty + 1

(* A1: terms grow, none is below that of the seal that i holds, and within a term chains grow. *)
GrowsTerm(i, t)     == t >= acked[i].term /\ t >= held[i].term
GrowsChain(i, t, c) == t = acked[i].term => IsPrefix(acked[i].chain, c)

(* A2: the lock. *)
ExtendsHeld(i, c) == IsPrefix(held[i].chain, c)

(* H1: it acked nothing in a higher term, and the seal is later than what it holds. *)
NothingHigher(i, t)  == acked[i].term <= t
IsLater(i, t, c)     == t > held[i].term \/ (t = held[i].term /\ Len(c) > Len(held[i].chain))

(* A replica that has stopped acks and holds nothing more in its epoch. *)
MayGoOn(i) == ~stopped[i]

(* Which acks count in an epoch. *)
CountsIn(e, a) == a.epoch = e

(* Which answers count together. *)
SameTerm(t, a) == a.term = t

(* What of the stops S is taken over: the longest chain of the seals of the highest term. *)
Highest(H) == {h \in H : \A g \in H : g.term <= h.term}
Longest(H) == {h \in H : \A g \in H : Len(g.chain) <= Len(h.chain)}
TakenOver(S) == {h.chain : h \in Longest(Highest({s.held : s \in S}))}

(* The number of the book whose state a Raft epoch begins with: its own. *)
BaseOfOpen(C) == Len(book)

(* What a replica may execute next: the entry of the book that follows. *)
Upcoming(i) == IF Len(known[i]) < Len(book) THEN {book[Len(known[i]) + 1]} ELSE {}

(* When a replica wants to leave a BFT epoch. *)
IsCalm(i) == mood[i] = "Calm"

(* Who may hand in a close. *)
MayHandIn(i) == TRUE

(* What a crash leaves. *)
KnownAfterCrash(i)   == known[i]
AckedAfterCrash(i)   == acked[i]
HeldAfterCrash(i)    == held[i]
StoppedAfterCrash(i) == stopped[i]

-----------------------------------------------------------------------------
(* A Raft epoch: acks and seals *)

(* Who signed an ack for a chain. *)
AckVotes(e, t, c) ==
    {i \in RaftGroup.members :
        i \in Byzantine \/ \E a \in acks : a.node = i /\ CountsIn(e, a) /\ a.term = t /\ a.chain = c}

IsSeal(e, t, c) == Cardinality(AckVotes(e, t, c)) >= SealQuorum

(* All seals of an epoch: each has the ack of a correct replica. *)
Seals(e) == {s \in {[term |-> a.term, chain |-> a.chain] : a \in {b \in acks : CountsIn(e, b)}} : IsSeal(e, s.term, s.chain)}

(* The Raft log of replica i holds chain c in term t, and i signs that it does (Raft, 5.3).  Whoever leads, and *)
(* whether or not it tells others something else: A1 and A2 are all that i goes by.                          *)
Ack(i, t, c) ==
    /\ InRaft(i) /\ MayGoOn(i) /\ i \in RaftGroup.members
    /\ c # <<>> /\ [term |-> t, chain |-> c] # acked[i]
    /\ GrowsTerm(i, t) /\ GrowsChain(i, t, c)
    /\ ExtendsHeld(i, c)
    /\ acked' = [acked EXCEPT ![i] = [term |-> t, chain |-> c]]
    /\ acks' = acks \cup {[node |-> i, epoch |-> EpochOf(i), term |-> t, chain |-> c]}
    /\ UNCHANGED <<answers, stops, calms, book, known, held, stopped, mood, believed>>

(* The last ack of a seal arrives at i, which holds it, executes its chain, and answers clients: tentatively *)
(* (PBFT, 5.1), for a seal of a later term may replace it.                                                 *)
Hold(i, t, c) ==
    /\ InRaft(i) /\ MayGoOn(i) /\ i \in RaftGroup.members
    /\ IsSeal(EpochOf(i), t, c)
    /\ NothingHigher(i, t) /\ IsLater(i, t, c)
    /\ held' = [held EXCEPT ![i] = [term |-> t, chain |-> c]]
    /\ answers' = answers \cup {[node |-> i, epoch |-> EpochOf(i), term |-> t, state |-> Apply(State(known[i]), c)]}
    /\ UNCHANGED <<acks, stops, calms, book, known, acked, stopped, mood, believed>>

-----------------------------------------------------------------------------
(* Clients *)

(* Whose answers tell of state s, or of one that it is the beginning of: of epoch e and term t; and in BFT epochs. *)
Tellers(e, t, s) ==
    {i \in RaftGroup.members :
        i \in Byzantine \/ \E a \in answers : a.node = i /\ a.epoch = e /\ SameTerm(t, a) /\ IsPrefix(s, a.state)}
BookTellers(e, s) ==
    {i \in Replica :
        i \in Byzantine \/ \E b \in Prefixes(known[i]) : Protocol(b) = "BFT" /\ Epoch(b) = e /\ IsPrefix(s, State(b))}

(* What a client may take for done: in a Raft epoch what a quorum answered with one epoch and term (PBFT, 5.1), *)
(* in a BFT epoch what f + 1 answered (PBFT, 4.1); there are no terms there.                                    *)
MayBelieve(e, t, s) ==
    \/ Cardinality(Tellers(e, t, s)) >= BelieveQuorum
    \/ t = 0 /\ Cardinality(BookTellers(e, s)) > MaxFaulty

(* All that clients may take for done in Raft epochs, whether or not one did. *)
Believable ==
    {b \in UNION {{[epoch |-> a.epoch, term |-> a.term, state |-> s] : s \in Prefixes(a.state)} : a \in answers} :
        Cardinality(Tellers(b.epoch, b.term, b.state)) >= BelieveQuorum}

Believe(e, t, s) ==
    LET b == [epoch |-> e, term |-> t, state |-> s]
    IN  /\ s # <<>> /\ b \notin believed
        /\ MayBelieve(e, t, s)
        /\ believed' = believed \cup {b}
        /\ UNCHANGED <<acks, answers, stops, calms, book, known, acked, held, stopped, mood>>

-----------------------------------------------------------------------------
(* The switch to BFT, or to a new log *)

Attacks == {"Threat", "Standstill"}
Reasons == Attacks \cup {"Long"}          \* a replica's own; beside them there is "Joined"

(* Others that i may have heard to stop in its epoch. *)
StoppedOthers(i) == {j \in Replica \ {i} : j \in Byzantine \/ \E s \in stops : s.node = j /\ s.epoch = EpochOf(i)}

(* Replica i stops, and signs with what it holds: its level is High or above; its timer says that nothing goes on; *)
(* its log is long; or f + 1 others stopped, one of whom is correct.                                             *)
Stop(i, why) ==
    /\ InRaft(i) /\ MayGoOn(i)
    /\ CASE why = "Threat" -> mood[i] = "Alarmed"
         [] why = "Joined" -> mood[i] # "Alarmed" /\ Cardinality(StoppedOthers(i)) >= JoinQuorum
         [] OTHER          -> why \in Reasons
    /\ stopped' = [stopped EXCEPT ![i] = TRUE]
    /\ stops' = stops \cup {[node |-> i, epoch |-> EpochOf(i), why |-> why, held |-> held[i]]}
    /\ UNCHANGED <<acks, answers, calms, book, known, acked, held, mood, believed>>

(* The stops that Byzantine replicas may sign in epoch e. *)
ForgedStops(e) ==
    {[node |-> i, epoch |-> e, why |-> w, held |-> h] :
        i \in Byzantine, w \in {"Threat", "Long"}, h \in {Nothing} \cup Seals(e)}

(* Whether S is as many stops of epoch e as a close needs. *)
IsClose(e, S) ==
    /\ S \subseteq {s \in stops : s.epoch = e} \cup ForgedStops(e)
    /\ Cardinality(S) = StopQuorum
    /\ \A s, u \in S : s.node = u.node => s = u

Named(S) == {s \in S : s.why \in Attacks}

NextProtocol(S) == IF Cardinality(Named(S)) >= ThreatQuorum THEN "BFT" ELSE "Raft"

(* PBFT decides a close with the stops S (700: the init history of the next instance). *)
Close(S) ==
    /\ Protocol(book) = "Raft" /\ IsClose(Epoch(book), S)
    /\ \E i \in Replica : MayHandIn(i)
    /\ \E c \in TakenOver(S) : book' = Append(book, CloseEntry(c, NextProtocol(S)))
    /\ UNCHANGED <<acks, answers, stops, calms, known, acked, held, stopped, mood, believed>>

-----------------------------------------------------------------------------
(* A BFT epoch, and the switch back *)

(* PBFT decides an operation. *)
Decide(v) ==
    /\ Protocol(book) = "BFT"
    /\ book' = Append(book, OperationEntry(v))
    /\ UNCHANGED <<acks, answers, stops, calms, known, acked, held, stopped, mood, believed>>

(* Replica i wants to leave its BFT epoch, and signs that it does. *)
Calm(i) ==
    /\ ~InRaft(i) /\ IsCalm(i)
    /\ [node |-> i, epoch |-> EpochOf(i)] \notin calms
    /\ calms' = calms \cup {[node |-> i, epoch |-> EpochOf(i)]}
    /\ UNCHANGED <<acks, answers, stops, book, known, acked, held, stopped, mood, believed>>

(* PBFT decides an open with the calms of the replicas C. *)
Open(C) ==
    /\ Protocol(book) = "BFT"
    /\ Cardinality(C) = CalmQuorum
    /\ \A i \in C : i \in Byzantine \/ [node |-> i, epoch |-> Epoch(book)] \in calms
    /\ book' = Append(book, OpenEntry(BaseOfOpen(C)))
    /\ UNCHANGED <<acks, answers, stops, calms, known, acked, held, stopped, mood, believed>>

(* Replica i executes the next entry of the book.  With a switch it enters the epoch that begins, whatever it did in *)
(* the one before: what it had executed beyond what is taken over is undone.                                        *)
Learn(i) ==
    \E e \in Upcoming(i) :
        /\ known' = [known EXCEPT ![i] = Append(@, e)]
        /\ acked' = IF IsSwitch(e) THEN [acked EXCEPT ![i] = Nothing] ELSE acked
        /\ held' = IF IsSwitch(e) THEN [held EXCEPT ![i] = Nothing] ELSE held
        /\ stopped' = IF IsSwitch(e) THEN [stopped EXCEPT ![i] = FALSE] ELSE stopped
        /\ UNCHANGED <<acks, answers, stops, calms, book, mood, believed>>

-----------------------------------------------------------------------------
(* Levels, and crashes *)

Feel(i, m) ==
    /\ mood' = [mood EXCEPT ![i] = m]
    /\ UNCHANGED <<acks, answers, stops, calms, book, known, acked, held, stopped, believed>>

Raise(i) == mood[i] # "Alarmed" /\ Feel(i, "Alarmed")
Lower(i) == mood[i] = "Alarmed" /\ Feel(i, "Uneasy")
Dwell(i) == mood[i] = "Uneasy" /\ Feel(i, "Calm")

(* A crash.  All that a replica goes by was on its disk before it signed. *)
Restart(i) ==
    /\ known' = [known EXCEPT ![i] = KnownAfterCrash(i)]
    /\ acked' = [acked EXCEPT ![i] = AckedAfterCrash(i)]
    /\ held' = [held EXCEPT ![i] = HeldAfterCrash(i)]
    /\ stopped' = [stopped EXCEPT ![i] = StoppedAfterCrash(i)]
    /\ UNCHANGED <<acks, answers, stops, calms, book, mood, believed>>

-----------------------------------------------------------------------------

Init ==
    /\ acks = {} /\ answers = {} /\ stops = {} /\ calms = {}
    /\ book = <<>>
    /\ known = [i \in Correct |-> <<>>]
    /\ acked = [i \in Correct |-> Nothing]
    /\ held = [i \in Correct |-> Nothing]
    /\ stopped = [i \in Correct |-> FALSE]
    /\ mood = [i \in Correct |-> "Calm"]
    /\ believed = {}

(* What a Raft log may hold: each operation once, in any order.  A chain in which one is repeated has the state of *)
(* the one without, and more digests.                                                                               *)
Injective(c) == \A k, l \in DOMAIN c : c[k] = c[l] => k = l
Chains == {c \in UNION {[1..k -> Operation] : k \in 1..Cardinality(Operation)} : Injective(c)}

(* The closes that may be decided: of the stops of some correct replicas, and of one of each of some Byzantine ones. *)
CloseSets ==
    LET e      == Epoch(book)
        mine   == {s \in stops : s.epoch = e}
        seals  == {Nothing} \cup Seals(e)
        forged == UNION {{{[node |-> i, epoch |-> e, why |-> f[i][1], held |-> f[i][2]] : i \in B} :
                              f \in [B -> {"Threat", "Long"} \X seals]} : B \in SUBSET Byzantine}
    IN  UNION {{M \cup F : F \in {G \in forged : Cardinality(M) + Cardinality(G) = StopQuorum}} : M \in SUBSET mine}

(* The states that anybody may have told of. *)
States == {a.state : a \in answers} \cup {State(b) : b \in Prefixes(book)}

Next ==
    \/ \E i \in Correct, t \in Term, c \in Chains : Ack(i, t, c)
    \/ \E i \in Correct : \E s \in Seals(EpochOf(i)) : Hold(i, s.term, s.chain)
    \/ \E e \in 0..Epoch(book), t \in Term \cup {0}, s \in UNION {Prefixes(u) : u \in States} : Believe(e, t, s)
    \/ \E i \in Correct, w \in Reasons \cup {"Joined"} : Stop(i, w)
    \/ Protocol(book) = "Raft" /\ \E S \in CloseSets : Close(S)
    \/ \E v \in Operation : Decide(v)
    \/ \E i \in Correct : Calm(i)
    \/ \E C \in SUBSET Replica : Open(C)
    \/ \E i \in Correct : Learn(i) \/ Raise(i) \/ Lower(i) \/ Dwell(i) \/ Restart(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants *)

IsChain(c)   == c \in Seq(Operation)
IsVote(v)    == v = Nothing \/ (v.term \in Term /\ IsChain(v.chain) /\ v.chain # <<>>)
IsEntry(e) ==
    CASE e.kind = "Operation" -> e.operation \in Operation
      [] e.kind = "Close"     -> IsChain(e.chain) /\ e.protocol \in {"Raft", "BFT"}
      [] e.kind = "Open"      -> e.base \in Nat
      [] OTHER                -> FALSE

TypeOK ==
    /\ \A a \in acks : a.node \in Correct /\ a.epoch \in Nat /\ IsVote([term |-> a.term, chain |-> a.chain])
    /\ \A a \in answers : a.node \in Correct /\ a.epoch \in Nat /\ a.term \in Term /\ IsChain(a.state)
    /\ \A s \in stops : s.node \in Correct /\ s.epoch \in Nat /\ s.why \in Reasons \cup {"Joined"} /\ IsVote(s.held)
    /\ \A c \in calms : c.node \in Correct /\ c.epoch \in Nat
    /\ \A k \in DOMAIN book : IsEntry(book[k])
    /\ \A i \in Correct :
           /\ \A k \in DOMAIN known[i] : IsEntry(known[i][k])
           /\ IsVote(acked[i]) /\ IsVote(held[i])
           /\ stopped[i] \in BOOLEAN /\ mood[i] \in {"Calm", "Uneasy", "Alarmed"}
    /\ \A b \in believed : b.epoch \in Nat /\ b.term \in Term \cup {0} /\ IsChain(b.state)

(* Seals of one term do not contradict each other.  Holds because two quorums share a correct replica, and that one's *)
(* chains of a term extend each other (A1).                                                                          *)
SealsAgree ==
    \A e \in 0..Epoch(book) : \A s, u \in Seals(e) : s.term = u.term => Comparable(s.chain, u.chain)

(* What the quorum of holders of a seal may make a client believe is in all seals of later terms.  Holds because the *)
(* holders and those who acked the later seal share a correct replica.  It held first (H1), and acks only what      *)
(* extends that (A2).                                                                                                *)
SealsKeepBelieved ==
    \A b \in Believable : \A s \in Seals(b.epoch) :
        s.term > b.term => IsPrefix(b.state, Apply(State(Beginning(b.epoch)), s.chain))

(* What clients may believe of one epoch agrees.  Within a term because seals do, across terms by the one before. *)
BelievedAgree == \A b, d \in Believable : b.epoch = d.epoch => Comparable(b.state, d.state)

(* What clients may believe of an epoch that is over is in what was taken over from it, and in all that follows; and  *)
(* so is what the book decided.  Holds because the holders and those whose stops make the close share a correct      *)
(* replica: its seal, or a later one, is among them; and a seal of a higher term that somebody else brought contains *)
(* it, by SealsKeepBelieved.  And an open begins with the state at its own number.                                   *)
Kept ==
    LET all == Believable \cup believed
    IN  \A p \in Prefixes(book) :
            LET epoch == Epoch(p)
                state == State(p)
            IN  /\ \A b \in all : epoch > b.epoch => IsPrefix(b.state, state)
                /\ p # <<>> => IsPrefix(State(Front(p)), state)

(* One decision per position over all epochs: the states that clients may believe, and those that the book passed *)
(* through, extend each other.                                                                                    *)
Decided == {b.state : b \in Believable \cup believed} \cup {State(p) : p \in Prefixes(book)}
OneDecision == \A s, u \in Decided : Comparable(s, u)

(* No operation is applied twice, whatever was asked for in whatever epochs. *)
Once == \A s \in Decided \cup {a.state : a \in answers} : Injective(s)

(* Replicas that still serve in an epoch. *)
Active(e) == {i \in Correct : EpochOf(i) = e /\ InRaft(i) /\ ~stopped[i]}

(* An epoch that is over has no quorum any more.  Holds because of the n - f whose stops closed it at most f were       *)
(* lying, so that at most 2f go on, Byzantine ones among them.                                                         *)
OneEpoch == \A e \in 0..Epoch(book) - 1 : Cardinality(Active(e) \cup Byzantine) < BelieveQuorum

(* Every replica goes by the book. *)
GoByTheBook == \A i \in Correct : IsPrefix(known[i], book)

(* What ended epoch e. *)
EndOf(e) == Last(Beginning(e + 1))

(* f replicas can neither bring a switch about by themselves.  A close needs the stop of a correct replica, the first of *)
(* which had a reason of its own, since others join only f + 1; and an open the calms of f + 1 correct ones, at least.   *)
NobodyAlone ==
    \A e \in 0..Epoch(book) - 1 :
        IF EndOf(e).kind = "Close"
        THEN \E s \in stops : s.epoch = e /\ s.why # "Joined"
        ELSE Cardinality({c \in calms : c.epoch = e}) > MaxFaulty

(* A close leads to BFT only if a correct replica named an attack, and does if all correct ones that stopped did.     *)
Mapping ==
    \A e \in 0..Epoch(book) - 1 :
        LET mine == {s \in stops : s.epoch = e}
        IN  EndOf(e).kind = "Close" =>
                /\ EndOf(e).protocol = "BFT" => Named(mine) # {}
                /\ EndOf(e).protocol = "Raft" => Named(mine) # mine

(* What replicas go by is what they signed: a crash changes nothing of it. *)
SignedIsKnown ==
    \A i \in Correct :
        /\ acked[i] # Nothing => [node |-> i, epoch |-> EpochOf(i), term |-> acked[i].term, chain |-> acked[i].chain] \in acks
        /\ \A a \in acks : a.node = i => a.epoch <= EpochOf(i) /\ (a.epoch = EpochOf(i) => a.term <= acked[i].term)
        /\ stopped[i] <=> \E s \in stops : s.node = i /\ s.epoch = EpochOf(i)

-----------------------------------------------------------------------------
(* Properties of steps *)

(* What is decided at a position stays decided: positions are written once. *)
WriteOnce == [][IsPrefix(State(book), State(book'))]_vars

(* No replica goes back in the book. *)
EpochsGrow == [][\A i \in Correct : IsPrefix(known[i], known'[i])]_vars

(* A replica that stopped does nothing more in its epoch: neither acks nor seals come from it. *)
StoppedIsStopped ==
    [][\A i \in Correct : stopped[i] /\ Epoch(known'[i]) = EpochOf(i) => stopped'[i] /\ acked'[i] = acked[i] /\ held'[i] = held[i]]_vars
=============================================================================
