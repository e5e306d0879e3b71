---- MODULE Tally ----
(* A counter up to Limit, and a lamp that is lit while it is odd. Knocking does nothing but make noise. *)
EXTENDS Naturals
CONSTANTS Limit, Knockers
VARIABLES total, odd, event
Init == total = 0 /\ odd = FALSE /\ event = [action |-> "Init"]
To(n) == total' = n /\ odd' = (n % 2 = 1)
RaiseEvent(by) == total + by <= Limit /\ To(total + by) /\ event' = [action |-> "Raise", by |-> by]
ResetEvent == total > 0 /\ To(0) /\ event' = [action |-> "Reset"]
KnockEvent(who) == UNCHANGED <<total, odd>> /\ event' = [action |-> "Knock", who |-> who]
Next == (\E by \in 1..2 : RaiseEvent(by)) \/ ResetEvent \/ (\E who \in Knockers : KnockEvent(who))
(* One action, two outcomes: the event does not say which. *)
GuessEvent == (\E n \in 3..4 : To(n)) /\ event' = [action |-> "Guess"]
NextOrGuess == Next \/ GuessEvent
====
