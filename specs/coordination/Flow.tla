-------------------------------- MODULE Flow --------------------------------
(***************************************************************************)
(* The two-layer flow of queries: each has exactly one answer.             *)
(*                                                                         *)
(* Source: adr-102, "Coordination Flow".  Within a category a coordinator  *)
(* answers from what gossip has brought it.  Across categories, and for    *)
(* what must be strong, Raft decides the query; each coordinator that      *)
(* applies it reads its category, and the one that was asked, the          *)
(* aggregator, collects the parts.                                         *)
(*                                                                         *)
(* Of Raft (specs/raft) it is assumed that decisions have one order, which *)
(* only grows, while a majority is up; a proposal may be lost, or decided  *)
(* twice.  What may be read of the agents of a category, at a moment, is   *)
(* any of `Readings` (specs/gossip, specs/barrier).                        *)
(* Messages may be lost, late, doubled and out of order: who sent one has  *)
(* sent it for ever, and anybody may take it at any time or never.         *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Coordinator,
    Query,
    ByRaft,     \* the queries that go by Raft
    Asks,       \* query -> its categories
    Owner,      \* category -> the coordinator that reads it first
    Attempts,   \* a client asks so many coordinators
    Readings,   \* what may be read of a category: of "all", "some" and "none" of its agents
    Nothing

ASSUME Attempts \in 1..Cardinality(Coordinator)

VARIABLES
    asked,     \* query -> the coordinators that the client asked, in order; << >> before it asks
    answers,   \* query -> the answers that the client gave to the application, in order
    up,        \* the coordinators that are up
    pending,   \* coordinator -> query -> [index, parts] while it collects parts; Nothing
    log,       \* what Raft has decided, in order: [query, by]
    applied,   \* coordinator -> how many of these it has applied
    messages   \* all that was ever sent; nothing is ever taken out

vars == <<asked, answers, up, pending, log, applied, messages>>

NoIndex == 0

(* What a coordinator read of a category, after it had applied so much. *)
Part(q, k, at, reading) == [type |-> "Part", query |-> q, category |-> k, at |-> at, reading |-> reading]

(* An answer: of each category what was read and where, or why not. *)
Failed(reason)    == [outcome |-> "failed", of |-> << >>, index |-> NoIndex, reason |-> reason]
Answered(q, what) == {[type |-> "Answer", query |-> q, answer |-> what]}
Asking(q, c)      == {[type |-> "Query", query |-> q, dest |-> c]}

-----------------------------------------------------------------------------
(* Rules on which safety and an answer rest.  Configurations that must fail replace them. *)

(* A query has no answer yet. *)
IsOpen(q) == asked[q] # << >> /\ answers[q] = << >>

(* The client gives up, instead of asking another coordinator. *)
GivesUp(q) == Len(asked[q]) >= Attempts

(* A part was read late enough for a query at an index. *)
IsLateEnough(part, index) == part.at >= index

(* Of one category the first part counts. *)
IsWanted(p, part) == part.category \notin DOMAIN p.parts /\ IsLateEnough(part, p.index)

(* It is known at which index the query stands. *)
IsDecided(p) == p.index # NoIndex

IsWhole(q, p) == DOMAIN p.parts = Asks[q] /\ IsDecided(p)

(* The categories that an answer speaks of: of those without a part it says that all were silent. *)
Told(q, p) == Asks[q]

(* The outcome by what there is of each category. *)
Outcome(of) ==
    IF \A k \in DOMAIN of : of[k].reading = "all" THEN "complete"
    ELSE IF \E k \in DOMAIN of : of[k].reading \in {"all", "some"} THEN "partial"
    ELSE "failed"

(* What a coordinator answers when the time of a query is over. *)
AtTimeOut(q, p) ==
    IF ~IsDecided(p) THEN Failed("undecided")
    ELSE LET of == [k \in Told(q, p) |-> IF k \in DOMAIN p.parts THEN p.parts[k] ELSE Part(q, k, p.index, "silent")]
         IN  [outcome |-> Outcome(of), of |-> of, index |-> p.index, reason |-> "read"]

-----------------------------------------------------------------------------
(* Clients *)

(* A client asks its first coordinator. *)
Ask(q, c) ==
    /\ asked[q] = << >>
    /\ asked' = [asked EXCEPT ![q] = <<c>>]
    /\ messages' = messages \cup Asking(q, c)
    /\ UNCHANGED <<answers, up, pending, log, applied>>

(* One was silent: the client asks another one. *)
AskNext(q, c) ==
    /\ IsOpen(q)
    /\ ~GivesUp(q)
    /\ \A i \in DOMAIN asked[q] : asked[q][i] # c
    /\ asked' = [asked EXCEPT ![q] = Append(@, c)]
    /\ messages' = messages \cup Asking(q, c)
    /\ UNCHANGED <<answers, up, pending, log, applied>>

(* It has asked enough of them. *)
GiveUp(q) ==
    /\ IsOpen(q)
    /\ GivesUp(q)
    /\ answers' = [answers EXCEPT ![q] = Append(@, Failed("nobody"))]
    /\ UNCHANGED <<asked, up, pending, log, applied, messages>>

(* An answer arrives; a later one is left alone. *)
Hear(m) ==
    /\ m.type = "Answer"
    /\ IsOpen(m.query)
    /\ answers' = [answers EXCEPT ![m.query] = Append(@, m.answer)]
    /\ UNCHANGED <<asked, up, pending, log, applied, messages>>

-----------------------------------------------------------------------------
(* Coordinators *)

(* A query for gossip is answered at once, from what there is. *)
AnswerByGossip(c, m, reading) ==
    /\ m.type = "Query" /\ m.dest = c /\ c \in up /\ m.query \notin ByRaft
    /\ LET of == [k \in Asks[m.query] |-> Part(m.query, k, NoIndex, reading)]
       IN  messages' = messages \cup Answered(m.query,
               [outcome |-> Outcome(of), of |-> of, index |-> NoIndex, reason |-> "read"])
    /\ UNCHANGED <<asked, answers, up, pending, log, applied>>

