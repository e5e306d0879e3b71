---- MODULE Queens ----
(* Queens on a board of N by N, placed row by row so that none attacks another: for N = 6 there are
   1, 6, 20, 36, 46, 40 and 4 placements of 0 to 6 rows, every one reached in one way. The first full
   board is the end of a path of N steps. *)
EXTENDS Naturals, Sequences
CONSTANT N
VARIABLE board
Attacks(i, a, j, b) == a = b \/ i + a = j + b \/ i + b = j + a
Init == board = <<>>
Next == Len(board) < N /\ \E column \in 1..N :
  /\ \A row \in 1..Len(board) : ~Attacks(row, board[row], Len(board) + 1, column)
  /\ board' = Append(board, column)
Unsolved == Len(board) < N
====
