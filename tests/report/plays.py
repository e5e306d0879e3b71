"""Traces for the tests of reports: two nodes playing ping-pong, a lamp, long games."""

from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, function

A, B = ModelValue("a"), ModelValue("b")
PING = immutabledict({"type": "Ping", "from": A, "to": B, "turn": 1})
PONG = immutabledict({"type": "Pong", "from": B, "to": A, "turn": 1})


def of(*states: dict[str, Any], actions: tuple[tuple[str, dict[str, Any]], ...] = (), **more: Any) -> Trace:
    """A trace through these states; its actions are unknown unless given."""
    named = actions or (("", {}),) * (len(states) - 1)
    return Trace(
        initial=immutabledict(states[0]),
        steps=tuple(
            Step(action, immutabledict(arguments), immutabledict(state))
            for (action, arguments), state in zip(named, states[1:], strict=True)
        ),
        origin=Origin(source="test"),
        **more,
    )


def court(turns: tuple[int, int], log: tuple[int, ...], net: dict[Any, int]) -> State:
    """The state of a ping-pong game: turns played, A's notes, balls in the air."""
    return immutabledict(
        turn=immutabledict({A: turns[0], B: turns[1]}),
        log=immutabledict({A: log, B: ()}),
        total=sum(turns),
        net=function(net),
    )


#: A serve, a copy of the ball, a return, another lost.
RUN = Trace(
    initial=court((0, 0), (), {}),
    steps=(
        Step("Serve", immutabledict(node=A, spin=3), court((1, 0), (), {PING: 1})),
        Step("DuplicateMessage", immutabledict(message=PING), court((1, 0), (), {PING: 2})),
        Step("HandlePing", immutabledict(node=B, message=PING), court((1, 1), (), {PING: 1, PONG: 1})),
        Step("DropMessage", immutabledict(message=PING), court((1, 1), (), {PONG: 1})),
        Step("HandlePong", immutabledict(node=A, message=PONG), court((1, 1), (1,), {})),
    ),
    origin=Origin(
        source="lockstep", spec="PingPong.tla", config="PingPong.cfg", seed=7, command="make verify"
    ),
)

#: The same, but b counted twice.
BROKEN = attrs.evolve(
    RUN,
    steps=(*RUN.steps[:2], Step("HandlePing", RUN.steps[2].arguments, court((1, 2), (), {PING: 1, PONG: 1}))),
    violation=Violation(
        property="conforms to PingPong",
        step=3,
        explanation=(
            "after HandlePing, 2 part(s) of the state differ:",
            "turn[b]: the spec has 1, the system has 2",
            "total: the spec has 2, the system has 3",
        ),
        expected=RUN.steps[2].state,
    ),
)

#: A lamp that goes on and off for ever, after it was plugged in.
LASSO = of(
    {"lit": False, "plugged": False},
    {"lit": False, "plugged": True},
    {"lit": True, "plugged": True},
    {"lit": False, "plugged": True},
    actions=(("Plug", {}), ("Switch", {}), ("Switch", {})),
    loop=1,
    violation=Violation(property="StaysLit", step=None, explanation=("it goes off again and again",)),
)


def long_game(steps: int, players: int = 5) -> Trace:
    """A game of so many steps; every tenth ball is lost and sent again."""
    nodes = [ModelValue(f"p{number}") for number in range(players)]
    hits = dict.fromkeys(nodes, 0)

    def state(ball: Any) -> State:
        return immutabledict(
            hits=immutabledict(hits), best=max(hits.values()), net=function({ball: 1} if ball else {})
        )

    def ball(number: int) -> Any:
        source, dest = nodes[number % players], nodes[(number + 1) % players]
        return immutabledict({"type": "Ball", "from": source, "to": dest, "round": number})

    initial = state(None)
    found, flying = [], None
    for number in range(steps):
        player = nodes[number % players]
        if number % 10 == 9:
            found.append(Step("DropMessage", immutabledict(message=flying), state(None)))
            flying = None
            continue
        hits[player] += 1
        arguments = {"node": player} if flying is None else {"node": player, "message": flying}
        action = "Serve" if flying is None else "Return"
        flying = ball(number)
        found.append(Step(action, immutabledict(arguments), state(flying)))
    return Trace(initial=initial, steps=tuple(found), origin=Origin(source="test", spec="Game.tla"))
