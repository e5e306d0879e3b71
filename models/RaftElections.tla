---------------------------- MODULE RaftElections -----------------------------
(***************************************************************************)
(* The elections of Raft alone, as models/raft.py describes them in        *)
(* formulas: written a second time, so that the two can be compared state  *)
(* by state (models/raft_small.py).  What is checked of Raft as a whole is *)
(* specs/raft/Raft.tla.                                                    *)
(*                                                                         *)
(* A message stays in flight when it is received, and may be dropped.      *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS Server, none, MaxTerm

VARIABLES currentTerm, votedFor, role, granted, requests, responses

vars == <<currentTerm, votedFor, role, granted, requests, responses>>

IsQuorum(S) == Cardinality(S) * 2 > Cardinality(Server)

Init ==
    /\ currentTerm = [i \in Server |-> 0]
    /\ votedFor    = [i \in Server |-> none]
    /\ role        = [i \in Server |-> "Follower"]
    /\ granted     = [i \in Server |-> {}]
    /\ requests    = {}
    /\ responses   = {}

Timeout(i) ==
    LET term == currentTerm[i] + 1
    IN  /\ role[i] # "Leader"
        /\ term <= MaxTerm
        /\ currentTerm' = [currentTerm EXCEPT ![i] = term]
        /\ votedFor'    = [votedFor EXCEPT ![i] = i]
        /\ role'        = [role EXCEPT ![i] = "Candidate"]
        /\ granted'     = [granted EXCEPT ![i] = {i}]
        /\ requests'    = requests \cup {[term |-> term, source |-> i]}
        /\ UNCHANGED responses

(* Server i receives a request.  It may refuse, since its log may be ahead. *)
ReceiveRequest(i, m) ==
    LET newer == m.term > currentTerm[i]
        vote  == IF newer THEN none ELSE votedFor[i]
    IN  /\ m.source # i
        /\ currentTerm' = [currentTerm EXCEPT ![i] = IF newer THEN m.term ELSE @]
        /\ role'        = [role EXCEPT ![i] = IF newer THEN "Follower" ELSE @]
        /\ granted'     = [granted EXCEPT ![i] = IF newer THEN {} ELSE @]
        /\ UNCHANGED requests
        /\ \/ /\ m.term = currentTerm'[i]
              /\ vote \in {none, m.source}
              /\ votedFor'  = [votedFor EXCEPT ![i] = m.source]
              /\ responses' = responses \cup {[term |-> m.term, source |-> i, dest |-> m.source]}
           \/ /\ votedFor'  = [votedFor EXCEPT ![i] = vote]
              /\ UNCHANGED responses

ReceiveResponse(m) ==
    /\ role[m.dest] = "Candidate"
    /\ m.term = currentTerm[m.dest]
    /\ granted' = [granted EXCEPT ![m.dest] = @ \cup {m.source}]
    /\ UNCHANGED <<currentTerm, votedFor, role, requests, responses>>

BecomeLeader(i) ==
    /\ role[i] = "Candidate"
    /\ IsQuorum(granted[i])
    /\ role'    = [role EXCEPT ![i] = "Leader"]
    /\ granted' = [granted EXCEPT ![i] = {}]
    /\ UNCHANGED <<currentTerm, votedFor, requests, responses>>

Restart(i) ==
    /\ role'    = [role EXCEPT ![i] = "Follower"]
    /\ granted' = [granted EXCEPT ![i] = {}]
    /\ UNCHANGED <<currentTerm, votedFor, requests, responses>>

Drop ==
    /\ UNCHANGED <<currentTerm, votedFor, role, granted>>
    /\ \/ \E m \in requests : requests' = requests \ {m} /\ UNCHANGED responses
       \/ \E m \in responses : responses' = responses \ {m} /\ UNCHANGED requests

Next ==
    \/ \E i \in Server : Timeout(i) \/ BecomeLeader(i) \/ Restart(i)
    \/ \E i \in Server, m \in requests : ReceiveRequest(i, m)
    \/ \E m \in responses : ReceiveResponse(m)
    \/ Drop

Spec == Init /\ [][Next]_vars

ElectionSafety ==
    \A i, j \in Server :
        role[i] = "Leader" /\ role[j] = "Leader" /\ currentTerm[i] = currentTerm[j] => i = j
=============================================================================
