"""Traces sorted into lanes: roles of variables, actors, changes and messages."""

from typing import Any

import pytest
from hypothesis import given
from immutabledict import immutabledict

from tests.strategies import traces, values
from tlacheck.report.compact import Wording
from tlacheck.report.lanes import Lanes, LaneStep, lanes_of, to_json
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.values import ModelValue, function, same

A, B, X = ModelValue("a"), ModelValue("b"), ModelValue("x")
PING = immutabledict({"type": "Ping", "from": A, "to": B, "turn": 1})
PONG = immutabledict({"type": "Pong", "from": B, "to": A, "turn": 1, "seen": (1,)})


def trace(
    *states: dict[str, Any], actions: tuple[tuple[str, dict[str, Any]], ...] = (), **more: Any
) -> Trace:
    """A trace of these states; steps may have no known action."""
    named = (*actions, *[("", {})] * (len(states) - 1 - len(actions)))
    return Trace(
        initial=immutabledict(states[0]),
        steps=tuple(
            Step(action, immutabledict(arguments), immutabledict(state))
            for (action, arguments), state in zip(named, states[1:], strict=True)
        ),
        origin=Origin(source="test"),
        **more,
    )


def by_node(a: Any, b: Any) -> Any:
    return immutabledict({A: a, B: b})


def only_step(before: dict[str, Any], after: dict[str, Any], action: str = "", **arguments: Any) -> LaneStep:
    return lanes_of(trace(before, after, actions=((action, arguments),))).steps[0]


def changes(old: Any, new: Any) -> list[str]:
    return [str(change) for change in Wording().changes("v", old, new)]


# --- roles of variables -------------------------------------------------------------------------


def test_variables_on_the_same_names_are_lanes_and_the_others_are_shared() -> None:
    lanes = lanes_of(trace({"turn": by_node(0, 0), "done": by_node(False, True), "total": 0, "net": ()}))
    assert lanes.nodes == (A, B)
    assert lanes.per_node == ("turn", "done")
    assert lanes.shared == ("total", "net")


def test_the_most_common_set_of_names_wins() -> None:
    values = immutabledict({X: 1})
    lanes = lanes_of(trace({"stock": values, "turn": by_node(0, 0), "done": by_node(1, 1)}))
    assert lanes.nodes == (A, B)
    assert lanes.shared == ("stock",)


def test_a_variable_on_some_of_the_nodes_is_per_node_too() -> None:
    state = {"turn": by_node(0, 0), "done": by_node(1, 1), "honest": immutabledict({A: 5})}
    lanes = lanes_of(trace(state, {**state, "honest": immutabledict({A: 6})}))
    assert lanes.per_node == ("turn", "done", "honest")
    assert [str(part) for change in lanes.steps[0].nodes[A] for part in change.parts] == ["honest 5 → 6"]
    assert lanes.steps[0].nodes[B] == ()


def test_a_lone_record_makes_no_lanes() -> None:
    assert lanes_of(trace({"clock": immutabledict(hour=1, minute=2)})).nodes == ()


def test_a_lone_function_on_strings_makes_lanes_if_actions_name_them() -> None:
    state = {"clock": immutabledict(p=1, q=2)}
    lanes = lanes_of(trace(state, state, actions=(("Tick", {"node": "p"}),)))
    assert lanes.nodes == ("p", "q")


def test_a_function_whose_domain_changes_makes_no_lanes() -> None:
    lanes = lanes_of(trace({"sessions": immutabledict({A: 1})}, {"sessions": by_node(1, 1)}))
    assert lanes.nodes == ()
    assert [str(part) for part in lanes.steps[0].shared[0].parts] == ["sessions[b] (absent) → 1"]


def test_a_network_is_a_bag_or_set_of_messages() -> None:
    history = frozenset({immutabledict(turn=1, leader=A)})
    lanes = lanes_of(
        trace(
            {"bag": (), "set": frozenset({PING}), "history": history},
            {"bag": immutabledict({PING: 2}), "set": frozenset(), "history": history},
        )
    )
    assert lanes.networks == ("bag", "set")
    assert lanes.shared == ("history",)


def test_the_variable_that_repeats_action_and_arguments_is_left_out() -> None:
    event = immutabledict(action="Init")
    assert lanes_of(trace({"event": event, "n": 1})).shared == ("n",)
    assert lanes_of(trace({"event": 5, "n": 1})).shared == ("event", "n")


