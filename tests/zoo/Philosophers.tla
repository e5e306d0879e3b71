---- MODULE Philosophers ----
(* N philosophers around a table, a fork between two neighbours. Each takes the left fork, then the
   right one, eats, and lays both down. If all take their left fork, nobody can go on: a deadlock,
   N steps away. If the first takes the right one first, there is none.
   The test counts the states of that over again in Python. *)
EXTENDS Naturals
CONSTANTS N, FirstIsLeftHanded
VARIABLE fork  \* fork -> who holds it; N is nobody
Seats == 0..(N - 1)
Left(p) == p
Right(p) == (p + 1) % N
First(p) == IF FirstIsLeftHanded \/ p > 0 THEN Left(p) ELSE Right(p)
Second(p) == IF First(p) = Left(p) THEN Right(p) ELSE Left(p)
Init == fork = [f \in Seats |-> N]
TakeFirst(p) == fork[First(p)] = N /\ fork' = [fork EXCEPT ![First(p)] = p]
TakeSecond(p) == fork[First(p)] = p /\ fork[Second(p)] = N /\ fork' = [fork EXCEPT ![Second(p)] = p]
Release(p) == fork[Left(p)] = p /\ fork[Right(p)] = p /\ fork' = [fork EXCEPT ![Left(p)] = N, ![Right(p)] = N]
Next == \E p \in Seats : TakeFirst(p) \/ TakeSecond(p) \/ Release(p)
\* A fork is held by a neighbour.
Near == \A f \in Seats : fork[f] \in {N, f, (f + N - 1) % N}
====
