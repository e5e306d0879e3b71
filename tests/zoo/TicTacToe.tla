---- MODULE TicTacToe ----
(* Noughts and crosses: 5478 positions and 16167 moves, as is well known. *)
EXTENDS Naturals, FiniteSets
VARIABLES board, turn
Cell == (1..3) \X (1..3)
Lines == {{<<i, j>> : j \in 1..3} : i \in 1..3} \union {{<<i, j>> : i \in 1..3} : j \in 1..3}
         \union {{<<i, i>> : i \in 1..3}, {<<i, 4 - i>> : i \in 1..3}}
Won(who) == \E line \in Lines : \A cell \in line : board[cell] = who
Init == board = [cell \in Cell |-> " "] /\ turn = "X"
Next ==
  /\ ~Won("X") /\ ~Won("O")
  /\ \E cell \in Cell :
       /\ board[cell] = " "
       /\ board' = [board EXCEPT ![cell] = turn]
       /\ turn' = IF turn = "X" THEN "O" ELSE "X"
Has(who) == Cardinality({cell \in Cell : board[cell] = who})
Alternate == Has("X") - Has("O") = IF turn = "X" THEN 0 ELSE 1
OneWinner == ~(Won("X") /\ Won("O"))
====
