"""A second toy, `tests/specs/Relay.tla`, whose arguments depend on earlier steps; right and wrong systems."""

from collections.abc import Mapping

from immutabledict import immutabledict

from tests.conform.toys import oracle
from tlacheck.conform.replay import replay
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import ModelValue, Value

A, B, C = (ModelValue(name) for name in "abc")


def letter(node: ModelValue, number: int) -> dict[str, Value]:
    """The arguments with which this letter is delivered."""
    return {"letter": immutabledict({"from": node, "number": number})}


class Relay:
    """A correct relay."""

    variables = frozenset({"sent", "box", "got", "state"})

    def reset(self, initial: State) -> None:
        """Start where the spec does."""
        self.sent = 0
        self.box: set[Value] = set()
        self.got: dict[Value, int] = dict(initial["got"])
        self.state: dict[Value, str] = dict(initial["state"])

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        """Perform the action."""
        match action:
            case "Send":
                self.send(arguments["node"])
            case "Deliver":
                self.box.remove(arguments["letter"])
                self.deliver(arguments["letter"])
            case "Poll":
                self.state[arguments["node"]] = "polls"
            case "Answer":
                self.state[arguments["node"]] = "ready"
            case _:
                self.state[arguments["node"]] = "ready"
                self.got[arguments["node"]] = 0

    def send(self, node: Value) -> None:
        """Send a letter; overridden by wrong systems."""
        self.sent += 1
        self.state[node] = "waits"
        self.box.add(immutabledict({"from": node, "number": self.sent}))

    def deliver(self, letter: Value) -> None:
        """Deliver a letter; overridden by wrong systems."""
        self.got[letter["from"]] = letter["number"]

    def observe(self) -> State:
        """Return the whole state."""
        return immutabledict(
            sent=self.sent,
            box=frozenset(self.box),
            got=immutabledict(self.got),
            state=immutabledict(self.state),
        )


class LosesOfB(Relay):
    """Loses the letters of b."""

    def deliver(self, letter: Value) -> None:
        """Deliver a letter; overridden by wrong systems."""
        if letter["from"] != B:
            super().deliver(letter)


class SendsOnce(Relay):
    """Loses the second letter that a node sends."""

    def reset(self, initial: State) -> None:
        """Start where the spec does."""
        super().reset(initial)
        self.senders: set[Value] = set()

    def send(self, node: Value) -> None:
        """Send a letter; overridden by wrong systems."""
        super().send(node)
        if node in self.senders:
            self.box = {each for each in self.box if each["number"] != self.sent}
        self.senders.add(node)


def run(system: Relay, *calls: tuple[str, dict[str, Value]]) -> Trace:
    """The run of a system along the spec's behaviour with these actions and arguments."""
    judge = oracle("Relay", "Relay")
    (at,) = judge.initial_states()
    initial, steps = at.values, []
    for action, arguments in calls:
        (successor,) = judge.successors(at, action, arguments)
        at = successor.state
        steps.append(Step(action, immutabledict(arguments), at.values))
    origin = Origin(source="oracle", spec=str(judge.spec.path), config=str(judge.spec.config))
    return replay(Trace(initial=initial, steps=tuple(steps), origin=origin), system)
