"""Soundness of a reduction: a model that stores Byzantine messages has the same states and steps.

`Pbft.tla` takes for said whatever a Byzantine replica might say. `MCPbftPlain.tla` has Byzantine replicas
that send messages one by one into a set, and correct ones that count only what was sent. TLC lists both
within the same bounds; what is left of a state without that set, and without the record of events, must be
the same on both sides, and so must the steps between such states.

A comparison that finds no difference says something only if it would find one: both sides are made wrong too.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
from immutabledict import immutabledict

from property_tests.pbft.adapter import spec_for
from tlacheck.errors import ConfigError
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.graph import Node, stream_graph
from tlacheck.tlc.spec import Spec
from tlacheck.values import Value, to_tla
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["WRONG", "Compared", "Listing", "States", "compared", "plain", "reduced", "reduction_is_sound"]

_FOLDER: Final = spec_for(4).path.parent

#: What the two models do not share.
_OWN: Final = frozenset({"event", "spoken"})

# : Configuration -> definitions that make the reduced model wrong there, each with the definition in whose
# place it is.
WRONG: Final[Mapping[str, Mapping[str, str]]] = immutabledict(
    {
        "plain_primary.cfg": immutabledict(AnythingIsSaid="Said"),
        "plain_successor.cfg": immutabledict(NothingForged="Forgeable", OnlyCorrectBegin="NewViewsOf"),
    }
)


class States:
    """The states of both models by number, without the variables that only one of them has.

    The same state has one number.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Value, ...], int] = {}
        self._states: list[immutabledict[str, Value]] = []

    def number(self, state: Mapping[str, Value]) -> int:
        """The number of a state, a new one if nobody has come to it yet."""
        kept = immutabledict({name: value for name, value in state.items() if name not in _OWN})
        number = self._numbers.setdefault(tuple(kept.values()), len(self._states))
        if number == len(self._states):
            self._states.append(kept)
        return number

    def shown(self, number: int) -> str:
        """The state of this number, in TLA+."""
        return to_tla(self._states[number])


@attrs.frozen
class Listing:
    """The states and steps of a model as TLC lists them.

    Attributes:
        verdict: whether that is all of it.
        nodes: how many states the model has, with what is its own.
        states: the numbers of the states without.
        steps: the numbers of the states before and after each step that changes one.
    """

    verdict: Verdict
    nodes: int
    states: frozenset[int]
    steps: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, spec: Spec, states: States, *, memory_mb: int = 512) -> "Listing":
        """List a model.

        Args:
            spec: the model.
            states: where its states get their numbers.
            memory_mb: the heap of TLC's process.

        Raises:
            SpecError: TLC cannot evaluate the spec.
        """
        places: list[int] = []
        seen: dict[tuple[str, ...], int] = {}
        steps = set()
        with stream_graph(spec, memory_mb=memory_mb) as stream:
            shared = [place for place, name in enumerate(stream.variables) if name not in _OWN]
            for part in stream:
                if isinstance(part, Node):
                    texts = tuple([part.texts[place] for place in shared])
                    if texts not in seen:
                        seen[texts] = states.number(part.state)
                    places.append(seen[texts])
                elif places[part.source] != places[part.target]:
                    steps.add((places[part.source], places[part.target]))
            verdict = stream.summary.verdict
        return cls(verdict, len(places), frozenset(places), frozenset(steps))


def plain(config: str, folder: Path, *, change: Mapping[str, str] = immutabledict()) -> Spec:
    """The model in which Byzantine replicas send messages.

    Args:
        config: a configuration `plain_*.cfg` of `specs/pbft`.
        folder: where a changed configuration is written.
        change: definition -> the definition in whose place it is put.

    Raises:
        ConfigError: the configuration is of another model.
    """
    return _spec(config, folder, "PlainSpec", change)


def reduced(config: str, folder: Path, *, change: Mapping[str, str] = immutabledict()) -> Spec:
    """`Pbft.tla` within the bounds of a configuration `plain_*.cfg`; arguments and errors as with `plain`."""
    return _spec(config, folder, "ReducedSpec", change)


def _spec(config: str, folder: Path, specification: str, change: Mapping[str, str]) -> Spec:
    path = _FOLDER / config
    text = configuration_text(path)
    if "SPECIFICATION PlainSpec\n" not in text:
        raise ConfigError(f"{config} is no configuration of the model with messages of Byzantine replicas")
    text = text.replace("PlainSpec", specification)
    if specification == "ReducedSpec":
        text = re.sub(r"^ *(\w+) <- Plain\1\n", "", text, flags=re.MULTILINE)
    for definition, place in change.items():
        text = re.sub(rf"^ *{place} <- .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("CONSTANTS\n", f"CONSTANTS\n    {place} <- {definition}\n")
    name = "_".join([path.stem, specification, *change])
    written = folder / f"{name}.cfg"
    written.write_text(text, encoding="utf-8")
    return Spec.load(_FOLDER / "MCPbftPlain.tla", written)


@attrs.frozen
class Compared:
    """The two models side by side.

    Attributes:
        plain_only: states that only the model with messages reaches.
        reduced_only: states that only the model without them reaches.
        steps: how many steps only one of them takes.
    """

    plain_only: frozenset[int]
    reduced_only: frozenset[int]
    steps: int

    @property
    def is_same(self) -> bool:
        """True if both have the same states and steps."""
        return not (self.plain_only or self.reduced_only or self.steps)


def compared(plain: Listing, reduced: Listing) -> Compared:
    """The differences of the two."""
    return Compared(
        plain.states - reduced.states, reduced.states - plain.states, len(plain.steps ^ reduced.steps)
    )


def reduction_is_sound(context: Context, *, config: str) -> Outcome:
    """The plain model and the reduced one have the same states and steps; wrong reduced ones have others."""
    folder = context.folder
    states = States()
    context.progress("TLC lists the messages of Byzantine replicas one by one")
    many = Listing.of(plain(config, folder), states)
    context.progress("TLC lists the model without them")
    few = Listing.of(reduced(config, folder), states)
    figures = immutabledict(plain=many.nodes, states=len(few.states), steps=len(few.steps))
    for listing in (many, few):
        if listing.verdict.kind is not Kind.EXHAUSTED:
            return Outcome(
                verdict=Verdict.unknown(f"TLC did not list all states: {listing.verdict}"), figures=figures
            )
    found = compared(many, few)
    if not found.is_same:
        lines = [
            f"reached by the {who} model only: {states.shown(number)}"
            for who, only in (("plain", found.plain_only), ("reduced", found.reduced_only))
            for number in sorted(only)
        ]
        what = f"{len(lines)} states and {found.steps} steps differ"
        return Outcome(
            verdict=Verdict.violated("SameStates", what), figures=figures, message="\n".join(lines[:10])
        )
    for definition, place in WRONG.get(config, {}).items():
        context.progress(f"TLC lists a wrong model: {definition}")
        wrong = Listing.of(reduced(config, folder, change={definition: place}), states)
        if compared(many, wrong).is_same:
            reason = f"{definition} in the place of {place} changes nothing: the bounds are too narrow"
            return Outcome(verdict=Verdict.unknown(reason), figures=figures)
    return Outcome(verdict=Verdict.exhausted(), figures=figures)
