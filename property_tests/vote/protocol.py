"""Voting under test: four or five voters with one liar, or seven with two; `specs/vote` judges each step."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from immutabledict import immutabledict

from impl import vote
from property_tests.vote.adapter import judged_to_spec, lock_to_spec, said_to_spec, to_spec
from property_tests.vote.adversary import Liars
from property_tests.vote.host import Hosts, VoterHost
from property_tests.vote.invariants import INVARIANTS, counters_in, voters_in
from property_tests.vote.mutants import MUTANTS
from property_tests.vote.scenario_syntax import SYNTAX
from tlacheck.harness import (
    Byzantine,
    Eventually,
    Op,
    Protocol,
    Size,
    SpecStep,
    View,
    sometimes,
    spec_step,
)
from tlacheck.sim import Network, Notify, StepRecord, Uniform
from tlacheck.values import ModelValue, Value

__all__ = ["VOTE"]

_COUNTERS = ("k1", "k2", "k3")
#: How likely a reviewer is of another mind than the others, or of any.
_DISSENT = 0.25


def _size(voters: int, *, liars: int, counters: int = 2) -> Size:
    names = [f"v{number}" for number in range(1, voters + 1)]
    nodes = (*names, *_COUNTERS[:counters])
    return Size(nodes, f"Oracle{voters}.cfg", byzantine=names[voters - liars :])


def _voters(size: Size) -> tuple[str, ...]:
    return tuple(node for node in size.nodes if node not in _COUNTERS)


def _counters(size: Size) -> tuple[str, ...]:
    return tuple(node for node in size.nodes if node in _COUNTERS)


# --- what the spec sees


def observe(view: View) -> dict[str, Value]:
    """The variables of `specs/vote`."""
    held = {ModelValue(name): host.voter.durable for name, host in voters_in(view).items()}
    counters = {ModelValue(name): counter for name, counter in counters_in(view).items()}
    return {
        "messages": frozenset(said_to_spec(each) for host in voters_in(view).values() for each in host.said),
        "round": immutabledict((name, each.round) for name, each in held.items()),
        "waiting": immutabledict((name, each.waiting) for name, each in held.items()),
        "bound": immutabledict((name, to_spec(each.bound)) for name, each in held.items()),
        "lock": immutabledict((name, lock_to_spec(each.lock)) for name, each in held.items()),
        "judged": immutabledict((name, judged_to_spec(each)) for name, each in counters.items()),
        "convicted": immutabledict(
            (name, frozenset(map(ModelValue, each.convicted))) for name, each in counters.items()
        ),
    }


def steps(record: StepRecord) -> Iterator[SpecStep]:
    """The steps of the spec that a step of a host is: what is signed, entered or told for the first time."""
    node = ModelValue(record.node)
    if isinstance(record.after, VoterHost):
        for said in record.after.said - record.before.said:
            match said:
                case vote.Vote(choice=choice):
                    yield spec_step("Vote", node=node, choice=to_spec(choice))
                case vote.Confirm(round=number, choice=choice):
                    yield spec_step("Confirm", node=node, round=number, choice=to_spec(choice))
                case vote.Retry():
                    yield spec_step("GiveUp", node=node)
    for command in record.commands:
        match command:
            case Notify(what=vote.Entered(round=number)):
                yield spec_step("Enter", node=node, round=number, lock=lock_to_spec(_latest(record.input)))
            case Notify(what=vote.NoConsensus(round=number)):
                yield spec_step("Report", counter=node, round=number)
            case Notify(what=vote.Decided(verdict=verdict)):
                yield spec_step("Decide", counter=node, round=verdict.round, choice=to_spec(verdict.choice))
            case Notify(what=vote.Convicted(proof=proof)):
                yield spec_step("Convict", counter=node, voter=ModelValue(proof.source))


def _latest(inp: Any) -> vote.Certificate | None:
    """The latest lock of the opening that came in."""
    opening: vote.Opening = inp.message
    locks = (retry.lock for retry in opening.retries)
    return max((lock for lock in locks if lock), key=lambda lock: lock.round, default=None)


# --- what happens


def _cast(rng: random.Random, view: View, *, obeys: bool) -> tuple[str, vote.Cast] | None:
    voters = voters_in(view)
    if not voters:
        return None
    name = rng.choice(sorted(voters))
    held = voters[name].voter.durable
    own = vote.CHOICES[held.round // 2 % 2]  # mostly all are of one mind in a round
    if not obeys or rng.random() < _DISSENT:
        own = rng.choice(vote.CHOICES)
    return name, vote.Cast((held.bound or own) if obeys else own)


def _reviewer_decides(rng: random.Random, view: View) -> tuple[str, vote.Cast] | None:
    return _cast(rng, view, obeys=True)


def _reviewer_insists(rng: random.Random, view: View) -> tuple[str, vote.Cast] | None:
    return _cast(rng, view, obeys=False)


def _decided(is_such: Callable[[vote.Verdict], bool]) -> Callable[[View, View], bool]:
    """A counter comes to such a verdict in this step."""

    def is_met(before: View, after: View) -> bool:
        earlier = counters_in(before)
        return any(
            counter.verdict is not None and earlier[name].verdict is None and is_such(counter.verdict)
            for name, counter in counters_in(after).items()
        )

    return is_met


def _grew(part: Callable[[vote.Counter], int]) -> Callable[[View, View], bool]:
    """Something of a counter grows in this step."""
    return lambda before, after: any(
        part(counter) > part(counters_in(before)[name]) for name, counter in counters_in(after).items()
    )


def _entered(before: View, after: View, *, is_bound: bool) -> bool:
    was = voters_in(before)
    for name, host in voters_in(after).items():
        held, earlier = host.voter.durable, was[name].voter.durable
        has_entered = not held.waiting and (earlier.waiting or held.round > earlier.round)
        if has_entered and (held.bound is not None) == is_bound:
            return True
    return False


def _all_have_judged(_: View, now: View) -> bool:
    return all(counter.verdict is not None for counter in counters_in(now).values())


VOTE = Protocol(
    name="vote",
    core=lambda size: Hosts(_voters(size), _counters(size)),
    spec="MCVote.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "vote",
    sizes=[_size(4, liars=1), _size(5, liars=1, counters=3), _size(7, liars=2)],
    byzantine=Byzantine(
        lambda size: Liars(sorted(size.byzantine), _voters(size), _counters(size)).behaviours()
    ),
    observe=observe,
    steps=steps,
    workload=[
        Op("a reviewer decides", 12, _reviewer_decides),
        Op("a reviewer insists", 2, _reviewer_insists),
    ],
    invariants=INVARIANTS,
    goals=[
        sometimes("decided APPROVE", _decided(lambda verdict: verdict.choice == vote.APPROVE)),
        sometimes("decided REJECT", _decided(lambda verdict: verdict.choice == vote.REJECT)),
        sometimes("decided after a retry", _decided(lambda verdict: verdict.round > 1)),
        sometimes("no consensus", _grew(lambda counter: counter.reported)),
        sometimes("a liar is convicted", _grew(lambda counter: len(counter.convicted))),
        sometimes("bound", lambda before, after: _entered(before, after, is_bound=True)),
        sometimes("free again", lambda before, after: _entered(before, after, is_bound=False)),
    ],
    progress=Eventually("all counters have a verdict", _all_have_judged, 20_000),
    network=Network(delay=Uniform(1, 200)),
    mutants=MUTANTS,
    scenario_syntax=SYNTAX,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
)
