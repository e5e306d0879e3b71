"""Conformance tests of the hybrid: `impl/hybrid` is held against `specs/hybrid`.

In simulated clusters under attack, judges check what docs/hybrid.md promises, whatever up to f replicas do.
"""
