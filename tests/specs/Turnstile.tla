---- MODULE Turnstile ----
(* It takes coins, Most of them at a time, and lets a visitor pass for each; everybody passes once. *)
EXTENDS Naturals
CONSTANTS Visitors, Most
VARIABLES coins, passed, event
pure == <<coins, passed>>
Init == coins = 0 /\ passed = {} /\ event = [action |-> "Init"]
CoinEvent ==
  /\ coins < Most
  /\ coins' = coins + 1
  /\ UNCHANGED passed
  /\ event' = [action |-> "Coin"]
MayPass(v) == coins > 0 /\ v \notin passed
PassEvent(v) ==
  /\ MayPass(v)
  /\ coins' = coins - 1
  /\ passed' = passed \cup {v}
  /\ event' = [action |-> "Pass", visitor |-> v]
(* Somebody leaves, who passed. *)
LeaveEvent ==
  \E v \in passed :
    /\ passed' = passed \ {v}
    /\ UNCHANGED coins
    /\ event' = [action |-> "Leave", visitor |-> v]
Next == CoinEvent \/ (\E v \in Visitors : PassEvent(v)) \/ LeaveEvent
Price(n) == n * Most
Sane == coins <= Most
====
