"""Conformance: does a system do what its spec says?

`System` is what an adapter provides. `replay` drives it along a model trace; `Lockstep` judges what
anybody else makes it do, step by step, by asking the oracle; `random_walk` lets the spec propose;
`shrink` makes a failing run short.
"""

from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.replay import conformance, replay
from tlacheck.conform.shrink import shrink
from tlacheck.conform.system import NotPossible, System
from tlacheck.conform.walk import random_walk, walk_and_replay

__all__ = [
    "Diverged",
    "Lockstep",
    "NotPossible",
    "System",
    "conformance",
    "random_walk",
    "replay",
    "shrink",
    "walk_and_replay",
]
