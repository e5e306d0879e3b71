---- MODULE Kinds ----
(* A variable for each kind of value that TLC has, also for those that it keeps unexpanded. *)
EXTENDS Integers, Sequences, FiniteSets, TLC
CONSTANTS n1, n2
VARIABLES step, negative, boolean, text, model, set, interval, subsets, power, functionset, recordset, product,
          union, tuple, sequence, record, nested, onModels, fromZero, fromOne, twoArguments, onTexts, merged, noTuple,
          noSet, long
others == <<negative, boolean, text, model, set, interval, subsets, power, functionset, recordset, product,
            union, tuple, sequence, record, nested, onModels, fromZero, fromOne, twoArguments, onTexts, merged, noTuple,
            noSet, long>>
Init ==
  /\ step = 0
  /\ negative = -7
  /\ boolean = TRUE
  /\ text = "say \"hi\", {back\\slash} >> \n\t."
  /\ model = n1
  /\ set = {3, 1, 2, 1}
  /\ interval = -1..2
  /\ subsets = SUBSET {1, 2}
  /\ power = SUBSET (1..11)
  /\ functionset = [{1, 2} -> {n1, n2}]
  /\ recordset = [a : {1, 2}, b : BOOLEAN]
  /\ product = {1, 2} \X {n1}
  /\ union = UNION {{1}, {2, 3}} \ {3}
  /\ tuple = <<1, "x", {n1}>>
  /\ sequence = Append(<<[a |-> 1]>>, [a |-> 2])
  /\ record = [zeta |-> 1, alpha |-> <<2>>]
  /\ nested = [n \in {n1, n2} |-> [seen |-> {[from |-> n, log |-> <<>>]}]]
  /\ onModels = [n \in {n1, n2} |-> {n}]
  /\ fromZero = [i \in 0..2 |-> i * i]
  /\ fromOne = [i \in 1..3 |-> -i]
  /\ twoArguments = [i \in {1, 2}, n \in {n1} |-> i]
  /\ onTexts = [s \in {"a b", "c"} |-> 1]
  /\ merged = (n1 :> 1) @@ (n2 :> 2)
  /\ noTuple = <<>>
  /\ noSet = {}
  /\ long = [n \in {n1, n2} |-> "a long text, with commas, that makes TLC break the line: it does so after eighty characters"]
Next == step < 1 /\ step' = step + 1 /\ UNCHANGED others
Stays == step = 0
====
