---- MODULE Colouring ----
(* The colourings of a ring of N with k colours, no two neighbours alike: (k-1)^N + (-1)^N (k-1). All are
   initial. A step gives one node another colour. The test counts the steps over again in Python. *)
EXTENDS Naturals
CONSTANTS N, Colours
VARIABLE colour
Proper(f) == \A i \in 0..(N - 1) : f[i] # f[(i + 1) % N]
Init == colour \in {f \in [0..(N - 1) -> Colours] : Proper(f)}
Next == \E i \in 0..(N - 1), c \in Colours : c # colour[i] /\ colour' = [colour EXCEPT ![i] = c] /\ Proper(colour')
Stays == \A i \in DOMAIN colour : \E c \in Colours : \A j \in {(i + 1) % N, (i + N - 1) % N} : colour[j] # c
====
