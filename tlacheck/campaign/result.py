"""Result of a campaign: counts, goals, failures in groups, and whether repetitions agree."""

import functools
from collections import Counter
from collections.abc import Mapping

import attrs
from immutabledict import immutabledict

from tlacheck.campaign.record import Head, Row
from tlacheck.campaign.work import digest_of

__all__ = ["Campaign", "Group"]


@attrs.frozen(kw_only=True)
class Group:
    """Failures that are one bug, as far as can be told: one property, broken by the same actions.

    Attributes:
        property: what was broken.
        actions: the names of the steps that break it, shrunk.
        rows: the cases, in their order.
    """

    property: str
    actions: tuple[str, ...]
    rows: tuple[Row, ...]


@attrs.frozen(kw_only=True)
class Campaign:
    """Result of a campaign.

    Attributes:
        head: which campaign.
        rows: the cases that were done, in their order.
        repeated: case -> its repetition by another process.
        unfinished: case -> why it could not be done.
        refused: worker -> how its version differs.
    """

    head: Head
    rows: tuple[Row, ...]
    repeated: Mapping[str, Row] = attrs.field(factory=immutabledict)
    unfinished: Mapping[str, str] = attrs.field(factory=immutabledict)
    refused: Mapping[str, tuple[str, ...]] = attrs.field(factory=immutabledict)

    @property
    def steps(self) -> int:
        """The number of steps of all cases."""
        return sum(row.done.steps for row in self.rows)

    @property
    def seconds(self) -> float:
        """Seconds of CPU of all cases."""
        return sum(row.done.seconds for row in self.rows)

    @property
    def goals(self) -> Counter[str]:
        """Coverage goal -> how often it was met."""
        total: Counter[str] = Counter()
        for row in self.rows:
            total.update(row.done.goals)
        return total

    @property
    def missing(self) -> tuple[str, ...]:
        """The coverage goals that no case met."""
        return tuple(name for name, count in self.goals.items() if not count)

    @property
    def failed(self) -> tuple[Row, ...]:
        """The cases in which something was broken."""
        return tuple(row for row in self.rows if row.done.property)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The failures by property and actions; the largest group first."""
        found: dict[tuple[str, tuple[str, ...]], list[Row]] = {}
        for row in self.failed:
            found.setdefault((row.done.property, row.done.actions), []).append(row)
        groups = [Group(property=key[0], actions=key[1], rows=tuple(rows)) for key, rows in found.items()]
        return tuple(sorted(groups, key=lambda group: -len(group.rows)))

    @property
    def mismatches(self) -> tuple[tuple[Row, Row], ...]:
        """The cases whose repetition gave another digest, with both rows."""
        return tuple(
            (row, self.repeated[row.case])
            for row in self.rows
            if row.case in self.repeated and self.repeated[row.case].done.digest != row.done.digest
        )

    @functools.cached_property
    def digest(self) -> str:
        """Digest of the digests of all cases: the same wherever they were done."""
        return digest_of(sorted((row.case, row.done.digest) for row in self.rows))
