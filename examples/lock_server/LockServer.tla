----------------------------- MODULE LockServer -----------------------------
(* A lock that clients ask for.  Whoever asks while it is held waits, and   *)
(* it is handed on in the order of the requests.  A client that waits may   *)
(* give up.                                                                 *)
EXTENDS Naturals, Sequences

CONSTANTS
    Client,     \* who may ask
    Nobody      \* the holder of a lock that is free

VARIABLES
    holder,     \* who holds the lock
    waiting,    \* who waits for it, the next one first
    event       \* the last action and its arguments, for replay

vars == <<holder, waiting>>

Waits(c) == \E k \in 1..Len(waiting) : waiting[k] = c

Init == holder = Nobody /\ waiting = <<>> /\ event = [action |-> "Init"]

(* A client asks for the lock, and has it at once if it is free. *)
AcquireEvent(c) ==
    /\ holder # c /\ ~Waits(c)
    /\ IF holder = Nobody
       THEN holder' = c /\ UNCHANGED waiting
       ELSE waiting' = Append(waiting, c) /\ UNCHANGED holder
    /\ event' = [action |-> "Acquire", client |-> c]

(* The holder gives it back: the next one gets it. *)
ReleaseEvent(c) ==
    /\ holder = c
    /\ IF waiting = <<>>
       THEN holder' = Nobody /\ UNCHANGED waiting
       ELSE holder' = Head(waiting) /\ waiting' = Tail(waiting)
    /\ event' = [action |-> "Release", client |-> c]

(* A client that waits gives up. *)
CancelEvent(c) ==
    /\ Waits(c)
    /\ waiting' = SelectSeq(waiting, LAMBDA other : other # c)
    /\ UNCHANGED holder
    /\ event' = [action |-> "Cancel", client |-> c]

Next == \E c \in Client : AcquireEvent(c) \/ ReleaseEvent(c) \/ CancelEvent(c)

(* Nobody waits for a lock that is free. *)
NoWaste == holder = Nobody => waiting = <<>>
(* Nobody waits twice, or for what they have. *)
NobodyTwice ==
    /\ \A k \in 1..Len(waiting) : waiting[k] # holder
    /\ \A j, k \in 1..Len(waiting) : waiting[j] = waiting[k] => j = k
=============================================================================
