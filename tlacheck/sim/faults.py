"""One vocabulary of faults, and plans of them that are data.

A `Fault` is a name of the table below with its parameters. The names are those of the specs, as far
as a spec has the fault as an action: `SpecFaults` says, for one spec, which action each of them is.

| fault          | parameters             | does                                                           |
|----------------|------------------------|----------------------------------------------------------------|
| `drop`         | `position`             | a message is lost                                              |
| `duplicate`    | `position`             | a message gets a second copy                                   |
| `reorder`      | `position`             | a message overtakes all others                                 |
| `delay`        | `position`, `by_ms`    | a message is late                                              |
| `degrade`      | `loss`, `duplication`  | from now on the network loses and doubles so many percent      |
| `partition`    | `group`               | these nodes and the others do not reach each other             |
| `cut`          | `sources`, `dests`     | what the sources send to the dests is lost, one way            |
| `heal`         |                        | partitions and cuts end                                        |
| `crash`        | `node`, `kept`, `torn` | a node stops, keeping its first `kept` unsynced writes and, if |
|                |                        | `torn`, half of the next                                       |
| `crash_during` | `node`, `done`, `torn` | it crashes in its next step, after `done` commands of it       |
| `crash_writing`| `node`, `done`, `torn` | the same in its next step that writes to its disk              |
| `restart`      | `node`                 | a crashed node comes back with what is on its disk             |
| `pause`        | `node`                 | a node takes no step; messages and timers wait                 |
| `resume`       | `node`                 | a pause ends                                                   |
| `skew`         | `node`, `by_ms`        | a node's clock is set forward or back                          |
| `drift`        | `node`, `ppm`          | a node's clock runs fast or slow                               |
| `make_byzantine` | `node`, `behaviour`  | a node behaves as its scenario's behaviour of this name        |
| `reform`       | `node`                 | it is honest again                                             |

A message is named by its `position` among those on their way, modulo their number: message numbers are
unknown when a plan is made. A fault without a target (no message, a node that is down already) does
nothing, and the log of the run says so.

A `FaultPlan` lists faults with their times. It can be drawn from a seed, printed, stored as JSON, cut
down by hand, and repeated: the same plan and the same seed give the same run.
"""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from tlacheck.errors import AdapterError, ConfigError

__all__ = ["FAULTS", "Fault", "FaultPlan", "SpecFaults", "TimedFault"]

_INT, _STR, _BOOL = "a whole number", "a string", "true or false"
_NAMES: Final = "a list of nodes"

#: Fault -> its parameters, with the kind of each.
FAULTS: Final[Mapping[str, Mapping[str, str]]] = immutabledict(
    drop=immutabledict(position=_INT),
    duplicate=immutabledict(position=_INT),
    reorder=immutabledict(position=_INT),
    delay=immutabledict(position=_INT, by_ms=_INT),
    degrade=immutabledict(loss=_INT, duplication=_INT),
    partition=immutabledict(group=_NAMES),
    cut=immutabledict(sources=_NAMES, dests=_NAMES),
    heal=immutabledict(),
    crash=immutabledict(node=_STR, kept=_INT, torn=_BOOL),
    crash_during=immutabledict(node=_STR, done=_INT, torn=_BOOL),
    crash_writing=immutabledict(node=_STR, done=_INT, torn=_BOOL),
    restart=immutabledict(node=_STR),
    pause=immutabledict(node=_STR),
    resume=immutabledict(node=_STR),
    skew=immutabledict(node=_STR, by_ms=_INT),
    drift=immutabledict(node=_STR, ppm=_INT),
    make_byzantine=immutabledict(node=_STR, behaviour=_STR),
    reform=immutabledict(node=_STR),
)

#: The default of each parameter.
_DEFAULTS: Final = immutabledict(kept=0, done=0, torn=False, loss=0, duplication=0)

#: The default choice for plans: all that a protocol must survive that trusts its peers.
_USUAL: Final = (
    "drop",
    "duplicate",
    "reorder",
    "delay",
    "partition",
    "cut",
    "crash",
    "crash_during",
    "pause",
    "skew",
    "drift",
)

#: Fault -> the fault that ends it. A drawn plan has both.
_ENDED_BY: Final = immutabledict(
    partition="heal",
    cut="heal",
    crash="restart",
    crash_during="restart",
    crash_writing="restart",
    pause="resume",
)

_VERSION: Final = 1


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "a whole number":
            return type(value) is int
        case "true or false":
            return type(value) is bool
        case "a string":
            return isinstance(value, str)
        case _:
            return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


