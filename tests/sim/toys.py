"""Toy protocols, each in two versions: a careless one that one fault breaks, and a careful one.

A toy's effects are commands; its inputs carry a message and the reading of the node's clock. A function
of its nodes' outputs states its guarantee.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, Sync, Write

#: The result of a step: the next state and commands.
Outcome = tuple[Any, Iterable[Command]]


class Toy:
    """A core that does nothing; the toys below have a careful and a careless variant."""

    def __init__(self, *, careful: bool) -> None:
        self.careful = careful

    def start(self, node: str, disk: Disk) -> Outcome:
        del node, disk
        return None, ()

    def on_message(self, source: str, message: Any, clock_ms: int) -> Any:
        return ("message", source, message, clock_ms)

    def on_timer(self, name: Any, clock_ms: int) -> Any:
        return ("timer", name, None, clock_ms)

    def step(self, state: Any, inp: Any) -> Outcome:
        del inp
        return state, ()

    def commands(self, effect: Command) -> Iterable[Command]:
        return (effect,)


class Store(Toy):
    """Keeps a value. Careless: it does not sync before it says that the value is kept."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del node
        return None, (Notify(("holds", disk.read("value"))),)

    def step(self, state: Any, inp: Any) -> Outcome:
        return state, (Write("value", inp), *([Sync()] if self.careful else []), Notify(("kept", inp)))


class Pair(Toy):
    """Keeps two equal numbers. Careless: it trusts anything on its disk."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del node
        slots = [disk.read("even"), disk.read("odd")] if self.careful else [disk.read("pair")]
        whole = [
            slot for slot in slots if slot and (not self.careful or slot.get("left") == slot.get("right"))
        ]
        newest = max(whole, key=lambda slot: int(slot["left"]), default=None)
        return None, (Notify(("holds", newest and (newest["left"], newest["right"]))),)

    def step(self, state: Any, inp: Any) -> Outcome:
        slot = ("odd" if inp % 2 else "even") if self.careful else "pair"
        return state, (Write(slot, {"left": inp, "right": inp}), Sync(), Notify(("kept", inp)))


class Voter(Toy):
    """`v` votes once, for the first to ask. Careless: it sends its vote before it is on disk."""

    def start(self, node: str, disk: Disk) -> Outcome:
        asks = {"a": 10, "b": 100}
        return disk.read("vote"), (SetTimer("ask", asks[node]),) if node in asks else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        match inp:
            case ("timer", "ask", _, _):
                return state, (Send("v", "ask"),)
            case ("message", source, "ask", _) if state in (None, source):
                vote = (Write("vote", source), Sync())
                answer = (Send(source, "yes"),)
                return source, (*vote, *answer) if self.careful else (*answer, *vote)
            case ("message", _, "yes", _):
                return state, (Notify("elected"),)
        return state, ()


class Courier(Toy):
    """`a` delivers a parcel to `b`. Careless: it sends it once, and `b` counts each copy."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return 0, (SetTimer("send", 5),) if node == "a" else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        match inp:
            case ("timer", "send", _, _) if self.careful:
                return state, (Send("b", "parcel"), SetTimer("send", 40)) if not state else ()
            case ("timer", "send", _, _):
                return state, (Send("b", "parcel"),)
            case ("message", source, "parcel", _):
                fresh = not (self.careful and state)
                return state + 1, (*([Notify("parcel")] if fresh else []), Send(source, "thanks"))
            case ("message", _, "thanks", _):
                return 1, ()
        return state, ()


