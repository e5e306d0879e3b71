---- MODULE CoffeeCan ----
(* A can of black and white beans, at most Max of them and one at least. Two are taken out: if they are
   alike a black one goes back, otherwise the white one. Every can is initial, Max (Max + 3) / 2 of them. The whites stay
   odd or even, and the last bean tells which. *)
EXTENDS Naturals
CONSTANT Max
VARIABLE can
Cans == {c \in [black : 0..Max, white : 0..Max] : c.black + c.white \in 1..Max}
Init == can \in Cans
TwoBlack == can.black >= 2 /\ can' = [can EXCEPT !.black = @ - 1]
TwoWhite == can.white >= 2 /\ can' = [can EXCEPT !.black = @ + 1, !.white = @ - 2]
Mixed == can.black >= 1 /\ can.white >= 1 /\ can' = [can EXCEPT !.black = @ - 1]
Next == TwoBlack \/ TwoWhite \/ Mixed
Spec == Init /\ [][Next]_can /\ WF_can(Next)
Typed == can \in Cans
SameParity == [][can'.white % 2 = can.white % 2]_can
Ends == <>[](~ENABLED Next /\ can.black + can.white = 1)
MoreThanOne == can.black + can.white > 1
====
