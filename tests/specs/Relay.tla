---- MODULE Relay ----
(* Nodes send numbered letters through one relay. A node sends one, then waits until it is ready again: *)
(* it polls and is answered, or it restarts, which also forgets what it got.                            *)
EXTENDS Naturals
CONSTANT Nodes
VARIABLES sent, box, got, state, event
vars == <<sent, box, got, state, event>>
Init ==
  /\ sent = 0 /\ box = {} /\ got = [n \in Nodes |-> 0] /\ state = [n \in Nodes |-> "ready"]
  /\ event = [action |-> "Init"]
SendEvent(n) ==
  /\ state[n] = "ready"
  /\ sent' = sent + 1
  /\ box' = box \union {[from |-> n, number |-> sent + 1]}
  /\ state' = [state EXCEPT ![n] = "waits"]
  /\ UNCHANGED got
  /\ event' = [action |-> "Send", node |-> n]
DeliverEvent ==
  \E letter \in box :
    /\ box' = box \ {letter}
    /\ got' = [got EXCEPT ![letter.from] = letter.number]
    /\ UNCHANGED <<sent, state>>
    /\ event' = [action |-> "Deliver", letter |-> letter]
PollEvent(n) ==
  /\ state[n] = "waits"
  /\ state' = [state EXCEPT ![n] = "polls"]
  /\ UNCHANGED <<sent, box, got>>
  /\ event' = [action |-> "Poll", node |-> n]
AnswerEvent(n) ==
  /\ state[n] = "polls"
  /\ state' = [state EXCEPT ![n] = "ready"]
  /\ UNCHANGED <<sent, box, got>>
  /\ event' = [action |-> "Answer", node |-> n]
RestartEvent(n) ==
  /\ state[n] # "ready"
  /\ state' = [state EXCEPT ![n] = "ready"]
  /\ got' = [got EXCEPT ![n] = 0]
  /\ UNCHANGED <<sent, box>>
  /\ event' = [action |-> "Restart", node |-> n]
Next == DeliverEvent \/ \E n \in Nodes : SendEvent(n) \/ PollEvent(n) \/ AnswerEvent(n) \/ RestartEvent(n)
Spec == Init /\ [][Next]_vars
Few == sent < 2
====
