"""Coverage of a spec by a check: per action, and per expression.

A property that holds because an action is never taken is vacuous. TLC counts, and prints its counts at
the end of a run; this module reads them from its messages.
"""

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import Location
from tlacheck.tlc._protocol import Message
from tlacheck.tlc.spec import Spec

__all__ = ["Coverage", "ExpressionCoverage", "Part", "Role", "read_coverage"]

_START, _VALUE, _VALUE_AND_COST = 2201, 2221, 2775

_SPAN = r"line (\d+), col (\d+) to line (\d+), col (\d+) of module (\w+)"
_PART = re.compile(rf"<(\S+) {_SPAN}(?: \((\d+) (\d+) (\d+) (\d+)\))?>(?:: ([\d,]+):([\d,]+))?")
_EXPRESSION = re.compile(rf"\s*(\|*){_SPAN}: ([\d,]+)(?::([\d,]+))?")


class Role(enum.Enum):
    """The role of a part of a spec in a check."""

    INIT = "init"
    ACTION = "action"
    INVARIANT = "invariant"
    CONSTRAINT = "constraint"


#: TLC's message about a part -> its role. The last one is of TLCs newer than 2.18.
_ROLES = {2773: Role.INIT, 2772: Role.ACTION, 2774: Role.INVARIANT, 2778: Role.CONSTRAINT}


@attrs.frozen(kw_only=True)
class ExpressionCoverage:
    """The number of evaluations of an expression.

    Attributes:
        location: where it begins.
        end: line and column of its last character.
        nesting: how deep it lies in the expressions above it, as TLC shows them; 0 is outermost.
        count: how often it was evaluated.
        cost: how many elements were enumerated on the way; None where TLC says nothing of it.
    """

    location: Location
    end: tuple[int, int]
    nesting: int
    count: int
    cost: int | None = None


@attrs.frozen(kw_only=True)
class Part:
    """The use of a part of the spec: an initial predicate, an action, an invariant or a constraint.

    An action of several disjuncts is several parts, which share their name and `location`.

    Attributes:
        role: which of them it is.
        name: its name in the spec.
        location: where its definition begins.
        disjunct: for one of several disjuncts (or the body of a LET), where that one begins; None otherwise.
        taken: states that it gave, with repetitions; None for what gives none.
        distinct: those among them that were new; None as above.
        expressions: what TLC counted inside, outer ones before inner ones.
    """

    role: Role
    name: str
    location: Location
    disjunct: Location | None = None
    taken: int | None = None
    distinct: int | None = None
    expressions: tuple[ExpressionCoverage, ...] = ()

    @property
    def where(self) -> Location:
        """The place to look at: the disjunct, if it is one of several."""
        return self.disjunct or self.location


@attrs.frozen
class Coverage:
    """The coverage of a spec by a check.

    Attributes:
        parts: initial predicates, then actions by their place, then invariants and constraints.
    """

    parts: tuple[Part, ...]

    @property
    def actions(self) -> tuple[Part, ...]:
        """The actions among the parts."""
        return tuple(part for part in self.parts if part.role is Role.ACTION)

    @property
    def never_taken(self) -> tuple[Part, ...]:
        """The actions that gave no state."""
        return tuple(part for part in self.actions if not part.taken)

    @property
    def never_evaluated(self) -> tuple[ExpressionCoverage, ...]:
        """The expressions that were not reached in the parts that were.

        TLC reports these for expressions that give a primed variable its value, say in a branch of an
        IF, and for few others. Each place counts once, and not if another part reaches it.
        """
        used = [part for part in self.parts if part.taken != 0]
        expressions = [expression for part in used for expression in part.expressions]
        reached = {expression.location for expression in expressions if expression.count}
        unreached = {
            expression.location: expression
            for expression in expressions
            if expression.location not in reached
        }
        return tuple(unreached.values())

    def lines(self) -> Mapping[tuple[str, int], int]:
        """Return (file, line) -> the largest count of an expression that begins there, over all parts."""
        counts: dict[tuple[str, int], int] = {}
        for part in self.parts:
            for expression in part.expressions:
                key = (expression.location.file, expression.location.line)
                counts[key] = max(counts.get(key, 0), expression.count)
        return immutabledict(sorted(counts.items()))

    def to_json(self) -> dict[str, Any]:
        """The coverage as JSON data; places are texts, `file:line:column`."""
        return {
            "parts": [_part_to_json(part) for part in self.parts],
            "never_taken": [{"name": part.name, "location": str(part.where)} for part in self.never_taken],
            "never_evaluated": [str(expression.location) for expression in self.never_evaluated],
            "lines": [
                {"file": file, "line": line, "count": count} for (file, line), count in self.lines().items()
            ],
        }


def read_coverage(messages: Sequence[Message], spec: Spec) -> Coverage | None:
    """Return the last coverage that TLC printed; None if it printed none."""
    starts = [index for index, message in enumerate(messages) if message.code == _START]
    if not starts:
        return None
    parts: list[tuple[Part, list[ExpressionCoverage]]] = []
    for message in messages[starts[-1] :]:
        if message.code in _ROLES and (match := _PART.search(message.text)):
            parts.append((_part(_ROLES[message.code], match, spec), []))
        elif message.code in (_VALUE, _VALUE_AND_COST) and (match := _EXPRESSION.match(message.text)):
            parts[-1][1].append(_expression(match, spec))
    return Coverage(tuple(attrs.evolve(part, expressions=tuple(inside)) for part, inside in parts))


def _part(role: Role, match: re.Match[str], spec: Spec) -> Part:
    name, line, column, _, _, module = match.groups()[:6]
    disjunct_line, disjunct_column = match[7], match[8]
    has_counts = role in (Role.INIT, Role.ACTION) and match[11]
    file = _file(module, spec)
    return Part(
        role=role,
        name=name,
        location=Location(file, int(line), int(column)),
        disjunct=Location(file, int(disjunct_line), int(disjunct_column)) if disjunct_line else None,
        distinct=_number(match[11]) if has_counts else None,
        taken=_number(match[12]) if has_counts else None,
    )


def _expression(match: re.Match[str], spec: Spec) -> ExpressionCoverage:
    bars, line, column, end_line, end_column, module, count, cost = match.groups()
    return ExpressionCoverage(
        location=Location(_file(module, spec), int(line), int(column)),
        end=(int(end_line), int(end_column)),
        nesting=len(bars),
        count=_number(count),
        cost=_number(cost) if cost else None,
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _file(module: str, spec: Spec) -> str:
    """Return the user's file of a module; the bare name of a standard one."""
    path = spec.path.with_name(f"{module}.tla")
    return str(path) if path.is_file() else module


def _part_to_json(part: Part) -> dict[str, Any]:
    return {
        "role": part.role.value,
        "name": part.name,
        "location": str(part.location),
        "disjunct": str(part.disjunct) if part.disjunct else None,
        "taken": part.taken,
        "distinct": part.distinct,
        "expressions": list(_expressions_to_json(part.expressions)),
    }


def _expressions_to_json(expressions: Sequence[ExpressionCoverage]) -> Iterator[dict[str, Any]]:
    for expression in expressions:
        line, column = expression.end
        yield {
            "location": str(expression.location),
            "end": f"{line}:{column}",
            "nesting": expression.nesting,
            "count": expression.count,
            "cost": expression.cost,
        }
