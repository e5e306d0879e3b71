---- MODULE Maze ----
(* An action for each way in which TLA+ can write one. They have little to do with each other. *)
EXTENDS Naturals, Sequences
VARIABLES x, y, b
vars == <<x, y, b>>
rest == <<y, b>>
Side == INSTANCE MazeStep WITH p <- x, q <- y, Limit <- 3
Init == x = 0 /\ y = 2 /\ b = FALSE

Choose == \E d \in 1..2, e \in {0, 1} : x + d <= 3 /\ e < d /\ x' = x + d /\ y' = e /\ UNCHANGED b
Pick == y' \in {x, 0} /\ x' = (IF b THEN 0 ELSE x) /\ b' = ~b
Fork == \/ x > 1 /\ x' = 0 /\ UNCHANGED rest
        \/ LET z == y + 1 IN x < 2 /\ x' = x /\ y' = (IF z > 3 THEN 0 ELSE z) /\ UNCHANGED b
Branch == IF x > y THEN x' = y /\ UNCHANGED rest ELSE y' = x /\ UNCHANGED <<x, b>>
Cases == CASE x = 0 -> x' = 1 /\ b' = TRUE /\ UNCHANGED y
           [] x = 1 /\ b -> UNCHANGED vars
           [] OTHER -> x' = 3 /\ UNCHANGED rest
Every == (\A i \in {1, 2} : IF i = 1 THEN x' = y ELSE y' = x) /\ UNCHANGED b
Implied == (b => x' = 3) /\ (~b => x' = 2) /\ UNCHANGED <<y, b>>
Both(one, other) == one /\ other
Passed == Both(x' = 1, y' = 1) /\ b' = b /\ (\A i \in {x, y} : i > 0)
Boxed == y' = 3 /\ [x' = 3 /\ b]_x /\ b' = TRUE
Angled == <<x' \in {x, 1}>>_x /\ UNCHANGED rest
Instanced == (Side!Swap \/ Side!Climb) /\ UNCHANGED b
RECURSIVE Down(_)
Down(n) == IF n = 0 THEN x' = 0 ELSE Down(n - 1)
Recursive == Down(y) /\ b /\ UNCHANGED rest
Other == x' \in 1..3 /\ ~(x' = x) /\ UNCHANGED rest /\ <<x', y>> # <<2, 2>>
Guarded == (\E s \in {<<1, 2>>, <<3>>} : Len(s) = x /\ Head(s) > y) /\ b' = (x = 1) /\ UNCHANGED <<x, y>>
Nowhere == (\E i \in {} : x' = i) /\ UNCHANGED rest
Next == \/ Choose \/ Pick \/ Fork \/ Branch \/ Cases \/ Every \/ Implied \/ Passed \/ Boxed \/ Angled
        \/ Instanced \/ Recursive \/ Other \/ Guarded \/ Nowhere
====
