-------------------------------- MODULE Lock --------------------------------
(* A lock service with fencing tokens.  A server grants the lock to one client at a time; each grant has a  *)
(* higher token than the one before.  Messages may be lost, repeated and reordered: `sent` only grows, and  *)
(* a message in it may be received never, once, or often.  Server and clients crash and come back with what *)
(* is durable: owner, token, and the highest token that a client has taken.                                 *)
EXTENDS Naturals

CONSTANTS Client, Nil, MaxToken

VARIABLES
    owner,  \* whom the server has granted the lock, or Nil
    token,  \* the token of the last grant
    held,   \* of a client, the token with which it holds the lock; 0 if it does not
    seen,   \* of a client, the highest token that it has taken
    sent    \* all messages ever sent
vars == <<owner, token, held, seen, sent>>

Init ==
    /\ owner = Nil /\ token = 0 /\ sent = {}
    /\ held = [c \in Client |-> 0] /\ seen = [c \in Client |-> 0]

(* A client that does not hold the lock asks for it. *)
Acquire(c) ==
    /\ held[c] = 0
    /\ sent' = sent \cup {[type |-> "acquire", client |-> c, token |-> 0]}
    /\ UNCHANGED <<owner, token, held, seen>>

(* The server grants it; to its owner again, whose grant may be lost. *)
Grant(c) ==
    /\ [type |-> "acquire", client |-> c, token |-> 0] \in sent
    /\ owner \in {Nil, c} /\ token < MaxToken
    /\ owner' = c /\ token' = token + 1
    /\ sent' = sent \cup {[type |-> "grant", client |-> c, token |-> token + 1]}
    /\ UNCHANGED <<held, seen>>

(* A client takes a grant that is newer than any that it has taken: an older one may be released already. *)
Take(c) ==
    \E m \in sent :
        /\ m.type = "grant" /\ m.client = c /\ m.token > seen[c]
        /\ held' = [held EXCEPT ![c] = m.token] /\ seen' = [seen EXCEPT ![c] = m.token]
        /\ UNCHANGED <<owner, token, sent>>

Release(c) ==
    /\ held[c] # 0
    /\ sent' = sent \cup {[type |-> "release", client |-> c, token |-> held[c]]}
    /\ held' = [held EXCEPT ![c] = 0]
    /\ UNCHANGED <<owner, token, seen>>

(* The server believes a release of the last grant only. *)
Free(c) ==
    /\ owner = c /\ [type |-> "release", client |-> c, token |-> token] \in sent
    /\ owner' = Nil
    /\ UNCHANGED <<token, held, seen, sent>>

(* A client comes back and holds nothing.  A restart of the server changes nothing. *)
Restart(c) == held' = [held EXCEPT ![c] = 0] /\ UNCHANGED <<owner, token, seen, sent>>

Next == \E c \in Client : Acquire(c) \/ Grant(c) \/ Take(c) \/ Release(c) \/ Free(c) \/ Restart(c)
Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Whoever releases the lock has taken the last grant, so no grant of its own is newer than what it has seen. *)
MutualExclusion == \A c, d \in Client : held[c] # 0 /\ held[d] # 0 => c = d
TokensAreFresh == \A c \in Client : held[c] <= token /\ seen[c] <= token
=============================================================================
