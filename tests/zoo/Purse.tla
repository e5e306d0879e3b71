---- MODULE Purse ----
(* Coins of 1 and 2 are put into a purse, a bag, up to a value of Max. (one, two) with one + 2 two <= Max:
   the sum of Max - 2k + 1 over k <= Max / 2, which is (Max / 2 + 1)^2 for an even Max. *)
EXTENDS Naturals, Bags, TLC
CONSTANT Max
VARIABLE purse
Worth(bag) == CopiesIn(1, bag) + 2 * CopiesIn(2, bag)
Init == purse = EmptyBag
Put(coin) == Worth(purse) + coin <= Max /\ purse' = purse (+) SetToBag({coin})
Take(coin) == BagIn(coin, purse) /\ purse' = purse (-) (coin :> 1)
Next == \E coin \in {1, 2} : Put(coin) \/ Take(coin)
Bounded == BagCardinality(purse) <= Max /\ BagToSet(purse) \subseteq {1, 2} /\ IsABag(purse)
Merged == purse = (1 :> CopiesIn(1, purse) @@ 2 :> CopiesIn(2, purse)) \/ BagToSet(purse) # {1, 2}
====