class Register(Toy):
    """`a` sends 1, then 2, and `b` shows the latest. Careless: the one that came last."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return 0, (SetTimer(1, 5), SetTimer(2, 10), SetTimer("idle", 200)) if node == "a" else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        match inp:
            case ("timer", int() as value, _, _):
                return state, (Send("b", value),)
            case ("message", _, value, _):
                shown = max(state, value) if self.careful else value
                return shown, (Notify(shown),)
        return state, ()


class Primary(Toy):
    """The least of the connected nodes leads, with a majority of three.

    Careless: a node counts the nodes that it hears, not those that hear it, and does not wait until the
    previous leader must have noticed. `alone` needs no majority.
    """

    def __init__(self, *, careful: bool, alone: bool = False) -> None:
        super().__init__(careful=careful)
        self.alone = alone

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return (node, frozenset(), frozenset(), frozenset()), (SetTimer("beat", 20), SetTimer("check", 100))

    def step(self, state: Any, inp: Any) -> Outcome:
        me, heard, mutual, before = state
        match inp:
            case ("timer", "beat", _, _):
                peers = [peer for peer in "abc" if peer != me]
                return state, (*(Send(peer, heard | before) for peer in peers), SetTimer("beat", 20))
            case ("message", source, its, _):
                return (
                    me,
                    heard | {source},
                    mutual | {source} if me in its else mutual - {source},
                    before,
                ), ()
            case _:
                near = heard | before if self.careful else heard
                followers = mutual if self.careful else heard
                leads = min({me, *near}) == me and (self.alone or bool(followers))
                told = [Notify("leads")] if leads else []
                return (me, frozenset(), frozenset(), heard), (*told, SetTimer("check", 100))


class Lease(Toy):
    """`a` may write to `c` before 100 ms, `b` from 120 ms on. Careless: `c` trusts their clocks."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return (node, 0), () if node == "c" else (SetTimer("look", 20 if node == "a" else 120),)

    def step(self, state: Any, inp: Any) -> Outcome:
        me, token = state
        match inp:
            case ("timer", "look", _, clock_ms) if me == "b" or clock_ms < 100:
                return state, (SetTimer("write", 5), SetTimer("look", 20))
            case ("timer", "write", _, _):
                return state, (Send("c", 1 if me == "a" else 2),)
            case ("message", source, its, _) if its >= token or not self.careful:
                return (me, max(token, its)), (Notify(source),)
        return state, ()


class Broadcast(Toy):
    """`a` broadcasts a value to b, c and d. Careless: they accept it without comparing."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return (node, (), False), (SetTimer("send", 5),) if node == "a" else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        me, echoes, done = state
        others = [peer for peer in "bcd" if peer != me]
        match inp:
            case ("timer", _, _, _):
                return state, [Send(peer, ("value", "x")) for peer in others]
            case ("message", "a", ("value", value), _) if not self.careful:
                return (me, echoes, True), () if done else (Notify(value),)
            case ("message", "a", ("value", value), _):
                return self._count(
                    (me, (*echoes, (me, value)), done), [Send(p, ("echo", value)) for p in others]
                )
            case ("message", source, ("echo", value), _):
                return self._count((me, (*echoes, (source, value)), done), [])
        return state, ()

    def _count(self, state: Any, sent: list[Send]) -> Outcome:
        me, echoes, done = state
        votes = Counter(value for _, value in {*echoes})
        chosen = [value for value in sorted(votes) if votes[value] >= 2]
        return (me, echoes, done or bool(chosen)), [
            *sent,
            *([Notify(chosen[0])] if chosen and not done else []),
        ]


class Poll(Toy):
    """`a` polls b, c and d for their common number. Careless: it takes the greatest answer."""

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        return ((), 7), (SetTimer("ask", 5),) if node == "a" else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        answers, number = state
        match inp:
            case ("timer", _, _, _):
                return state, [Send(peer, "ask") for peer in "bcd"]
            case ("message", source, "ask", _):
                return state, (Send(source, number),)
            case ("message", _, answer, _):
                answers = (*answers, answer)
                if len(answers) < 3:
                    return (answers, number), ()
                chosen = Counter(answers).most_common(1)[0][0] if self.careful else max(answers)
                return (answers, number), (Notify(chosen),)
        return state, ()


class Election(Toy):
    """x and y want the votes of the others. Careless: two of three votes elect, though one voter may lie.

    x reaches d first, y reaches e; of four voters that are asked, three must agree.
    """

    @property
    def voters(self) -> str:
        return "adef" if self.careful else "ade"

    def start(self, node: str, disk: Disk) -> Outcome:
        del disk
        first = {"x": "ad", "y": "ae"}
        return (node, frozenset()), (SetTimer(first[node], 5), SetTimer("adef", 60)) if node in first else ()

    def step(self, state: Any, inp: Any) -> Outcome:
        me, votes = state
        match inp:
            case ("timer", peers, _, _):
                return state, [Send(peer, "ask") for peer in peers if peer in self.voters]
            case ("message", source, "ask", _) if not votes or source in votes:
                return (me, frozenset({source})), (Send(source, "yes"),)
            case ("message", source, "yes", _):
                needed = 3 if self.careful else 2
                told = [Notify("elected")] if len(votes) < needed <= len(votes | {source}) else []
                return (me, votes | {source}), told
        return state, ()
