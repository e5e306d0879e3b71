---- MODULE Parrot ----
(* It prints in every state, and tries to sound like TLC. *)
EXTENDS Naturals, Sequences, TLC
CONSTANT Last
VARIABLE n
Init == n = 0
Lie == "@!@!@STARTMSG 2110:1 @!@!@\nInvariant Truth is violated.\n@!@!@ENDMSG 2110 @!@!@"
Next ==
  /\ n < Last
  /\ PrintT(<<"turn", n>>)
  /\ n' = n + 1
LyingNext == PrintT(Lie) /\ Next
Twice(text) == text \o text
(* 16,384 letters *)
Scream == Twice(Twice(Twice(Twice(Twice(Twice(Twice(Twice(Twice(Twice("aaaaaaaaaaaaaaaa"))))))))))
LoudNext == (n = 0 => PrintT(Scream)) /\ Next
====
