---- MODULE Library ----
(* Definitions without a configuration. Len is not the one of Sequences. *)
EXTENDS Naturals
VARIABLE shelf
Len(s) == 42
Twice(n) == 2 * n
Endless == CHOOSE n \in Nat : n > 2
Full == shelf > Twice(1)
====
