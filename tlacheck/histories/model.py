"""The sequential side of linearizability: an object that takes one operation at a time.

A `Model` is a state and a step: from a state, a call leads to an answer and a next state. Usually
there is one such pair; several mean that the object may choose, none that the call cannot happen
there.

>>> counter = Model(
...     name="counter",
...     operations={"increment": (), "read": ()},
...     initial=0,
...     step=lambda count, call: [(None, count + 1)] if call.name == "increment" else [(count, count)],
... )
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import attrs
from immutabledict import immutabledict

from tlacheck.errors import TlacheckError
from tlacheck.histories.history import Call, History, HistoryError, Operation, in_words

__all__ = ["Model", "ModelError", "Steps"]

State = TypeVar("State", bound=Hashable)

#: The possible outcomes of a call: answers, each with the state after it.
Steps: TypeAlias = Iterable[tuple[Any, State]]


class ModelError(TlacheckError):
    """A model broke its contract: its step raised an exception, or returned an unhashable state."""


@attrs.frozen(kw_only=True)
class Model(Generic[State]):
    """A sequential object.

    Attributes:
        name: what it is called.
        operations: operation -> the names of its arguments.
        initial: the state before the first operation. States are hashable, and equal if nothing that
            may happen later tells them apart.
        step: pure: from a state and a call, the possible answers, each with the state after it.
        reads: the operations that never change the state; saying so saves time.
        partition: the part of the object that a call concerns (the key of a map), if the object is
            made of parts that know nothing of each other; each part then begins in `initial` and is
            checked by itself. None if it is one whole.
        foresee: given the operations of a part in the order of their answers, those without one last, a test
            of states: False for one that is in no order that gives these answers. It saves most where
            operations without an answer may have happened in any order, and a later answer tells in which.
            None if there is no such test.
        show: a state in few words.
    """

    name: str
    operations: immutabledict[str, tuple[str, ...]] = attrs.field(converter=immutabledict)
    initial: State
    step: Callable[[State, Call], Steps[State]]
    reads: frozenset[str] = frozenset()
    partition: Callable[[Call], Hashable] | None = None
    foresee: Callable[[Sequence[Operation]], Callable[[State], bool]] | None = None
    show: Callable[[State], str] = in_words

    def steps(self, state: State, call: Call) -> tuple[tuple[Any, State], ...]:
        """Return the possible outcomes of a call: answers, each with the state after it.

        Raises:
            ModelError: the model's step raised an exception, or gave something else.
        """
        try:
            return tuple([(answer, after) for answer, after in self.step(state, call)])
        except Exception as error:
            raise ModelError(
                f"the model {self.name} failed on {call} in the state {state!r:.200}: "
                f"{type(error).__name__}: {error}. A step gives pairs of an answer and the state after it, "
                "and no pair for a call that cannot happen"
            ) from error

    def refuse_strangers(self, history: History) -> None:
        """Check that the model knows every operation of a history.

        Raises:
            HistoryError: it does not know one, or not with these arguments.
        """
        for operation in history.operations:
            call = operation.call
            arguments = self.operations.get(call.name)
            if arguments is None:
                raise HistoryError(
                    f"operation {operation}: the model {self.name} has no {call.name!r}. It has: "
                    f"{', '.join(f'{name}({_listed(names)})' for name, names in self.operations.items())}"
                )
            if set(arguments) != set(call.arguments):
                raise HistoryError(
                    f"operation {operation}: {call.name} of the model {self.name} has the arguments "
                    f"({_listed(arguments)}), not ({_listed(call.arguments)})"
                )

    def whole(self) -> "Model[immutabledict[Hashable, State]]":
        """Return the same object in one part, whose state maps each part to its state if that has changed."""
        partition = self.partition or (lambda _: None)

        def step(
            state: immutabledict[Hashable, State], call: Call
        ) -> Iterator[tuple[Any, immutabledict[Hashable, State]]]:
            part = partition(call)
            for answer, after in self.step(state.get(part, self.initial), call):
                parts: dict[Hashable, State] = {**state, part: after}
                if after == self.initial:
                    del parts[part]
                yield answer, immutabledict(parts)

        def show(state: Mapping[Hashable, State]) -> str:
            parts = (f"{in_words(part)}: {self.show(inner)}" for part, inner in state.items())
            return "{" + ", ".join(parts) + "}"

        return Model(
            name=self.name,
            operations=self.operations,
            initial=immutabledict(),
            step=step,
            reads=self.reads,
            show=show,
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
