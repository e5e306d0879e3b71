"""Simulated clusters of the hybrid under attack, judged: what docs/hybrid.md promises, whatever up to f replicas do."""
