"""Raft: the adapter, the simulated cluster, and the stateful tests.

`adapter.py` is the one file that knows both vocabularies. `cluster.py` decides when things happen
(clock, timers, network, crashes), `journal.py` is a disk, `safety.py` says what must never happen, `machine.py` lets
Hypothesis choose faults, `runs.py` and `histories.py` write down what servers and clients saw, and
`test_*.py` run it.
"""
