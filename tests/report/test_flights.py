"""Messages between the steps that sent and took them, and which steps are faults."""

from typing import Any

import pytest
from immutabledict import immutabledict

from tests.report.plays import PING, RUN, A, B, long_game, of
from tlacheck.report.faults import is_fault
from tlacheck.report.flights import Flight, flights_of
from tlacheck.report.lanes import lanes_of
from tlacheck.report.mermaid import render_mermaid
from tlacheck.trace import Trace, Violation
from tlacheck.values import function

STILL = immutabledict({A: 0, B: 0})


def ends(trace: Trace) -> list[tuple[int, int | None, str]]:
    return [(flight.sent, flight.taken, flight.how) for flight in flights_of(lanes_of(trace))]


def net(*counts: dict[Any, int], actions: Any = ()) -> Trace:
    return of(*({"turn": STILL, "net": function(each)} for each in counts), actions=actions)


def test_a_message_flies_from_its_sending_to_its_receiving_step() -> None:
    first, copy, answer = flights_of(lanes_of(RUN))
    assert first == Flight(text="Ping a→b turn=1", source=A, dest=B, sent=1, taken=3, how="received")
    assert (copy.sent, copy.taken, copy.how, copy.copied) == (2, 4, "lost", True)
    assert (answer.source, answer.dest, answer.sent, answer.taken) == (B, A, 3, 5)


def test_the_oldest_of_several_copies_is_received_first() -> None:
    take = ("Take", {"node": B, "m": PING})
    send = ("Send", {"node": A})
    trace = net({}, {PING: 1}, {PING: 2}, {PING: 1}, {}, actions=(send, send, take, take))
    assert ends(trace) == [(1, 3, "received"), (2, 4, "received")]


def test_an_initial_message_was_sent_before_the_first_step() -> None:
    assert ends(net({PING: 2}, {PING: 1}, actions=(("Take", {"node": B, "m": PING}),))) == [
        (0, 1, "received"),
        (0, None, "flying"),
    ]


def test_a_message_that_stays_flies_to_each_reading_step() -> None:
    kept = frozenset({PING})
    state = {"turn": STILL, "net": kept}
    read = ("Read", {"node": B, "m": PING})
    trace = of(
        {"turn": STILL, "net": frozenset()}, state, state, state, actions=(("Send", {"node": A}), read, read)
    )
    assert ends(trace) == [(1, 2, "handled"), (1, 3, "handled")]


def test_a_message_without_addresses_flies_between_the_actors() -> None:
    note = immutabledict({"type": "Note"})
    trace = net({}, {note: 1}, {}, actions=(("Write", {"node": A}), ("Read", {"node": B, "m": note})))
    (flight,) = flights_of(lanes_of(trace))
    assert (flight.source, flight.dest) == (A, B)


def test_an_address_without_a_lane_is_unknown() -> None:
    stranger = immutabledict({**PING, "from": "client"})
    (flight,) = flights_of(lanes_of(net({}, {stranger: 1}, actions=(("Ask", {"node": B}),))))
    assert (flight.source, flight.dest) == (None, B)


def test_every_message_of_a_long_game_has_both_ends() -> None:
    flights = flights_of(lanes_of(long_game(100)))
    assert len(flights) == 90
    assert {flight.how for flight in flights} == {"received", "lost"}
    assert all(flight.taken == flight.sent + 1 for flight in flights)


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        "Restart", "DropMessage", "NodeCrashes", "crash_node", "LoseUnsynced", "Partition",
        "HealPartition", "NetworkFailure",
    ],
)  # fmt: skip
def test_an_action_named_like_a_fault_is_a_fault(action: str) -> None:
    assert is_fault(lanes_of(of({"x": 0}, {"x": 1}, actions=((action, {}),))).steps[0])


@pytest.mark.parametrize(
    "action", ["", "Timeout", "HandleAck", "Forward", "TakeOver", "Close", "Stop", "RequestVote", "Unfold"]
)
def test_an_action_not_named_like_a_fault_is_none(action: str) -> None:
    assert not is_fault(lanes_of(of({"x": 0}, {"x": 1}, actions=((action, {}),))).steps[0])


def test_an_unexplained_loss_or_copy_is_a_fault() -> None:
    actions = (("Net", {"m": PING}), ("Net", {"m": PING}))
    steps = lanes_of(net({PING: 1}, {PING: 2}, {PING: 1}, actions=actions)).steps
    assert [is_fault(step) for step in steps] == [True, True]


# --- diagrams -----------------------------------------------------------------------------------


def test_a_diagram_shows_nodes_steps_and_messages() -> None:
    assert (
        render_mermaid(lanes_of(RUN))
        == """\
sequenceDiagram
    participant p0 as a
    participant p1 as b
    Note over p0: 1 Serve<br/>total 0 → 1<br/>turn 0 → 1
    Note over p0,p1: ⚡ 2 DuplicateMessage
    p0->>p1: Ping a→b turn=1 (from step 1)
    Note over p1: 3 HandlePing<br/>total 1 → 2<br/>turn 0 → 1
    p0-xp1: Ping a→b turn=1 (from step 2)
    Note over p0,p1: ⚡ 4 DropMessage
    p1->>p0: Pong b→a turn=1 (from step 3)
    Note over p0: 5 HandlePong<br/>log += 1
"""
    )


def test_a_diagram_has_the_loop_and_the_violation() -> None:
    broken = Violation(property="Nice", step=2)
    text = render_mermaid(lanes_of(of({"n": 0}, {"n": 1}, {"n": 2}, loop=1, violation=broken)))
    assert text.splitlines()[2:] == [
        "    Note over state: 1 (unnamed step)<br/>n 0 → 1",
        "    loop forever",
        "    Note over state: 2 (unnamed step)<br/>n 1 → 2",
        "    Note over state: ✗ Nice",
        "    Note over state: back to state 1",
        "    end",
    ]


def test_a_value_cannot_break_a_line_of_a_diagram() -> None:
    hostile = "x; end\nNote over p0: <b>#1;</b> %% A-->>B"
    text = render_mermaid(
        lanes_of(
            of(
                {"n": ""},
                {"n": hostile},
                actions=((hostile, {}),),
                violation=Violation(property=hostile, step=1),
            )
        )
    )
    assert len(text.splitlines()) == 4
    for char in ("<b>", "%%", "-->>", "x;"):
        assert char not in text
