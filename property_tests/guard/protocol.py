"""Guarded PBFT replicas under test: four, five or seven with at most f liars, and four with three liars.

There is no spec of the guard; `models/guard.py` proves what it rests on. Runs are judged by `invariants`.
"""

import random
from pathlib import Path
from typing import Any

from impl.guard import Late
from property_tests.guard.adversary import Liars
from property_tests.guard.host import PATIENCE, Fired, Hosts, request
from property_tests.guard.invariants import GuardJudge
from property_tests.guard.mutants import MUTANTS
from tlacheck.harness import Byzantine, Eventually, Op, Pace, Protocol, Size, View, counted
from tlacheck.sim import Network, Uniform

__all__ = ["GUARD", "OVERRUN"]

#: All replicas lose patience together so often in a run; without a limit there would be no progress.
_IMPATIENT_MAX = 6


def _size(replicas: int, *, liars: int) -> Size:
    names = [f"r{number}" for number in range(replicas)]
    return Size(names, byzantine=names[:liars], is_shuffled=True)


def _workload(_: Size) -> list[Op]:
    """Clients, each of whom asks once, at all replicas; and hosts that find somebody late, or the primary."""
    asked, impatience = iter(range(1, 10_000)), iter(range(_IMPATIENT_MAX))

    def ask(_: random.Random, view: View) -> list[tuple[str, Any]]:
        wanted = request(next(asked))
        return [(name, wanted) for name in sorted(view)]

    def lose_patience(_: random.Random, view: View) -> list[tuple[str, Any]] | None:
        if next(impatience, None) is None:
            return None
        return [(name, Fired(PATIENCE)) for name in sorted(view)]

    def late(rng: random.Random, view: View) -> tuple[str, Any]:
        name = rng.choice(sorted(view))
        return name, Late(rng.choice(view[name].node.config.replicas), rng.randint(-5, 100_000))

    return [
        Op("a client asks", 6, ask),
        Op("all lose patience", 1, lose_patience),
        Op("somebody is late", 1, late),
    ]


def _executes(begin: View, now: View) -> bool:
    """Each correct replica has executed something since."""
    return all(now[name].node.durable.executed > begin[name].node.durable.executed for name in now)


GUARD = Protocol(
    name="guard",
    core=lambda size: Hosts(size.nodes),
    spec="",
    folder=Path(__file__).parent,
    sizes=[_size(4, liars=1), _size(5, liars=1), _size(7, liars=2)],
    byzantine=Byzantine(lambda size: Liars(size).behaviours()),
    workload=_workload,
    judges=[GuardJudge],
    pace=Pace(time=60, workload=15, faults=15),
    goals=[
        *counted(
            "a batch is executed",
            "a view is entered",
            "a state is transferred",
            "a gap is filled by nothing",
            "a replica restarts",
            "a liar is quarantined",
            "a message of a quarantined replica is dropped",
            "an accusation of a correct replica",
        ),
        *counted(
            *(f"proved: {name}" for name in ("EQUIVOCATION", "CONCEALMENT", "USURPATION", "FALSE_PROOF"))
        ),
        *counted(*(f"refused: {name}" for name in ("FORGED", "MALFORMED", "EQUIVOCATION"))),
    ],
    progress=Eventually("all correct replicas execute a batch", _executes, 60_000),
    network=Network(delay=Uniform(1, 20)),
    mutants=MUTANTS,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
)

#: All but one lie: agreement is lost, and yet no signature of a correct replica convicts it, but on states.
OVERRUN = Protocol(
    name="guard-overrun",
    core=lambda size: Hosts(size.nodes),
    spec="",
    folder=Path(__file__).parent,
    sizes=[_size(4, liars=3), _size(4, liars=2), _size(7, liars=5)],
    byzantine=Byzantine(lambda size: Liars(size).behaviours()),
    workload=_workload,
    judges=[GuardJudge],
    goals=counted("an accusation of a correct replica", "a view is entered"),
    network=Network(delay=Uniform(1, 20)),
    mutants=MUTANTS,
    tear=lambda old, _: old,
)
