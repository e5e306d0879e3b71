"""The Byzantine guard of PBFT: whatever f liars say, no guard of a correct replica quarantines a correct one.

`world.py` is a cluster of PBFT replicas, each correct one with its guard; `machine.py` lets Hypothesis choose what
happens and what the liars say; `checks.py` holds what `verify` calls.
"""
