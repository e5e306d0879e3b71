"""Conformance: does a system do what its spec says?

`Adapter` joins a system to its spec, and `vet` says whether it is sound. `replay` drives a system along
model traces, `replay_edges` along every edge of a state graph; `explore` walks both together; `Lockstep`
judges what anybody else makes the system do, by asking the oracle; `validate` judges what a system
logged. `eventually` and `leads_to` are judged on runs whose faults have ended. `shrink` makes a failing run short, and `write_test` a test of it.
"""

from tlacheck.conform.adapter import Adapter, AsyncAdapter, action, variable
from tlacheck.conform.asynchronous import Blocking
from tlacheck.conform.crew import Crew
from tlacheck.conform.edges import EdgeReplay, replay_edges
from tlacheck.conform.explore import Exploration, Plan, explore
from tlacheck.conform.failing import StateProperty
from tlacheck.conform.limits import Limited
from tlacheck.conform.liveness import (
    Bound,
    Fairness,
    Judgement,
    TimedRun,
    eventually,
    judge,
    leads_to,
)
from tlacheck.conform.loading import load_system
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.process import Process
from tlacheck.conform.rejection import Rejection
from tlacheck.conform.replay import Interrupted, Replayed, conformance, replay, replay_all
from tlacheck.conform.shrink import Shrunk, shrink
from tlacheck.conform.system import Hung, NotPossible, System
from tlacheck.conform.validate import Hidden, Validation, Validator, validate
from tlacheck.conform.vet import Fault, vet
from tlacheck.conform.vocabulary import check, vocabulary_of
from tlacheck.conform.walk import random_walk, walk_and_replay
from tlacheck.conform.written_test import WrittenTest, write_test

__all__ = [
    "Adapter",
    "AsyncAdapter",
    "Blocking",
    "Bound",
    "Crew",
    "Diverged",
    "EdgeReplay",
    "Exploration",
    "Fairness",
    "Fault",
    "Hidden",
    "Hung",
    "Interrupted",
    "Judgement",
    "Limited",
    "Lockstep",
    "NotPossible",
    "Plan",
    "Process",
    "Rejection",
    "Replayed",
    "Shrunk",
    "StateProperty",
    "System",
    "TimedRun",
    "Validation",
    "Validator",
    "WrittenTest",
    "action",
    "check",
    "conformance",
    "eventually",
    "explore",
    "judge",
    "leads_to",
    "load_system",
    "random_walk",
    "replay",
    "replay_all",
    "replay_edges",
    "shrink",
    "validate",
    "variable",
    "vet",
    "vocabulary_of",
    "walk_and_replay",
    "write_test",
]
