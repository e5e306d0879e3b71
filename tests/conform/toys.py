"""A toy protocol for conformance tests, `tests/specs/Tally.tla`, with right and wrong systems."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from immutabledict import immutabledict

from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.tlc import Spec, SpecOracle
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import ModelValue, Value

P, Q = ModelValue("p"), ModelValue("q")
_SPECS = Path(__file__).parents[1] / "specs"


@functools.cache
def oracle(config: str = "Tally", module: str = "Tally") -> SpecOracle:
    """The oracle of a small spec; loaded once."""
    return SpecOracle(Spec.load(_SPECS / f"{module}.tla", _SPECS / f"{config}.cfg"))


class Tally:
    """The correct counter and its lamp."""

    variables = frozenset({"total", "odd"})

    def __init__(self) -> None:
        self.total = 0

    def reset(self, initial: State) -> None:
        """Start where the spec does."""
        self.total = initial["total"]

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Perform the action."""
        match action:
            case "Raise":
                self.raise_by(arguments["by"])
            case "Reset":
                self.total = 0
            case "Knock":
                pass
            case "Guess":
                self.total = 4
            case _:
                raise AdapterError(f"the toy has no input for {action}")

    def raise_by(self, by: int) -> None:
        """Add to the total; overridden by wrong systems."""
        self.total += by

    def observe(self) -> State:
        """Return the counter and its lamp."""
        return immutabledict(total=self.total, odd=self.total % 2 == 1)


class Wraps(Tally):
    """Wrong from a total of 5 on."""

    def raise_by(self, by: int) -> None:
        """Add to the total; overridden by wrong systems."""
        self.total = (self.total + by) % 5


class Refuses(Tally):
    """Refuses to go beyond 4."""

    def raise_by(self, by: int) -> None:
        """Add to the total; overridden by wrong systems."""
        if self.total + by > 4:
            raise NotPossible(f"{self.total} and {by} are more than 4")
        self.total += by


class Crashes(Tally):
    """Raises an exception when it should go beyond 4."""

    def raise_by(self, by: int) -> None:
        """Add to the total; overridden by wrong systems."""
        self.total += (by, by, by, by, by)[self.total]


class Shows(Tally):
    """Right until the counter is 2; from then on it shows `shown` as `name` (and leaves it out, if None)."""

    def __init__(self, name: str, **shown: Any) -> None:
        super().__init__()
        self._name = name
        self._shown = shown

    def observe(self) -> State:
        """Return the counter and its lamp."""
        state = dict(super().observe())
        if self.total == 2:
            del state[self._name]
            state.update(self._shown)
        return immutabledict(state)


#: Python values that are no TLA+ values.
BAD_VALUES: dict[str, Any] = {
    "float": 2.0,
    "none": None,
    "list": [2],
    "dict": {"two": 2},
    "bytes": b"2",
    "set": {2},
}


def state(total: int, odd: Any = None) -> State:
    """The toy's state at a total."""
    return immutabledict(total=total, odd=total % 2 == 1 if odd is None else odd)


def run(*calls: tuple[str, dict[str, Value]]) -> Trace:
    """The spec's behaviour with these actions and arguments, from the oracle."""
    judge = oracle()
    (at,) = judge.initial_states()
    initial, steps = at.values, []
    for action, arguments in calls:
        (successor,) = judge.successors(at, action, arguments)
        at = successor.state
        steps.append(Step(action, immutabledict(arguments), at.values))
    return Trace(
        initial=initial, steps=tuple(steps), origin=Origin(source="oracle", spec=str(judge.spec.path))
    )


#: Knock, raise to 1, 2, reset, raise by 2 at once.
CALLS: tuple[tuple[str, dict[str, Value]], ...] = (
    ("Knock", {"who": P}),
    ("Raise", {"by": 1}),
    ("Raise", {"by": 1}),
    ("Reset", {}),
    ("Raise", {"by": 2}),
)
