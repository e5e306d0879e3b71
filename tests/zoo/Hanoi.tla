---- MODULE Hanoi ----
(* The towers of Hanoi with N disks: every disk may be on any of 3 pegs, 3^N states. Three moves in each
   but the three towers, which have two. The farthest state is 2^N - 1 moves away. *)
EXTENDS Naturals
CONSTANT N
VARIABLE peg  \* disk -> its peg; disk 1 is the smallest
Init == peg = [d \in 1..N |-> 1]
Move(d, to) ==
  /\ to # peg[d]
  /\ \A smaller \in 1..(d - 1) : peg[smaller] \notin {peg[d], to}
  /\ peg' = [peg EXCEPT ![d] = to]
Next == \E d \in 1..N, to \in 1..3 : Move(d, to)
Unfinished == \E d \in 1..N : peg[d] # 3
====