(* A query for Raft is proposed. *)
Propose(c, m) ==
    /\ m.type = "Query" /\ m.dest = c /\ c \in up /\ m.query \in ByRaft
    /\ pending[c][m.query] = Nothing
    /\ pending' = [pending EXCEPT ![c][m.query] = [index |-> NoIndex, parts |-> << >>]]
    /\ messages' = messages \cup {[type |-> "Proposal", query |-> m.query, by |-> c]}
    /\ UNCHANGED <<asked, answers, up, log, applied>>

(* A coordinator that has too many open says so. *)
Refuse(c, m) ==
    /\ m.type = "Query" /\ m.dest = c /\ c \in up /\ m.query \in ByRaft
    /\ pending[c][m.query] = Nothing
    /\ messages' = messages \cup Answered(m.query, Failed("busy"))
    /\ UNCHANGED <<asked, answers, up, pending, log, applied>>

(* Raft decides what was proposed. *)
Decide(m) ==
    /\ m.type = "Proposal"
    /\ 2 * Cardinality(up) > Cardinality(Coordinator)
    /\ log' = Append(log, [query |-> m.query, by |-> m.by])
    /\ UNCHANGED <<asked, answers, up, pending, applied, messages>>

(* The aggregator takes a set of parts; it answers if that is all. *)
Collect(c, q, p, parts) ==
    LET wanted == {each \in parts : IsWanted(p, each)}
        all    == [k \in DOMAIN p.parts \cup {each.category : each \in wanted} |->
                      IF k \in DOMAIN p.parts THEN p.parts[k]
                      ELSE CHOOSE each \in wanted : each.category = k]
        after  == [index |-> p.index, parts |-> all]
    IN  IF IsWhole(q, after)
        THEN /\ pending' = [pending EXCEPT ![c][q] = Nothing]
             /\ messages' = messages \cup Answered(q, AtTimeOut(q, after))
        ELSE /\ pending' = [pending EXCEPT ![c][q] = after]
             /\ UNCHANGED messages

(* It comes to know the index, and keeps the parts that were read late enough. *)
At(p, index) ==
    LET late == {k \in DOMAIN p.parts : IsLateEnough(p.parts[k], index)}
    IN  [index |-> index, parts |-> [k \in late |-> p.parts[k]]]

