"""The lock service under test: everything that the harness needs to know."""

from pathlib import Path

from immutabledict import immutabledict

from tlacheck.harness import (
    Eventually,
    Invariant,
    Op,
    Protocol,
    ScenarioSyntax,
    Size,
    sometimes,
    spec_step,
)
from tlacheck.mutants import Mutant
from tlacheck.sim import Network, Uniform
from tlacheck.values import ModelValue

from . import core

CLIENTS = ("c1", "c2", "c3")


def observe(view):
    server, clients = view[core.SERVER], {ModelValue(c): view[c] for c in CLIENTS}
    return {
        "owner": ModelValue(server.owner or "Nil"),
        "token": server.token,
        "held": immutabledict((c, client.held) for c, client in clients.items()),
        "seen": immutabledict((c, client.seen) for c, client in clients.items()),
    }


def steps(record):
    """The step of the spec that a step of a node is; none if the node ignored its input."""
    if not record.commands:
        return []
    by_server = record.node == core.SERVER
    match record.input:
        case core.Acquire(client):
            return [spec_step("Grant" if by_server else "Acquire", c=ModelValue(client))]
        case core.Release(client):
            return [spec_step("Free" if by_server else "Release", c=ModelValue(client))]
        case core.Grant():
            return [spec_step("Take", c=ModelValue(record.node))]


def exclusive(view):
    holders = [c for c in CLIENTS if c in view and view[c].held]
    return f"{' and '.join(holders)} hold the lock" if len(holders) > 1 else None


def asks(wish):
    return lambda rng, view: (client := rng.choice(CLIENTS), wish(client))


def mutant(name, old, new):
    return Mutant(name=name, bug="a lock granted twice", module=core.__name__, old=old, new=new)


LOCK = Protocol(
    name="lock",
    core=lambda size: core.Lock(),
    spec="Lock.tla",
    folder=Path(__file__).parent,
    sizes=[Size((core.SERVER, *CLIENTS), "Three.cfg")],
    observe=observe,
    steps=steps,
    restart=lambda node: None if node == core.SERVER else spec_step("Restart", c=ModelValue(node)),
    workload=[Op("acquire", 3, asks(core.Acquire)), Op("release", 2, asks(core.Release))],
    invariants=[Invariant("MutualExclusion", exclusive)],
    goals=[
        sometimes("the lock is granted", lambda before, after: after["s"].token > before["s"].token),
        sometimes("the lock is released", lambda before, after: before["s"].owner and not after["s"].owner),
    ],
    progress=Eventually(
        "the lock is granted again", lambda begin, now: now["s"].token > begin["s"].token, 3_000
    ),
    network=Network(delay=Uniform(1, 20)),
    scenario_syntax=ScenarioSyntax(
        inputs={"acquire": core.Acquire, "release": core.Release},
        messages={"grant": core.Grant, "release": core.Release},
    ),
    mutants=[
        mutant(
            "grant-before-sync",
            'Write("lock", granted), Sync(), Send(client, Grant(granted.token))',
            'Write("lock", granted), Send(client, Grant(granted.token)), Sync()',
        ),
        mutant("stale-grant-taken", "if token > seen:", "if token:"),
        mutant("seen-not-persisted", '[Write("seen", token), Sync()]', "[Sync()]"),
        mutant("any-release-frees", "if owner == client and returned == token:", "if owner == client:"),
    ],
)
