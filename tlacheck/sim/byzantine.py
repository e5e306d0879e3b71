"""Byzantine nodes: their behaviours, as plug-ins that know no protocol.

A `Behaviour` is a small value that a scenario names. When a node becomes Byzantine, `begin` turns it
into an `ActiveBehaviour`, a function with whatever memory it needs, which is called after every step of the
node: it gets the `ByzantineContext` (the input, and an honest node's reaction) and returns the
`ByzantineAction` that happens instead: the state that the node keeps and the messages that leave it.

Tampered messages and false claims depend on the protocol: the user supplies them as functions (`alter`,
`claim`). The behaviours here decide only when, and towards whom.

| behaviour     | does                                                                               |
|---------------|------------------------------------------------------------------------------------|
| `Silent`      | sends nothing, to some or to all                                                   |
| `Equivocate`  | tells some peers something else than the others                                    |
| `Tamper`      | alters messages, now and then                                                      |
| `Replay`      | sends messages of the past again                                                   |
| `Lie`         | sends what it would send if its state were another                                 |
| `TwoCopies`   | is two nodes under one name, each of which hears and answers one side              |

A Byzantine node speaks in its own name only: the network identifies the sender of a message.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeAlias

import attrs

from tlacheck.errors import ConfigError

__all__ = [
    "ActiveBehaviour",
    "Behaviour",
    "ByzantineAction",
    "ByzantineContext",
    "Equivocate",
    "Lie",
    "Replay",
    "Send",
    "Silent",
    "Tamper",
    "TwoCopies",
]

_ALWAYS: Final = 1.0


@attrs.frozen
class Send:
    """A message and its receiver."""

    dest: str
    message: Any


@attrs.frozen
class ByzantineAction:
    """A node's reaction to one input.

    Attributes:
        state: the state that it keeps.
        sent: the messages that leave it, in order.
        is_taken: whether what else the honest step asks for (timers, disk, notifications) is carried out.
    """

    state: Any
    sent: tuple[Send, ...]
    is_taken: bool = True


@attrs.frozen(kw_only=True)
class ByzantineContext:
    """One step of a Byzantine node, as an honest node would take it.

    Attributes:
        node: its name.
        now_ms: the virtual time.
        sender: who sent the message that came in; None for a timer or a client.
        input: what the step is about, as the core made it of the message, the timer or the request.
        before: the state before the step.
        honest: what the protocol makes of it.
        instead: what the protocol would make of the same input in another state.
        random: the world's random numbers.
    """

    node: str
    now_ms: int
    sender: str | None
    input: Any = None
    before: Any
    honest: ByzantineAction
    instead: Callable[[Any], ByzantineAction]
    random: random.Random


#: The action of a Byzantine node in each step; with a memory of its own, if it needs one.
ActiveBehaviour: TypeAlias = Callable[[ByzantineContext], ByzantineAction]


class Behaviour(Protocol):
    """A way not to follow a protocol."""

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""


def _is_towards(send: Send, peers: frozenset[str] | None) -> bool:
    return peers is None or send.dest in peers


def _peers(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _side(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


def _chance(instance: Any, attribute: Any, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{attribute.name} of {type(instance).__name__} is {value:g}: give 0 to 1")


@attrs.frozen
class Silent:
    """Sends nothing to `towards`, or to anybody if that is None. It goes on listening."""

    towards: frozenset[str] | None = attrs.field(default=None, converter=_peers)

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = tuple(send for send in context.honest.sent if not _is_towards(send, self.towards))
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class Equivocate:
    """Tells the peers in `towards` something else than the others.

    Attributes:
        alter: what they are told instead of a message; the message itself for what stays as it is.
        towards: the peers who are told otherwise.
    """

    alter: Callable[[Any], Any]
    towards: frozenset[str] | None = attrs.field(converter=_peers)

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = tuple(
                Send(send.dest, self.alter(send.message)) if _is_towards(send, self.towards) else send
                for send in context.honest.sent
            )
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class Tamper:
    """Alters each message with some probability, drawn for each copy.

    Attributes:
        alter: what is sent instead, made of the message and random numbers.
        chance: how likely a message is altered, 0 to 1.

    Raises:
        ConfigError: if the chance is not one.
    """

    alter: Callable[[Any, random.Random], Any]
    chance: float = attrs.field(default=_ALWAYS, validator=_chance)

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = tuple(
                Send(send.dest, self.alter(send.message, context.random))
                if context.random.random() < self.chance
                else send
                for send in context.honest.sent
            )
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class Replay:
    """Resends a message of its past, after a step, with some probability.

    Unlike a network that duplicates, it repeats messages that are long over.

    Attributes:
        chance: how likely that is in each step, 0 to 1.
        remembered: how many of its oldest messages it chooses from.

    Raises:
        ConfigError: if the chance is not one.
    """

    chance: float = attrs.field(default=_ALWAYS, validator=_chance)
    remembered: int = 100

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""
        past: list[Send] = []

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = context.honest.sent
            if past and context.random.random() < self.chance:
                sent = (*sent, context.random.choice(past))
            past.extend(context.honest.sent[: max(0, self.remembered - len(past))])
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class Lie:
    """Lies about its state: it sends the messages of an honest node in another state.

    Attributes:
        claim: the state that it pretends to be in, made of the one that it is in.
    """

    claim: Callable[[Any], Any]

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            return ByzantineAction(context.honest.state, context.instead(self.claim(context.before)).sent)

        return act


@attrs.frozen
class TwoCopies:
    """Two copies of one identity: the second one hears and answers the peers in `side`, the first all others.

    Both start in the state in which the node became Byzantine. Neither hears what the other does,
    except timers and clients, which both hear. Timers, disk and notifications are those of the first.
    """

    side: frozenset[str] = attrs.field(converter=_side)

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""
        second: list[Any] = []

        def act(context: ByzantineContext) -> ByzantineAction:
            if not second:
                second.append(context.before)
            is_firsts = context.sender not in self.side
            first, sent = (context.honest.state, context.honest.sent) if is_firsts else (context.before, ())
            answers: tuple[Send, ...] = ()
            if context.sender is None or not is_firsts:
                action = context.instead(second[0])
                second[0], answers = action.state, action.sent
            return ByzantineAction(
                first,
                (
                    *(send for send in sent if send.dest not in self.side),
                    *(send for send in answers if send.dest in self.side),
                ),
                is_taken=is_firsts,
            )

        return act
