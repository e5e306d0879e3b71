"""Raft: the adapter, the simulated cluster, and the stateful tests.

`adapter.py` is the one file that knows both vocabularies. `cluster.py` decides when things happen
(clock, timers, network, crashes), `safety.py` says what must never happen, `machine.py` lets
Hypothesis choose faults, and `test_*.py` run it.
"""
