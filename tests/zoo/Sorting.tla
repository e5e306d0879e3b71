---- MODULE Sorting ----
(* Neighbours out of order are exchanged, from every order of 1..N: all N! are initial. Each of the
   N - 1 pairs of neighbours is out of order in half of them: N! (N - 1) / 2 steps. *)
EXTENDS Naturals, Sequences
CONSTANT N
VARIABLE row
Orders == {f \in [1..N -> 1..N] : \A i \in 1..N : \E j \in 1..N : f[j] = i}
Init == row \in Orders
Exchange(i) == row[i] > row[i + 1] /\ row' = [row EXCEPT ![i] = row[i + 1], ![i + 1] = row[i]]
Next == \E i \in 1..(N - 1) : Exchange(i)
Spec == Init /\ [][Next]_row /\ WF_row(Next)
Sorted == row = [i \in 1..N |-> i]
Ends == <>[]Sorted
Sequence == Len(row) = N
====
