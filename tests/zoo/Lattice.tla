---- MODULE Lattice ----
(* A set that grows by one of n members at a time: 2^n subsets, n 2^(n-1) steps, and up to symmetry
   n + 1 sizes, from one of size k n - k steps. The last has no successor, a deadlock. *)
EXTENDS FiniteSets, Naturals, TLC
CONSTANT Members
VARIABLE chosen
Alike == Permutations(Members)
Init == chosen = {}
Next == \E m \in Members \ chosen : chosen' = chosen \union {m}
Subset == chosen \in SUBSET Members
====