@attrs.frozen
class Fault:
    """One fault: a name of `FAULTS` and a value for each of its parameters.

    Raises:
        ConfigError: if there is no such fault, or a parameter is missing, unknown or of another kind.
    """

    name: str
    parameters: immutabledict[str, Any]

    @classmethod
    def of(cls, name: str, **parameters: Any) -> Self:
        """Create a fault from these parameters, lists of nodes as any iterable; others get defaults."""
        kinds = FAULTS.get(name, {})
        given = {
            key: tuple(value) if kinds.get(key) == _NAMES and not isinstance(value, str) else value
            for key, value in parameters.items()
        }
        return cls(
            name,
            immutabledict({**{key: value for key, value in _DEFAULTS.items() if key in kinds}, **given}),
        )

    def __attrs_post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ConfigError(f"there is no fault {self.name!r}: there are {', '.join(FAULTS)}")
        kinds = FAULTS[self.name]
        if self.parameters.keys() != kinds.keys():
            raise ConfigError(
                f"the fault {self.name} has the parameters ({', '.join(kinds)}), "
                f"not ({', '.join(self.parameters)})"
            )
        for key, kind in kinds.items():
            if not _is(kind, self.parameters[key]):
                raise ConfigError(f"{key} of the fault {self.name} is {kind}, not {self.parameters[key]!r}")

    def __getitem__(self, parameter: str) -> Any:
        return self.parameters[parameter]

    def __str__(self) -> str:
        kinds = FAULTS[self.name]
        shown = (f"{key}={_shown(self.parameters[key])}" for key in kinds)
        return f"{self.name}({', '.join(shown)})"


def _shown(value: Any) -> str:
    return "{" + ", ".join(value) + "}" if isinstance(value, tuple) else str(value)


@attrs.frozen
class TimedFault:
    """A fault, and its time in virtual milliseconds."""

    at_ms: int
    fault: Fault


