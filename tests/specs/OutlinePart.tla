---- MODULE OutlinePart ----
EXTENDS Naturals
CONSTANT Step
VARIABLE v
Advance == v' = v + Step
====
