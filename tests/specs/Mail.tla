---- MODULE Mail ----
(* Nodes send each other letters, at most one each on its way, and count what they get, modulo 2. *)
EXTENDS Naturals
CONSTANT Nodes
VARIABLES box, got
pure == <<box, got>>
Init == box = {} /\ got = [n \in Nodes |-> 0]
Send(from, to) ==
  /\ from # to
  /\ \A letter \in box : letter.from # from
  /\ box' = box \union {[from |-> from, to |-> to]}
  /\ UNCHANGED got
Receive(letter) ==
  /\ box' = box \ {letter}
  /\ got' = [got EXCEPT ![letter.to] = 1 - @]
Next == \/ \E from, to \in Nodes : Send(from, to)
        \/ \E letter \in box : Receive(letter)
Empty == box = {}
====
