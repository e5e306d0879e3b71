-------------------------------- MODULE Lazy --------------------------------
(* Every kind of expression whose value TLC computes only when it is looked at, in variables that keep it. *)
(* TLC computes a function at once where it is assigned.  An argument or a local definition it leaves     *)
(* uncomputed when the first thing asked of it is its value at one point, or one member; PutRow, PutSide,  *)
(* PutNotes and PutChosen ask for that, and then keep it.                                                  *)
EXTENDS Integers, Sequences, FiniteSets

CONSTANT N
Index == 1..N

VARIABLES table, deep, chosen, boxes, queue, count
vars == <<table, deep, chosen, boxes, queue, count>>

Row(i) == [j \in Index |-> i + j]
Up(x) == (x + 1) % 4

RECURSIVE Sum(_, _)
Sum(f, S) == IF S = {} THEN 0 ELSE LET i == CHOOSE i \in S : TRUE IN f[i] + Sum(f, S \ {i})

RECURSIVE Rows(_)
Rows(n) == IF n = 0 THEN <<>> ELSE Append(Rows(n - 1), [k \in Index |-> n * k])

Init ==
    /\ table = [i \in Index |-> Row(i)]
    /\ deep = [i \in Index |-> [j \in Index |-> [at |-> j, seen |-> {}]]]
    /\ chosen = {i \in Index : i > 1}
    /\ boxes = [left |-> [i \in Index |-> 0], right |-> {i * 2 : i \in Index}]
    /\ queue = <<>>
    /\ count = 0

Keep(variables) == UNCHANGED variables

PutRow(i, row) == row[i] \in Int /\ table' = [table EXCEPT ![i] = row] /\ Keep(<<deep, chosen, boxes, queue, count>>)
PutSide(side, numbers) ==
    (side[1] >= 0 \/ 0 \in numbers) /\ boxes' = [boxes EXCEPT !.left = side, !.right = numbers] /\ Keep(<<table, deep, chosen, queue, count>>)
PutChosen(S) == 1 \in S \cup {1} /\ chosen' = S /\ Keep(<<table, deep, boxes, queue, count>>)
PutNotes(i, notes, n) ==
    notes[i].at \in Index /\ deep' = [deep EXCEPT ![i] = notes] /\ count' = n /\ Keep(<<table, chosen, boxes, queue>>)

\* A row by formula, and one that goes on being changed, a cell at a time.
FreshRow(i, j) == PutRow(i, [k \in Index |-> Up(table[j][k] + i)])
Cell(i, j) == PutRow(i, [table[i] EXCEPT ![j] = Up(@)])

\* EXCEPT over EXCEPT over a formula, in one step; a row becomes another row.
Replace(i, j) ==
    LET row == [k \in Index |-> k * j]
        first == [row EXCEPT ![i] = 0]
    IN  PutRow(i, [first EXCEPT ![j] = Up(@)])
CopyRow(i, j) == PutRow(i, table[j])

\* One definition, from which several steps go.
Share(i) ==
    LET row == [[k \in Index |-> k] EXCEPT ![i] = 3]
    IN  \E j \in Index : PutRow(j, [row EXCEPT ![j] = @ + 1])

\* Records inside a function inside a function; a set by filter.
Visit(i, j) ==
    LET next == Up(count)
        seen == {k \in Index \cup {next} : k # i /\ k # count}
    IN  \/ PutNotes(i, [deep[i] EXCEPT ![j].seen = @ \cup seen], next)
        \/ PutNotes(i, [k \in Index |-> [at |-> deep[j][k].at, seen |-> {x \in deep[i][k].seen : x # next}]], next)

\* A closure, sets by map, and a recursive operator.
Choose(i) ==
    LET more(S) == {(x + i) % 5 : x \in S}
        fresh == {x \in more(chosen) \cup {Sum(table[i], Index) % 5} : x # count}
    IN  PutChosen(fresh)
Weigh(i) ==
    LET more(S) == {(x + i) % 5 : x \in S}
    IN  PutSide([k \in Index |-> Cardinality(chosen) + k], more(chosen))
Shift(i) == PutSide([boxes.left EXCEPT ![i] = Up(@)], {x + i : x \in {y \in boxes.right : y < 5}})

\* A recursive function, and sequences of functions.
Queue(i) ==
    LET power[k \in 0..3] == IF k = 0 THEN 1 ELSE (power[k - 1] * i) % 7
    IN  /\ queue' = [k \in 1..2 |-> [x \in Index |-> power[k] + table[i][x]]] \o Rows(Cardinality(chosen) % 3)
        /\ UNCHANGED <<table, deep, chosen, boxes, count>>

Next ==
    \/ \E i, j \in Index : FreshRow(i, j) \/ Cell(i, j) \/ Replace(i, j) \/ CopyRow(i, j) \/ Visit(i, j)
    \/ \E i \in Index : Share(i) \/ Choose(i) \/ Weigh(i) \/ Shift(i) \/ Queue(i)

Spec == Init /\ [][Next]_vars

Shape ==
    /\ \A i, j \in Index : table[i][j] \in Int /\ deep[i][j].seen \subseteq 0..4
    /\ \A i \in Index : boxes.left[i] >= 0
=============================================================================
