---- MODULE Calculator ----
(* A stack machine that computes 2 * 3 + 4 div 2 - 7 % 4 and stops: 11 instructions, 12 states.
   The mistaken program divides by zero in its 3rd instruction, which TLC cannot evaluate. *)
EXTENDS Integers, Sequences
CONSTANT Program
VARIABLES stack, at
Push(n) == [op |-> "push", value |-> n]
Do(name) == [op |-> name]
Good == <<Push(2), Push(3), Do("*"), Push(4), Push(2), Do("/"), Do("+"), Push(7), Push(4), Do("%"), Do("-")>>
Mistaken == <<Push(2), Push(0), Do("/")>>
Result(op, a, b) ==
  CASE op = "+" -> a + b [] op = "-" -> a - b [] op = "*" -> a * b [] op = "/" -> a \div b [] op = "%" -> a % b
Init == stack = <<>> /\ at = 1
Next ==
  /\ at \in DOMAIN Program
  /\ at' = at + 1
  /\ LET now == Program[at]
         Top(n) == stack[Len(stack) + 1 - n]
     IN  stack' = IF now.op = "push" THEN <<now.value>> \o stack
                  ELSE LET b == Head(stack)
                           a == Head(Tail(stack))
                       IN  <<Result(now.op, a, b)>> \o Tail(Tail(stack))
Value == at > Len(Program) => stack = <<5>>
====
