---- MODULE Life ----
(* Conway's game on a torus of 3 by 3, from every one of the 2^9 patterns. Each has one successor, which
   is a pattern too: 2 * 2^9 generated, 2^9 distinct, all of them initial. *)
EXTENDS Naturals, FiniteSets
VARIABLE alive
Cell == (0..2) \X (0..2)
Near(a, b) == a # b /\ \E dx, dy \in {0, 1, 2} : <<(a[1] + dx) % 3, (a[2] + dy) % 3>> = b
Neighbours(cell) == {other \in alive : Near(cell, other)}
Survives(cell) ==
  LET n == Cardinality(Neighbours(cell))
  IN  IF cell \in alive THEN n \in {2, 3} ELSE n = 3
Init == alive \in SUBSET Cell
Next == alive' = {cell \in Cell : Survives(cell)}
====
