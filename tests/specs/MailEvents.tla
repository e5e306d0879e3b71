---- MODULE MailEvents ----
(* Mail with a record of the last action, for replay. The view hides it, so the state count is Mail's. *)
EXTENDS Mail
VARIABLE event
EventInit == Init /\ event = [action |-> "Init"]
SendEvent(from, to) == Send(from, to) /\ event' = [action |-> "Send", from |-> from, to |-> to]
Deliver == \E letter \in box : Receive(letter) /\ event' = [action |-> "Receive", letter |-> letter]
EventNext == (\E from, to \in Nodes : SendEvent(from, to)) \/ Deliver
Half == \E n \in Nodes : got[n] = 0
====
