"""Verdicts of checks. A verdict is never a bool: it says how far it carries.

| kind       | means                                                                     |
|------------|---------------------------------------------------------------------------|
| proved     | holds for every size and depth (a solver's proof)                         |
| exhausted  | holds in every reachable state of one finite instance                     |
| bounded    | no counterexample up to a depth                                           |
| sampled    | no counterexample in so many random cases, from that seed                 |
| violated   | does not hold, and there is a counterexample                              |
| unknown    | nothing was established; the reason says why. Never folded into a pass    |
"""

import enum
from typing import Any, Self

import attrs

__all__ = ["Kind", "Verdict"]


class Kind(enum.Enum):
    """The six kinds of verdict."""

    PROVED = "proved"
    EXHAUSTED = "exhausted"
    BOUNDED = "bounded"
    SAMPLED = "sampled"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


#: The kinds that establish what was asked, each to its own extent.
_ESTABLISHED = frozenset({Kind.PROVED, Kind.EXHAUSTED, Kind.BOUNDED, Kind.SAMPLED})


@attrs.frozen(kw_only=True)
class Verdict:
    """The outcome of one check.

    Attributes:
        kind: how far the verdict carries.
        violates: the property that does not hold, by its name in the spec or model; None otherwise.
        depth: for `bounded`, the number of steps up to which nothing was found.
        cases: for `sampled`, how many random cases were tried.
        seed: for `sampled`, the seed they came from.
        reason: for `unknown`, why; for `violated`, one line that says what is wrong.
    """

    kind: Kind
    violates: str | None = None
    depth: int | None = None
    cases: int | None = None
    seed: int | None = None
    reason: str | None = None

    @classmethod
    def proved(cls) -> Self:
        """Holds for every size and depth."""
        return cls(kind=Kind.PROVED)

    @classmethod
    def exhausted(cls) -> Self:
        """Holds in every reachable state of a finite instance."""
        return cls(kind=Kind.EXHAUSTED)

    @classmethod
    def bounded(cls, depth: int) -> Self:
        """No counterexample of up to `depth` steps."""
        return cls(kind=Kind.BOUNDED, depth=depth)

    @classmethod
    def sampled(cls, cases: int, seed: int) -> Self:
        """No counterexample in `cases` random cases drawn from `seed`."""
        return cls(kind=Kind.SAMPLED, cases=cases, seed=seed)

    @classmethod
    def violated(cls, name: str | None, reason: str | None = None) -> Self:
        """The property `name` does not hold; a counterexample goes with it."""
        return cls(kind=Kind.VIOLATED, violates=name, reason=reason)

    @classmethod
    def unknown(cls, reason: str) -> Self:
        """Nothing was established, because of `reason`."""
        return cls(kind=Kind.UNKNOWN, reason=reason)

    @property
    def is_established(self) -> bool:
        """True if the check established what it was asked, to the extent of its kind."""
        return self.kind in _ESTABLISHED

    @property
    def is_violated(self) -> bool:
        """True if there is a counterexample."""
        return self.kind is Kind.VIOLATED

    @property
    def is_unknown(self) -> bool:
        """True if nothing was established."""
        return self.kind is Kind.UNKNOWN

    def __bool__(self) -> bool:
        raise TypeError("a Verdict is not a bool: ask is_established, is_violated or is_unknown")

    def __str__(self) -> str:
        match self.kind:
            case Kind.BOUNDED:
                return f"bounded({self.depth} steps)"
            case Kind.SAMPLED:
                return f"sampled({self.cases} cases, seed {self.seed})"
            case Kind.VIOLATED:
                return f"violated({self.violates})" if self.violates else "violated"
            case Kind.UNKNOWN:
                return f"unknown({self.reason})"
            case _:
                return str(self.kind.value)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as JSON data, without empty fields."""
        fields = attrs.asdict(self, filter=lambda _, value: value is not None)
        return {**fields, "kind": self.kind.value}
