---- MODULE DieHard ----
(* Two jugs of 5 and 3 gallons. 16 states; each has 6 successors, so TLC generates 1 + 16 * 6. *)
EXTENDS Naturals
VARIABLES big, small
vars == <<big, small>>
Min(a, b) == IF a < b THEN a ELSE b
Init == big = 0 /\ small = 0
FillBig == big' = 5 /\ UNCHANGED small
FillSmall == small' = 3 /\ UNCHANGED big
EmptyBig == big' = 0 /\ UNCHANGED small
EmptySmall == small' = 0 /\ UNCHANGED big
BigToSmall == LET poured == Min(big, 3 - small) IN big' = big - poured /\ small' = small + poured
SmallToBig == LET poured == Min(small, 5 - big) IN big' = big + poured /\ small' = small - poured
Next == FillBig \/ FillSmall \/ EmptyBig \/ EmptySmall \/ BigToSmall \/ SmallToBig
Spec == Init /\ [][Next]_vars
TypeOK == big \in 0..5 /\ small \in 0..3
NotFour == big # 4
Nonzero == big # 0
NeverLess == [][big' >= big]_big
Solved == <>(big = 4)
AlwaysEmptied == []<>(big = 0)
====
