"""PBFT: the adapter, and the checks that hold `impl/pbft` against `specs/pbft`.

`adapter.py` is the one file that knows both vocabularies. `checks.py` holds what `verify` calls.
"""
