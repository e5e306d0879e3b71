-------------------------------- MODULE TLAPS --------------------------------
(* The backends of TLAPS, as far as a proof names them here. A model checker skips proofs, but parses them. *)
SMT == TRUE
PTL == TRUE
==============================================================================
