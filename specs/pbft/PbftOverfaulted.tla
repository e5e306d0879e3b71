--------------------------- MODULE PbftOverfaulted ---------------------------
(***************************************************************************)
(* PBFT with one traitor too many, and requests enough for a short run.    *)
(* Such runs are made shorter, for which the oracle lists the steps that   *)
(* there are: of each sort of batch there must be finitely many.           *)
(***************************************************************************)
EXTENDS MCPbft

(* Each request is the only one of its client, and is proposed alone; or twice, which traitors do to propose *)
(* something else under the same number.                                                                      *)
Requests     == {"c" \o ToString(k) : k \in 0..23}
ShortBatches == {<<q>> : q \in Requests} \cup {<<q, q>> : q \in Requests}
=============================================================================
