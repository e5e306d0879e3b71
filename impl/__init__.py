"""The reference implementation: one package a protocol, each a pure core.

A core knows no clock, no randomness, no I/O and no logging: time and messages are inputs, what is
to be done is an effect. `tests/test_repository.py` enforces it.
"""
