"""Runs for the claims report that no other check has: each refutes a sentence of a document."""
