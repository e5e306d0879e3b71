"""Conformance checking of a system against its spec.

`Adapter` connects a system to its spec, and `vet` checks that the adapter is sound. `replay` drives a
system along model traces, `replay_edges` along every edge of a state graph; `explore` walks both
together; `Lockstep` has the oracle judge steps that other code chooses; `validate` checks a system's
log. `eventually` and `leads_to` are judged on runs whose faults have ended. `shrink` minimises a
failing run, and `write_test` turns it into a test.
"""

from tlacheck.conform.adapter import Adapter, AsyncAdapter, action, variable
from tlacheck.conform.asynchronous import Blocking
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
from tlacheck.conform.worker_pool import WorkerPool
from tlacheck.conform.written_test import WrittenTest, write_test

__all__ = [
    "Adapter",
    "AsyncAdapter",
    "Blocking",
    "Bound",
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
    "WorkerPool",
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
