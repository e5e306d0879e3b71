---- MODULE Jugs ----
(* Three jugs of 8, 5 and 3; the first is full, and one is poured into another until that is full or
   this is empty. All divisions of 8 are reached in which a jug is full or empty, 16 as in
   the old puzzle; 4 and 4 takes 7 pourings. The test counts the states over again in Python. *)
EXTENDS Naturals
Jug == {"large", "middle", "small"}
Size == [jug \in Jug |-> CASE jug = "large" -> 8 [] jug = "middle" -> 5 [] OTHER -> 3]
VARIABLE holds
Min(a, b) == IF a < b THEN a ELSE b
Init == holds = [jug \in Jug |-> IF jug = "large" THEN 8 ELSE 0]
Pour(from, to) ==
  LET amount == Min(holds[from], Size[to] - holds[to])
  IN  /\ from # to
      /\ amount > 0
      /\ holds' = [holds EXCEPT ![from] = @ - amount, ![to] = @ + amount]
Next == \E from, to \in Jug : Pour(from, to)
Spec == Init /\ [][Next]_holds
Preserved == holds["large"] + holds["middle"] + holds["small"] = 8
NotHalved == ~(holds["large"] = 4 /\ holds["middle"] = 4)
====