# --- actors -------------------------------------------------------------------------------------


def test_the_argument_called_node_acts_before_other_nodes() -> None:
    step = only_step({"turn": by_node(0, 0)}, {"turn": by_node(0, 1)}, "Call", callee=A, node=B, value=3)
    assert step.actor == B
    assert step.arguments == (("callee", "a"), ("value", "3"))


def test_without_arguments_the_only_node_that_changed_acts() -> None:
    assert only_step({"turn": by_node(0, 0)}, {"turn": by_node(0, 1)}).actor == B
    assert only_step({"turn": by_node(0, 0)}, {"turn": by_node(1, 1)}).actor is None


# --- messages -----------------------------------------------------------------------------------


def test_a_message_is_one_line_with_its_kind_first() -> None:
    lanes = lanes_of(trace({"turn": by_node(0, 0), "net": immutabledict({PING: 1, PONG: 1})}))
    assert lanes.wording.message(PING) == "Ping a→b turn=1"
    assert lanes.wording.message(PONG) == "Pong b→a turn=1 seen=<<1>>"


def test_a_node_receives_removed_and_sends_added_messages() -> None:
    step = only_step(
        {"turn": by_node(0, 0), "net": immutabledict({PING: 1})},
        {"turn": by_node(0, 1), "net": immutabledict({PONG: 2})},
        "HandlePing",
        node=B,
        message=PING,
    )
    assert [(each.how, each.text, each.copies) for each in step.messages] == [
        ("received", "Ping a→b turn=1", 1),
        ("sent", "Pong b→a turn=1 seen=<<1>>", 2),
    ]
    assert step.arguments == (), "the message is shown once"


@pytest.mark.parametrize(("before", "after", "how"), [(1, 2, "copied"), (2, 1, "lost")])
def test_a_message_lost_or_copied_is_neither_sent_nor_received(before: int, after: int, how: str) -> None:
    turn = by_node(0, 0)
    step = only_step(
        {"turn": turn, "net": immutabledict({PING: before})},
        {"turn": turn, "net": immutabledict({PING: after})},
        "Fault",
        m=PING,
    )
    assert [each.how for each in step.messages] == [how]


def test_without_arguments_a_removed_message_has_no_reason() -> None:
    turn = by_node(0, 0)
    step = only_step({"turn": turn, "net": frozenset({PING})}, {"turn": turn, "net": frozenset()})
    assert [each.how for each in step.messages] == ["removed"]


def test_a_message_that_stays_in_the_network_is_handled() -> None:
    net = frozenset({PING})
    step = only_step(
        {"turn": by_node(0, 0), "net": net}, {"turn": by_node(0, 1), "net": net}, "Handle", node=B, m=PING
    )
    assert [each.how for each in step.messages] == ["handled"]


# --- descriptions of changes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, ["v 1 → 2"]),
        ("Follower", "Leader", ["v Follower → Leader"]),
        ("TRUE", True, ['v "TRUE" → TRUE']),
        ("n1", ModelValue("n1"), ['v "n1" → n1']),
        ((), (immutabledict(term=1, value=X),), ["v += [term=1, value=x]"]),
        ((1, 2, 3), (1,), ["v -= last 2, 3"]),
        ((1, 2, 3), (2, 3), ["v -= first 1"]),
        ((1, 2, 3), (), ["v <<1, 2, 3>> → <<>>"]),
        ((11111111, 2), (11111111, 3, 4), ["v[2..] <<2>> → <<3, 4>>"]),
        ((1, 2), (1, 5), ["v[2] 2 → 5"]),
        (frozenset({1, 2, 3, 4}), frozenset({2, 3, 4, 5}), ["v -= 1", "v += 5"]),
        (frozenset({1}), frozenset({2}), ["v {1} → {2}"]),
        (frozenset({A}), frozenset(), ["v {a} → {}"]),
        (by_node(1, 2), by_node(1, 3), ["v[b] 2 → 3"]),
        (by_node((), 2), by_node((7,), 2), ["v[a] += 7"]),
        (immutabledict(x=1, y=(1, 2)), immutabledict(x=1, y=(1, 2, 3)), ["v.y += 3"]),
        (immutabledict({A: 1}), by_node(1, 2), ["v[b] (absent) → 2"]),
        (by_node(by_node(1, 1), by_node(1, 1)), by_node(by_node(1, 2), by_node(1, 1)), ["v[a][b] 1 → 2"]),
        (((1,), (2, 3)), ((1,), (2, 3, 4)), ["v[2] += 4"]),
        (frozenset({frozenset()}), frozenset({frozenset(), frozenset({A})}), ["v += {a}"]),
        ((), immutabledict({PING: 1}), ["v <<>> → ([Ping a→b turn=1]: 1)"]),
        (frozenset(), frozenset({PING}), ["v += Ping a→b turn=1"]),
    ],
)
def test_a_change_is_described_by_its_smallest_part(old: Any, new: Any, expected: list[str]) -> None:
    assert changes(old, new) == expected


