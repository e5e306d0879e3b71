---- MODULE Buffer ----
(* A buffer of Size places between one who puts Values and one who gets. With v values and s places
   there are 1 + v + ... + v^s contents; v ways to put unless it is full, one to get unless it is
   empty. Values is a set of strings here. *)
EXTENDS Naturals, Sequences
CONSTANTS Size, Values
VARIABLE buffer
Init == buffer = <<>>
Put == Len(buffer) < Size /\ \E v \in Values : buffer' = buffer \o <<v>>
Get == buffer # <<>> /\ buffer' = SubSeq(buffer, 2, Len(buffer))
Next == Put \/ Get
Spec == Init /\ [][Next]_buffer /\ WF_buffer(Get)
Typed == buffer \in UNION {[1..n -> Values] : n \in 0..Size}
Moves == [](buffer # <<>> => <>(Len(buffer) = 0 \/ ENABLED Get))
Emptied == []<>(buffer = <<>>)
====
