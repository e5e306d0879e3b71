"""Z3 models of the protocols, and proofs of the arithmetic that they share."""
