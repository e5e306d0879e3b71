------------------------------- MODULE Proved --------------------------------
\* A counter with a proof for TLAPS. Needs library/TLAPS.tla on the module path.
EXTENDS Naturals, TLAPS
VARIABLE n
Init == n = 0
Next == n' = (n + 1) % 3
Spec == Init /\ [][Next]_n
Small == n \in 0..2

THEOREM Safe == Spec => []Small
<1>1. Init => Small
  BY SMT DEF Init, Small
<1>2. Small /\ [Next]_n => Small'
  BY SMT DEF Small, Next
<1>3. QED
  BY <1>1, <1>2, PTL DEF Spec
==============================================================================
