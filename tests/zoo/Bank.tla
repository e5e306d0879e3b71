---- MODULE Bank ----
(* Transfers of one coin between accounts. Total coins on n accounts: binomial(Total + n - 1, n - 1)
   distributions, all reached from any. With 3 accounts and 6 coins there are 28, and in 21 of them a
   given account is not empty: 3 * 21 * 2 = 126 transfers. The careless bank lets an empty account pay,
   so that a coin appears in one step. *)
EXTENDS Naturals
CONSTANTS Account, Total, Debit(_)
VARIABLE balance
Careful(coins) == coins - 1
Careless(coins) == IF coins = 0 THEN 0 ELSE coins - 1
RECURSIVE Sum(_)
Sum(accounts) == IF accounts = {} THEN 0
                 ELSE LET one == CHOOSE a \in accounts : TRUE IN balance[one] + Sum(accounts \ {one})
Rich == CHOOSE a \in Account : TRUE
Init == balance = [a \in Account |-> IF a = Rich THEN Total ELSE 0]
Allowed(from) == balance[from] > 0
Anybody(from) == TRUE
Transfer(from, to) ==
  /\ from # to /\ Allowed(from)
  /\ balance' = [balance EXCEPT ![from] = Debit(@), ![to] = @ + 1]
Next == \E from, to \in Account : Transfer(from, to)
Preserved == Sum(Account) = Total
====
