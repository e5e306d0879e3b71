"""A trace arranged in lanes: the changes of each node, the network and the shared state, step by step.

Nothing here knows a protocol, and nothing prints. The lanes are derived from the states: variables that
are functions on one and the same set of names (model values, else strings) count as held per node, and
the names as the nodes. A bag or set of records is the network; steps add and remove messages. All other
variables are shared. A trace without such variables has no lanes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from tlacheck.report.compact import Change, Wording, ends, is_record, kind_field
from tlacheck.trace import State, Step, Trace
from tlacheck.values import ModelValue, Value, differences, ordered, same, to_tla

__all__ = [
    "Difference",
    "LaneStep",
    "Lanes",
    "MessageChange",
    "VariableChange",
    "bag_of",
    "lanes_of",
    "to_json",
]

#: Names of the argument that tells which node acts, when several arguments are nodes.
_ACTORS: Final = ("node", "self", "server", "replica", "process", "actor", "source", "i")

#: The variable that repeats a step's action and arguments, which the steps show already.
_EVENT: Final = "event"


@attrs.frozen
class VariableChange:
    """A variable, or one node's share of it, that a step changed.

    Attributes:
        variable: its name.
        old: the whole value before the step; None if the node had none.
        new: the whole value after it; None if the node has none any more.
        parts: what changed, in few words.
    """

    variable: str
    old: Value
    new: Value
    parts: tuple[Change, ...]


@attrs.frozen
class MessageChange:
    """Copies of one message that a step put into the network or took from it.

    Attributes:
        how: `sent`, `copied` (by no node), `received`, `lost`, `removed` (it is not known why), or
            `handled` (an argument of the action that stays where it is).
        variable: the variable that holds it; empty for `handled`.
        message: the record.
        copies: how many.
        text: the message on one line.
    """

    how: str
    variable: str
    message: Value
    copies: int
    text: str


@attrs.frozen
class LaneStep:
    """One step: who acted, and what changed.

    Attributes:
        number: the number of the step, and of the state after it.
        action: the action's name; empty if the trace does not say.
        actor: the node that acted; None if none did, or it cannot be told.
        arguments: the action's other arguments, without those shown as messages, as (name, text).
        given: the action's arguments as the trace has them.
        nodes: node -> its variables that changed; an empty tuple if none did.
        shared: variables of no node that changed.
        messages: what became of messages.
        state: the state after the step.
        broke: whether this step broke the property that the trace violates.
    """

    number: int
    action: str
    actor: Value | None
    arguments: tuple[tuple[str, str], ...]
    given: immutabledict[str, Value]
    nodes: immutabledict[Value, tuple[VariableChange, ...]]
    shared: tuple[VariableChange, ...]
    messages: tuple[MessageChange, ...]
    state: State
    broke: bool


@attrs.frozen
class Difference:
    """A part in which the state found differs from the spec's; None where there is no such part."""

    part: str
    expected: Value
    found: Value


@attrs.frozen
class Lanes:
    """A trace, sorted into lanes.

    Attributes:
        trace: the trace.
        nodes: the nodes, in order; none if the trace has no lanes.
        per_node: the variables held per node.
        shared: the variables held by no node.
        networks: the variables that hold messages.
        steps: the steps.
        back: for a lasso, the step from the last state back to the loop's first.
        differing: where the violated step left the spec, the parts that differ.
        wording: how the trace's values are written.
    """

    trace: Trace
    nodes: tuple[Value, ...]
    per_node: tuple[str, ...]
    shared: tuple[str, ...]
    networks: tuple[str, ...]
    steps: tuple[LaneStep, ...]
    back: LaneStep | None
    differing: tuple[Difference, ...]
    wording: Wording


def lanes_of(trace: Trace) -> Lanes:
    """Arrange the trace in lanes."""
    columns = {name: [state[name] for state in trace.states if name in state] for name in trace.variables}
    columns = {name: values for name, values in columns.items() if not _repeats_action(name, values)}
    nodes = _nodes(columns, trace.steps)
    per_node = tuple(name for name, values in columns.items() if nodes and _is_per_node(values, nodes))
    networks = tuple(name for name, values in columns.items() if name not in per_node and _is_network(values))
    sorter = _Sorter(
        trace=trace,
        nodes=nodes,
        per_node=per_node,
        networks=networks,
        shared=tuple(name for name in columns if name not in (*per_node, *networks)),
        wording=Wording.of(message for name in networks for value in columns[name] for message in value),
    )
    return sorter.lanes()


# --- classification of variables ----------------------------------------------------------------


def _repeats_action(name: str, values: list[Value]) -> bool:
    return name == _EVENT and all(is_record(value) and "action" in value for value in values)