(* A coordinator applies the next decision, and reads what it is responsible for. *)
Apply(c, reading) ==
    /\ c \in up /\ applied[c] < Len(log)
    /\ LET index == applied[c] + 1
           q     == log[index].query
           mine  == {Part(q, k, index, reading) : k \in {each \in Asks[q] : Owner[each] = c}}
           p     == pending[c][q]
       IN  /\ applied' = [applied EXCEPT ![c] = index]
           /\ IF log[index].by # c
              THEN messages' = messages \cup mine /\ UNCHANGED pending
              ELSE IF p = Nothing THEN UNCHANGED <<messages, pending>>
              ELSE IF IsDecided(p) THEN UNCHANGED <<messages, pending>>
              ELSE Collect(c, q, At(p, index), mine)
    /\ UNCHANGED <<asked, answers, up, log>>

(* A part arrives. *)
TakePart(c, m) ==
    /\ m.type = "Part" /\ c \in up /\ pending[c][m.query] # Nothing
    /\ Collect(c, m.query, pending[c][m.query], {m})
    /\ UNCHANGED <<asked, answers, up, log, applied>>

(* Deputies are asked for the categories that are missing: perhaps itself. *)
Chase(c, q) ==
    /\ c \in up /\ pending[c][q] # Nothing
    /\ LET p == pending[c][q]
       IN  /\ p.index # NoIndex
           /\ messages' = messages \cup
                  {[type |-> "Request", query |-> q, category |-> k, index |-> p.index] : k \in Asks[q] \ DOMAIN p.parts}
    /\ UNCHANGED <<asked, answers, up, pending, log, applied>>

(* A deputy reads it. *)
Deputise(c, m, reading) ==
    /\ m.type = "Request" /\ c \in up
    /\ applied[c] >= m.index   \* what was read before would not be late enough
    /\ messages' = messages \cup {Part(m.query, m.category, applied[c], reading)}
    /\ UNCHANGED <<asked, answers, up, pending, log, applied>>

(* The time of a query is over. *)
Expire(c, q) ==
    /\ c \in up /\ pending[c][q] # Nothing
    /\ pending' = [pending EXCEPT ![c][q] = Nothing]
    /\ messages' = messages \cup Answered(q, AtTimeOut(q, pending[c][q]))
    /\ UNCHANGED <<asked, answers, up, log, applied>>

(* A crash loses what is pending. *)
Crash(c) ==
    /\ c \in up
    /\ up' = up \ {c}
    /\ pending' = [pending EXCEPT ![c] = [q \in Query |-> Nothing]]
    /\ UNCHANGED <<asked, answers, log, applied, messages>>

Restart(c) ==
    /\ c \notin up
    /\ up' = up \cup {c}
    /\ UNCHANGED <<asked, answers, pending, log, applied, messages>>

Init ==
    /\ asked = [q \in Query |-> << >>]
    /\ answers = [q \in Query |-> << >>]
    /\ up = Coordinator
    /\ pending = [c \in Coordinator |-> [q \in Query |-> Nothing]]
    /\ log = << >>
    /\ applied = [c \in Coordinator |-> 0]
    /\ messages = {}
-----------------------------------------------------------------------------
(* Properties *)

Answers(q) == {answers[q][i] : i \in DOMAIN answers[q]}

(* Never two answers. *)
OneAnswer == \A q \in Query : Len(answers[q]) <= 1

(* An answer says of each category what was read, or that nobody answered, and its outcome fits. *)
Accounted ==
    \A q \in Query : \A a \in Answers(q) :
        \/ a.reason # "read" /\ a.outcome = "failed"
        \/ /\ a.reason = "read" /\ DOMAIN a.of = Asks[q]
           /\ (a.outcome = "complete") <=> \A k \in Asks[q] : a.of[k].reading = "all"
           /\ (a.outcome = "failed") <=> \A k \in Asks[q] : a.of[k].reading \in {"none", "silent"}

(* What goes by Raft is told only after Raft has decided it. *)
StrongIsDecided ==
    \A q \in ByRaft : \A a \in Answers(q) :
        a.outcome # "failed" => a.index \in 1..Len(log) /\ log[a.index].query = q

(* All that an answer tells was read at its index or later. *)
ReadAtIndex == \A q \in Query : \A a \in Answers(q) : \A k \in DOMAIN a.of : a.of[k].at >= a.index
=============================================================================
