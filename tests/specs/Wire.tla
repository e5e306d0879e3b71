---- MODULE Wire ----
(* Nodes send numbered letters over a wire that loses and doubles them. For validation of logs: losing is *)
(* needed before Clear, doubling before the first of two copies is taken, long before the second one is.   *)
EXTENDS Naturals, Sequences
CONSTANTS Nodes, Most
VARIABLES sent, got, wire, event
With(m) == [l \in DOMAIN wire \cup {m} |-> IF l \notin DOMAIN wire THEN 1 ELSE IF l = m THEN wire[l] + 1 ELSE wire[l]]
Without(m) == IF wire[m] > 1 THEN [wire EXCEPT ![m] = @ - 1] ELSE [l \in DOMAIN wire \ {m} |-> wire[l]]
Init ==
  /\ sent = [n \in Nodes |-> 0]
  /\ got = [n \in Nodes |-> <<>>]
  /\ wire = [l \in {} |-> 0]
  /\ event = [action |-> "Init"]
SendEvent(n) ==
  /\ sent[n] < Most
  /\ sent' = [sent EXCEPT ![n] = @ + 1]
  /\ wire' = With([from |-> n, number |-> sent[n] + 1])
  /\ UNCHANGED got
  /\ event' = [action |-> "Send", node |-> n]
TakeEvent ==
  \E m \in DOMAIN wire, n \in Nodes :
    /\ n # m.from
    /\ Len(got[n]) < 4
    /\ got' = [got EXCEPT ![n] = Append(@, m.number)]
    /\ wire' = Without(m)
    /\ UNCHANGED sent
    /\ event' = [action |-> "Take", node |-> n, letter |-> m]
ClearEvent(n) ==
  /\ wire = [l \in {} |-> 0]
  /\ got' = [got EXCEPT ![n] = <<>>]
  /\ UNCHANGED <<sent, wire>>
  /\ event' = [action |-> "Clear", node |-> n]
LoseEvent ==
  \E m \in DOMAIN wire : wire' = Without(m) /\ UNCHANGED <<sent, got>> /\ event' = [action |-> "Lose", letter |-> m]
DoubleEvent ==
  \E m \in DOMAIN wire :
    wire[m] < 2 /\ wire' = With(m) /\ UNCHANGED <<sent, got>> /\ event' = [action |-> "Double", letter |-> m]
Next ==
  \/ \E n \in Nodes : SendEvent(n) \/ ClearEvent(n)
  \/ TakeEvent \/ LoseEvent \/ DoubleEvent
====