def _nodes(columns: dict[str, list[Value]], steps: tuple[Step, ...]) -> tuple[Value, ...]:
    """Return the most common domain of the variables that are functions on names."""
    domains = Counter(domain for values in columns.values() if (domain := _domain(values)))
    mentioned = frozenset(
        value for step in steps for value in step.arguments.values() if isinstance(value, str | ModelValue)
    )
    named = [
        domain
        for domain, count in domains.items()
        # A lone function on strings is a record, unless actions have its arguments.
        if count > 1 or domain & mentioned or all(isinstance(key, ModelValue) for key in domain)
    ]
    if not named:
        return ()
    # Ties go to names in actions, then to model values, then to the larger domain.
    best = max(
        named,
        key=lambda domain: (
            domains[domain],
            bool(domain & mentioned),
            all(isinstance(key, ModelValue) for key in domain),
            len(domain),
            [to_tla(key) for key in ordered(domain)],
        ),
    )
    return tuple(ordered(best))


def _domain(values: list[Value]) -> frozenset[Value] | None:
    """The set of names on which a variable is a function in every state; None if it is not one."""
    if not all(isinstance(value, immutabledict) for value in values):
        return None
    domains = {frozenset(value) for value in values}
    if len(domains) != 1:
        return None
    domain = domains.pop()
    one_kind = any(all(isinstance(key, kind) for key in domain) for kind in (ModelValue, str))
    return domain if one_kind and domain else None


def _is_per_node(values: list[Value], nodes: tuple[Value, ...]) -> bool:
    """Return whether a variable is a function on the nodes, or on some of them (the correct ones, say)."""
    domain = _domain(values)
    return domain is not None and domain <= frozenset(nodes)


def _is_network(values: list[Value]) -> bool:
    """Return whether a variable is always a bag of records, or a set of records that look like messages."""
    if not any(values) or not all(isinstance(value, immutabledict | frozenset | tuple) for value in values):
        return False
    filled = [value for value in values if value]
    if all(isinstance(value, immutabledict) for value in filled):
        return all(is_record(key) and type(count) is int for value in filled for key, count in value.items())
    if all(isinstance(value, frozenset) for value in filled):
        return all(
            is_record(member) and (kind_field(member) or ends(member)) for value in filled for member in value
        )
    return False


# --- changes of steps ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Sorter:
    trace: Trace
    nodes: tuple[Value, ...]
    per_node: tuple[str, ...]
    networks: tuple[str, ...]
    shared: tuple[str, ...]
    wording: Wording

    def lanes(self) -> Lanes:
        states = self.trace.states
        back = None
        if self.trace.loop is not None:
            end = Step("", immutabledict(), states[self.trace.loop])
            back = self._step(len(states), states[-1], end)
        return Lanes(
            trace=self.trace,
            nodes=self.nodes,
            per_node=self.per_node,
            shared=self.shared,
            networks=self.networks,
            steps=tuple(
                self._step(number, before, step)
                for number, (before, step) in enumerate(zip(states, self.trace.steps, strict=False), start=1)
            ),
            back=back,
            differing=tuple(self._differing()),
            wording=self.wording,
        )

    def _step(self, number: int, before: State, step: Step) -> LaneStep:
        nodes = immutabledict(
            (node, tuple(self._changes(self.per_node, _share(before, node), _share(step.state, node))))
            for node in self.nodes
        )
        actor_name, actor = self._actor(step, nodes)
        messages = tuple(self._messages(before, step, actor))
        shown = [change.message for change in messages]
        violation = self.trace.violation
        return LaneStep(
            number=number,
            action=step.action,
            actor=actor,
            arguments=tuple(
                (name, self.wording.item(value))
                for name, value in step.arguments.items()
                if name != actor_name and value not in shown
            ),
            given=step.arguments,
            nodes=nodes,
            shared=tuple(self._changes(self.shared, before, step.state)),
            messages=messages,
            state=step.state,
            broke=violation is not None and violation.step == number,
        )

    def _changes(self, names: Iterable[str], before: State, after: State) -> Iterator[VariableChange]:
        for name in names:
            old, new = before.get(name), after.get(name)
            if not same(old, new):
                yield VariableChange(name, old, new, self.wording.changes(name, old, new))

    def _actor(
        self, step: Step, nodes: immutabledict[Value, tuple[VariableChange, ...]]
    ) -> tuple[str | None, Value | None]:
        """The node that acts, and the argument that names it, if one does."""
        named = [name for name, value in step.arguments.items() if value in self.nodes]
        if named:
            name = min(named, key=lambda name: _ACTORS.index(name) if name in _ACTORS else len(_ACTORS))
            return name, step.arguments[name]
        changed = [node for node, changes in nodes.items() if changes]
        return None, changed[0] if len(changed) == 1 else None

    def _messages(self, before: State, step: Step, actor: Value | None) -> Iterator[MessageChange]:
        told = actor is not None or not step.arguments
        moved = []
        for name in self.networks:
            old, new = bag_of(before.get(name)), bag_of(step.state.get(name))
            lost = {message: old[message] - new[message] for message in old if old[message] > new[message]}
            gained = {message: new[message] - old[message] for message in new if new[message] > old[message]}
            moved += [*lost, *gained]
            for message in self._in_order(lost):
                how = self._why_gone(message, step, actor)
                yield MessageChange(how, name, message, lost[message], self.wording.message(message))
            for message in self._in_order(gained):
                how = "sent" if told or not old[message] else "copied"
                yield MessageChange(how, name, message, gained[message], self.wording.message(message))
        for value in step.arguments.values():
            if is_record(value) and (kind_field(value) or ends(value)) and value not in moved:
                yield MessageChange("handled", "", value, 1, self.wording.message(value))

    def _why_gone(self, message: Value, step: Step, actor: Value | None) -> str:
        way = ends(message)
        if actor is not None and (way is None or message[way[1]] == actor):
            return "received"
        return "lost" if step.arguments and actor is None else "removed"

    def _in_order(self, messages: Iterable[Value]) -> list[Value]:
        return sorted(messages, key=self.wording.message)

    def _differing(self) -> Iterator[Difference]:
        violation = self.trace.violation
        if violation is None or violation.expected is None or violation.step is None:
            return
        if not 0 <= violation.step <= len(self.trace):
            return
        found = self.trace.states[violation.step]
        for name in found:
            if name not in violation.expected or _repeats_action(name, [found[name]]):
                continue
            if name in self.networks:
                expected_bag, found_bag = bag_of(violation.expected[name]), bag_of(found[name])
                for message in self._in_order({*expected_bag, *found_bag}):
                    if expected_bag[message] != found_bag[message]:
                        part = f"copies of {self.wording.message(message)}"
                        yield Difference(part, expected_bag[message], found_bag[message])
            else:
                for part, left, right in differences(violation.expected[name], found[name], name):
                    yield Difference(part, left, right)


