"""The Byzantine guard of PBFT: whatever f liars say, no guard of a correct replica quarantines a correct one.

`protocol.py` declares clusters of PBFT replicas, each correct one with its guard, for `tlacheck.harness`;
`host.py` joins replica and guard, `adversary.py` has the liars, `invariants.py` judges the runs, and
`mutants.py` and `layers.py` show that it can fail.
"""
