---- MODULE AlternatingBit ----
(* A sender and a receiver with a bit each, over two channels that lose messages; both say again and
   again what they said last. The constraint keeps the channels short. A channel holds the bit before
   and the bit now, in this order. The test counts the states over again in Python. *)
EXTENDS Sequences, Naturals
VARIABLES sendBit, getBit, there, back, count
vars == <<sendBit, getBit, there, back, count>>
Init == sendBit = 0 /\ getBit = 0 /\ there = <<>> /\ back = <<>> /\ count = 0
Send == there' = Append(there, sendBit) /\ UNCHANGED <<sendBit, getBit, back, count>>
Receive ==
  /\ there # <<>>
  /\ there' = Tail(there)
  /\ IF Head(there) = getBit
       THEN getBit' = 1 - getBit /\ count' = (count + 1) % 3
       ELSE UNCHANGED <<getBit, count>>
  /\ UNCHANGED <<sendBit, back>>
Confirm == back' = Append(back, 1 - getBit) /\ UNCHANGED <<sendBit, getBit, there, count>>
Confirmed ==
  /\ back # <<>>
  /\ back' = Tail(back)
  /\ sendBit' = IF Head(back) = sendBit THEN 1 - sendBit ELSE sendBit
  /\ UNCHANGED <<getBit, there, count>>
Lose ==
  \/ there # <<>> /\ there' = Tail(there) /\ UNCHANGED <<sendBit, getBit, back, count>>
  \/ back # <<>> /\ back' = Tail(back) /\ UNCHANGED <<sendBit, getBit, there, count>>
Next == Send \/ Receive \/ Confirm \/ Confirmed \/ Lose
Spec == Init /\ [][Next]_vars
Short == Len(there) <= 3 /\ Len(back) <= 3
OneChange(channel) == \A i, j, k \in DOMAIN channel : (i < j /\ j < k) => ~(channel[i] = channel[k] /\ channel[i] # channel[j])
InOrder == OneChange(there) /\ OneChange(back)
====
