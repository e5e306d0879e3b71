"""Conversion of Z3 models into traces: a bounded model check unrolls a spec, and a model is a behaviour.

Z3 knows sorts, not TLA+ values. An integer, a boolean and a string are themselves; a constant of an
enumeration or of an uninterpreted sort is a model value; a value of a datatype is a record of its
fields (with the field `tag` if the datatype has several constructors). Arrays and functions have no
finite form: the caller, who knows their domain, takes them apart. A state is a mapping from spec
variable to an expression or to a container of expressions.

Z3 is imported on first use; it is no dependency of the toolkit.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from immutabledict import immutabledict

from tlacheck.errors import SetupError, TraceError
from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, Value, function

if TYPE_CHECKING:  # an optional package
    import z3

__all__ = ["Members", "trace_from_z3"]


@attrs.frozen
class Members:
    """A set, by its possible members: member -> the expression that decides membership."""

    chosen: Mapping[Value, Any]


def trace_from_z3(
    model: "z3.ModelRef",
    states: Sequence[Mapping[str, Any]],
    *,
    actions: Sequence[Any] = (),
    arguments: Sequence[Mapping[str, Any]] = (),
    loop: int | None = None,
    violation: Violation | None = None,
    origin: Origin | None = None,
) -> Trace:
    """Convert a model of an unrolled spec into the behaviour that it stands for.

    Args:
        model: what the solver found. Constants that it leaves open get a value of its choice.
        states: for each state, spec variable -> a Z3 expression, a constant of Python, `Members`, or a
            tuple, list or mapping of such (a mapping is a function or record).
        actions: for each step its action: a name, an expression whose value names it, or a mapping from
            names to boolean expressions, of which the first true one counts. None given: not known.
        arguments: for each step, argument -> as in states.
        loop: for a lasso, the number of the state that follows the last one.
        violation: what the model shows to be wrong.
        origin: where the model comes from; by default the solver with its version.

    Raises:
        SetupError: Z3 is not installed.
        TraceError: an expression has no finite value, no action is true in a step, or the counts of
            states, actions and arguments do not fit; the message names the state and the variable.
    """
    reader = _Reader(model)
    if not states:
        raise TraceError("a trace needs one state at least")
    for what, given in (("actions", actions), ("arguments", arguments)):
        if given and len(given) != len(states) - 1:
            raise TraceError(
                f"{len(states)} states have {len(states) - 1} steps between them, and {len(given)} "
                f"{what} are given"
            )
    if loop is not None and not 0 <= loop < len(states):
        raise TraceError(f"the loop goes back to state {loop}; there are states 0 to {len(states) - 1}")
    read = [reader.values(state, f"state {number}") for number, state in enumerate(states)]
    return Trace(
        initial=read[0],
        steps=tuple(
            Step(
                reader.action(actions[index], f"step {index + 1}") if actions else "",
                reader.values(arguments[index], f"step {index + 1}, arguments")
                if arguments
                else immutabledict[str, Value](),
                state,
            )
            for index, state in enumerate(read[1:])
        ),
        origin=origin or reader.origin,
        loop=loop,
        violation=violation,
    )


class _Reader:
    def __init__(self, model: "z3.ModelRef") -> None:
        try:
            import z3  # noqa: PLC0415 - an optional package
        except ModuleNotFoundError as error:
            raise SetupError("reading a model of Z3 needs z3: pip install 'tlacheck[smt]'") from error
        self._z3 = z3
        self._model = model
        self.origin = Origin(source="z3", versions=immutabledict({"z3": z3.get_version_string()}))

    def values(self, given: Mapping[str, Any], where: str) -> State:
        return State((name, self.value(item, f"{where}, {name}")) for name, item in given.items())

    def action(self, given: Any, where: str) -> str:
        if isinstance(given, str):
            return given
        if isinstance(given, Mapping):
            for name, condition in given.items():
                if self.value(condition, f"{where}, {name}") is True:
                    return str(name)
            raise TraceError(
                f"{where}: none of the actions {', '.join(map(str, given))} is true in the model"
            )
        value = self.value(given, where)
        return value.name if isinstance(value, ModelValue) else str(value)

    def value(self, given: Any, where: str) -> Value:
        match given:
            case bool() | int() | str() | ModelValue():
                return given
            case Members():
                return frozenset(
                    member
                    for member, condition in given.chosen.items()
                    if self.value(condition, f"{where}, member {member!r}") is True
                )
            case tuple() | list():
                return tuple(
                    self.value(item, f"{where}[{index}]") for index, item in enumerate(given, start=1)
                )
            case frozenset():
                return frozenset(self.value(item, where) for item in given)
            case Mapping():
                return function((key, self.value(item, f"{where}[{key!r}]")) for key, item in given.items())
            case self._z3.ExprRef():
                return self._constant(self._model.eval(given, model_completion=True), where)
            case _:
                raise TraceError(
                    f"{where} is {given!r}, a {type(given).__name__}: give an expression of Z3, a constant, "
                    "Members, or a tuple, list or mapping of such"
                )

    def _constant(self, found: Any, where: str) -> Value:
        z3 = self._z3
        if z3.is_true(found) or z3.is_false(found):
            return z3.is_true(found)
        if z3.is_int_value(found) or z3.is_bv_value(found):
            return found.as_long()
        if z3.is_rational_value(found) and found.denominator_as_long() == 1:
            return found.numerator_as_long()
        if z3.is_string_value(found):
            return found.as_string()
        sort = found.sort()
        if sort.kind() == z3.Z3_UNINTERPRETED_SORT and z3.is_const(found):
            return ModelValue(str(found))
        if sort.kind() == z3.Z3_DATATYPE_SORT:
            return self._datatype(found, sort, where)
        raise TraceError(
            f"{where}: {str(found)[:80]}, of sort {sort}, has no finite value: take it apart, an "
            "expression for "
            "each argument of its domain"
        )

    def _datatype(self, found: Any, sort: Any, where: str) -> Value:
        """Convert a value of a datatype: a constructor without fields becomes a name, others records."""
        declaration = found.decl()
        indices = [
            index for index in range(sort.num_constructors()) if sort.constructor(index) == declaration
        ]
        if not indices:
            raise TraceError(f"{where}: {str(found)[:80]} is not made by a constructor of {sort}")
        if not found.num_args():
            return ModelValue(declaration.name())
        fields = {
            sort.accessor(indices[0], position).name(): self._constant(
                found.arg(position), f"{where}.{sort.accessor(indices[0], position).name()}"
            )
            for position in range(found.num_args())
        }
        if sort.num_constructors() > 1:
            fields["tag"] = declaration.name()
        return function(fields)