def _share(state: State, node: Value) -> State:
    """One node's share of the variables: those that have a value for it."""
    return immutabledict(
        (name, value[node])
        for name, value in state.items()
        if isinstance(value, immutabledict) and node in value
    )


def bag_of(value: Value) -> Counter[Value]:
    """Count the copies of each message in a network. An empty function is the empty tuple."""
    if isinstance(value, immutabledict):
        return Counter({message: count for message, count in value.items() if type(count) is int})
    return Counter(value if isinstance(value, frozenset) else ())


# --- for machines -------------------------------------------------------------------------------


def to_json(lanes: Lanes, *, only: int | None = None, full: bool = False) -> dict[str, Any]:
    """The lanes as JSON data. Values are texts in TLA+; `text` is for people.

    Args:
        lanes: the lanes.
        only: a step's number; other steps are left out, and the state is put in.
        full: put the whole state after each step in.
    """
    trace, violation = lanes.trace, lanes.trace.violation
    origin = attrs.asdict(trace.origin, recurse=False)
    return {
        "origin": {**origin, "versions": dict(trace.origin.versions)},
        "length": len(trace),
        "nodes": [str(to_tla(node)) for node in lanes.nodes],
        "variables": {
            "node": list(lanes.per_node),
            "shared": list(lanes.shared),
            "messages": list(lanes.networks),
        },
        "initial": _state_json(trace.initial),
        "steps": [
            _step_json(step, with_state=full or only is not None)
            for step in lanes.steps
            if only in {None, step.number}
        ],
        "loop": trace.loop,
        "violation": None
        if violation is None
        else {
            "property": violation.property,
            "step": violation.step,
            "explanation": list(violation.explanation),
            "differences": [
                {"part": each.part, "spec": _tla(each.expected), "system": _tla(each.found)}
                for each in lanes.differing
            ],
        },
    }


def _step_json(step: LaneStep, *, with_state: bool) -> dict[str, Any]:
    return {
        "number": step.number,
        "action": step.action,
        "node": _tla(step.actor),
        "arguments": {name: to_tla(value) for name, value in step.given.items()},
        "changes": {
            "nodes": {
                to_tla(node): _changes_json(changes) for node, changes in step.nodes.items() if changes
            },
            "shared": _changes_json(step.shared),
        },
        "messages": [
            {"how": each.how, "copies": each.copies, "message": to_tla(each.message), "text": each.text}
            for each in step.messages
        ],
        "violated": step.broke,
        **({"state": _state_json(step.state)} if with_state else {}),
    }


def _changes_json(changes: tuple[VariableChange, ...]) -> list[dict[str, Any]]:
    return [
        {
            "variable": change.variable,
            "old": _tla(change.old),
            "new": _tla(change.new),
            "text": [str(part) for part in change.parts],
        }
        for change in changes
    ]


def _state_json(state: State) -> dict[str, str]:
    return {name: to_tla(value) for name, value in state.items()}


def _tla(value: Value) -> str | None:
    return None if value is None else to_tla(value)