@attrs.frozen
class FaultPlan:
    """A schedule of faults.

    Attributes:
        faults: in order of time; of two at the same time, the first comes first.
        seed: the seed that it was drawn from; None if it was written.

    Raises:
        ConfigError: if the times go back, or begin before 0.
    """

    faults: tuple[TimedFault, ...] = ()
    seed: int | None = None

    def __attrs_post_init__(self) -> None:
        before = 0
        for timed in self.faults:
            if timed.at_ms < before:
                raise ConfigError(
                    f"{timed.fault} at {timed.at_ms} ms comes after a fault at {before} ms: "
                    "order the plan by time, from 0 ms on"
                )
            before = timed.at_ms

    @classmethod
    def of(cls, *rows: tuple[int, Fault]) -> Self:
        """Create a plan from these faults at these times, in any order."""
        return cls(tuple(TimedFault(*row) for row in sorted(rows, key=lambda row: row[0])))

    @classmethod
    def draw(
        cls,
        seed: int,
        nodes: Sequence[str],
        *,
        until_ms: int,
        count: int,
        names: Iterable[str] = _USUAL,
        down_max: int | None = None,
    ) -> Self:
        """Draw a plan from a seed.

        Faults that can be ended are ended before `until_ms`: a crash by a restart, a pause by a resume,
        a partition by a heal. Clocks stay wrong, and a network bad, until `stabilise`.

        Args:
            seed: the same seed draws the same plan.
            nodes: the nodes of the cluster.
            until_ms: when the last fault comes at the latest.
            count: how many faults are drawn, those that end others not counted.
            names: the faults to draw from. Not `make_byzantine`: the scenario names Byzantine nodes.
            down_max: how many nodes may be crashed or paused at a time; a minority unless given.

        Raises:
            ConfigError: if a name is no fault that can be drawn, or there are no nodes.
        """
        kinds = [name for name in names if name in _DRAWN]
        unknown = sorted(set(names) - set(kinds))
        if unknown or not kinds or not nodes:
            wrong = f"of {', '.join(unknown)}" if unknown else "of no fault" if nodes else "for no node"
            raise ConfigError(f"no plan can be drawn {wrong}: draw of {', '.join(_DRAWN)}, for some nodes")
        source = random.Random(seed)  # noqa: S311 - reproducible on purpose
        drawing = _Drawing(source, tuple(nodes), (len(nodes) - 1) // 2 if down_max is None else down_max)
        for at_ms in sorted(source.randrange(until_ms) for _ in range(count)):
            drawing.add(at_ms, source.choice(kinds), source.randint(at_ms, until_ms))
        rows = sorted(drawing.rows, key=lambda row: row[0])
        return cls(tuple(TimedFault(*row) for row in rows), seed)

    @property
    def ends_ms(self) -> int:
        """The time of the last fault; 0 if there is none."""
        return self.faults[-1].at_ms if self.faults else 0

    def to_json(self) -> str:
        """The plan as JSON text, one fault a line."""
        lines = ",\n".join(
            "  " + json.dumps({"at_ms": timed.at_ms, "fault": timed.fault.name, **timed.fault.parameters})
            for timed in self.faults
        )
        head = json.dumps({"format": "tlacheck faults", "version": _VERSION, "seed": self.seed})[:-1]
        return f'{head}, "faults": [\n{lines}\n]}}\n' if lines else f'{head}, "faults": []}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that `to_json` wrote.

        Raises:
            ConfigError: if the text is no plan; the message says what is wrong.
        """
        try:
            data = json.loads(text)
            if data["format"] != "tlacheck faults" or data["version"] != _VERSION:
                raise ConfigError(
                    f"this is {data['format']!r}, version {data['version']!r}, not 'tlacheck faults', "
                    f"version {_VERSION}"
                )
            rows = []
            for number, row in enumerate(data["faults"], start=1):
                parameters = {
                    key: tuple(value) if isinstance(value, list) else value
                    for key, value in row.items()
                    if key not in ("at_ms", "fault")
                }
                if type(row["at_ms"]) is not int:
                    raise ConfigError(f"at_ms of fault {number} is a whole number, not {row['at_ms']!r}")
                rows.append(TimedFault(row["at_ms"], Fault(row["fault"], immutabledict(parameters))))
            return cls(tuple(rows), data["seed"])
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"this is no plan of faults ({type(error).__name__}: {error}): "
                "FaultPlan.to_json writes what can be read"
            ) from error

    def __str__(self) -> str:
        return "\n".join(f"{timed.at_ms:>6} ms  {timed.fault}" for timed in self.faults)


class _Drawing:
    """A plan in the making, with the time until which each node is down."""

    def __init__(self, source: random.Random, nodes: tuple[str, ...], down_max: int) -> None:
        self.rows: list[tuple[int, Fault]] = []
        self._random = source
        self._nodes = nodes
        self._down_max = down_max
        self._down: dict[str, int] = {}

    def add(self, at_ms: int, name: str, ends_ms: int) -> None:
        """Draw the parameters of a fault, and add it with what ends it; nothing if too many are down."""
        source, nodes = self._random, self._nodes
        node = source.choice(nodes)
        down = [name for name, until in self._down.items() if until >= at_ms]
        if name in ("crash", "crash_during", "crash_writing", "pause"):
            if node in down or len(down) >= self._down_max:
                return
            self._down[node] = ends_ms
        group = source.sample(nodes, source.randint(1, max(1, len(nodes) // 2)))
        others = [other for other in nodes if other not in group]
        drawn = {
            "position": source.randrange(1_000),
            "by_ms": (1 if name == "delay" else source.choice((-1, 1))) * source.randint(1, 500),
            "ppm": source.randint(-500_000, 1_000_000),
            "group": sorted(group),
            "sources": sorted(group),
            "dests": sorted(others),
            "node": node,
            "kept": source.randint(0, 2),
            "done": source.randint(0, 3),
            "torn": source.random() < 0.5,
            "loss": source.randint(0, 30),
            "duplication": source.randint(0, 30),
        }
        self.rows.append((at_ms, Fault.of(name, **{key: drawn[key] for key in FAULTS[name]})))
        if (end := _ENDED_BY.get(name)) is not None:
            ended = {"node": node} if "node" in FAULTS[end] else {}
            self.rows.append((ends_ms, Fault.of(end, **ended)))


#: The faults that a plan can be drawn from: those that neither end another nor concern Byzantine
#: nodes.
_DRAWN: Final = tuple(
    name for name in FAULTS if name not in ("heal", "restart", "resume", "make_byzantine", "reform")
)


@attrs.frozen
class SpecFaults:
    """The meaning of each fault in a spec: an action by name, or no step at all.

    An adapter defines it for every fault that it meets, so that none is forgotten: a fault that the
    spec does not have must be one that the spec's state does not show (a pause, a skewed clock).

    Attributes:
        actions: fault -> action of the spec; None where the spec takes no step.

    Raises:
        AdapterError: if a name is no fault.
    """

    actions: immutabledict[str, str | None]

    @classmethod
    def of(cls, **actions: str | None) -> Self:
        """The table with these rows."""
        return cls(immutabledict(actions))

    def __attrs_post_init__(self) -> None:
        if unknown := [name for name in self.actions if name not in FAULTS]:
            raise AdapterError(f"no fault is called {', '.join(unknown)}: there are {', '.join(FAULTS)}")

    def action(self, fault: str) -> str | None:
        """Return the action that stands for a fault; None if the spec takes no step.

        Raises:
            AdapterError: if the adapter does not say.
        """
        if fault not in self.actions:
            raise AdapterError(
                f"the adapter does not say what the fault {fault!r} is in its spec: add {fault}=... to "
                "SpecFaults, None if it is no step"
            )
        return self.actions[fault]

    def check(self, actions: Iterable[str]) -> None:
        """Compare the table with the actions of a spec.

        Raises:
            AdapterError: if a fault is said to be an action that the spec lacks.
        """
        known = set(actions)
        for fault, action in self.actions.items():
            if action is not None and action not in known:
                raise AdapterError(
                    f"the fault {fault!r} is said to be the action {action!r}, which the spec has not: "
                    f"it has {', '.join(sorted(known))}"
                )