@given(values, values)
def test_a_change_is_described_exactly_if_there_is_one(old: Any, new: Any) -> None:
    said = changes(old, new)
    assert bool(said) == (not same(old, new))


def test_a_changed_value_is_shown_whole_if_shorter() -> None:
    assert changes((1, 2, 3), (4, 5, 6)) == ["v <<1, 2, 3>> → <<4, 5, 6>>"]


# --- violations, lassos, JSON -------------------------------------------------------------------


def broken() -> Lanes:
    before = {"turn": by_node(0, 0), "net": function({PING: 1})}
    after = {"turn": by_node(0, 2), "net": function({PONG: 1})}
    violation = Violation(
        property="conforms to PingPong",
        step=1,
        explanation=("2 parts differ:",),
        expected=immutabledict(turn=by_node(0, 1), net=function({PONG: 2})),
    )
    return lanes_of(
        trace(before, after, actions=(("HandlePing", {"node": B, "message": PING}),), violation=violation)
    )


def test_the_parts_that_diverged_from_the_spec_are_named() -> None:
    lanes = broken()
    assert lanes.steps[0].broke
    assert [(each.part, each.expected, each.found) for each in lanes.differing] == [
        ("turn[b]", 1, 2),
        ("copies of Pong b→a turn=1 seen=<<1>>", 2, 1),
    ]


def test_a_lasso_has_a_step_back() -> None:
    lanes = lanes_of(trace({"n": 0}, {"n": 1}, {"n": 2}, loop=1))
    assert lanes.back
    assert [str(part) for change in lanes.back.shared for part in change.parts] == ["n 2 → 1"]


def test_the_json_form_has_values_in_tla() -> None:
    assert to_json(broken()) == {
        "origin": {
            "source": "test",
            "spec": "",
            "config": "",
            "engine": "",
            "seed": None,
            "command": "",
            "versions": {},
        },
        "length": 1,
        "nodes": ["a", "b"],
        "variables": {"node": ["turn"], "shared": [], "messages": ["net"]},
        "initial": {
            "turn": "(a :> 0 @@ b :> 0)",
            "net": '([from |-> a, to |-> b, turn |-> 1, type |-> "Ping"] :> 1)',
        },
        "steps": [
            {
                "number": 1,
                "action": "HandlePing",
                "node": "b",
                "arguments": {"node": "b", "message": '[from |-> a, to |-> b, turn |-> 1, type |-> "Ping"]'},
                "changes": {
                    "nodes": {"b": [{"variable": "turn", "old": "0", "new": "2", "text": ["turn 0 → 2"]}]},
                    "shared": [],
                },
                "messages": [
                    {
                        "how": "received",
                        "copies": 1,
                        "message": '[from |-> a, to |-> b, turn |-> 1, type |-> "Ping"]',
                        "text": "Ping a→b turn=1",
                    },
                    {
                        "how": "sent",
                        "copies": 1,
                        "message": '[from |-> b, seen |-> <<1>>, to |-> a, turn |-> 1, type |-> "Pong"]',
                        "text": "Pong b→a turn=1 seen=<<1>>",
                    },
                ],
                "violated": True,
            }
        ],
        "loop": None,
        "violation": {
            "property": "conforms to PingPong",
            "step": 1,
            "explanation": ["2 parts differ:"],
            "differences": [
                {"part": "turn[b]", "spec": "1", "system": "2"},
                {"part": "copies of Pong b→a turn=1 seen=<<1>>", "spec": "2", "system": "1"},
            ],
        },
    }


@given(traces())
def test_every_trace_has_lanes_and_a_json_form(any_trace: Trace) -> None:
    lanes = lanes_of(any_trace)
    assert len(lanes.steps) == len(any_trace) == to_json(lanes)["length"]
    assert len(to_json(lanes, only=1)["steps"]) == min(1, len(any_trace))
