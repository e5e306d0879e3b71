---- MODULE ReadersWriters ----
(* Readers share, a writer is alone. With r readers and w writers: 2^r sets of readers, or one writer:
   2^r + w states, r 2^r + 2 w steps, counted with their way back. Up to symmetry of readers and of
   writers: r + 1 numbers of readers, or a writer, so r + 2 states. *)
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS Readers, Writers
VARIABLES reading, writing
Init == reading = {} /\ writing = {}
BeginRead(r) == r \notin reading /\ writing = {} /\ reading' = reading \union {r} /\ UNCHANGED writing
EndRead(r) == r \in reading /\ reading' = reading \ {r} /\ UNCHANGED writing
BeginWrite(w) == reading \union writing = {} /\ writing' = {w} /\ UNCHANGED reading
EndWrite(w) == w \in writing /\ writing' = writing \ {w} /\ UNCHANGED reading
Next == \/ \E r \in Readers : BeginRead(r) \/ EndRead(r)
        \/ \E w \in Writers : BeginWrite(w) \/ EndWrite(w)
Alike == Permutations(Readers) \union Permutations(Writers)
Alone == Cardinality(writing) <= 1 /\ (writing # {} => reading = {})
Typed == reading \in SUBSET Readers /\ writing \subseteq Writers
====
