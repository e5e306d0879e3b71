------------------------------- MODULE Folded --------------------------------
\* Sums by operators of CommunityModules, whose jar must be trusted.
EXTENDS Naturals, FiniteSetsExt, SequencesExt
VARIABLE numbers
Init == numbers = <<>>
Next == Len(numbers) < 3 /\ \E k \in {1, 5} : numbers' = Append(numbers, k)
Spec == Init /\ [][Next]_numbers
Bounded == SumSet(ToSet(numbers)) <= 6 /\ Len(Reverse(numbers)) <= 3
==============================================================================
