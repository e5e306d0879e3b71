"""What traitors do in simulated clusters of the hybrid: strategies by name, each within what signatures do not forbid.

All traitors of a run conspire: they share a `Den`, know each other's keys and no others. A strategy is a `Behaviour` of
`tlacheck.sim`: it is shown what an honest replica would send, and sends something else.

| strategy              | a traitor                                                                              |
|-----------------------|----------------------------------------------------------------------------------------|
| `silence`             | says nothing                                                                           |
| `selective sending`   | says nothing to half of the others                                                     |
| `delay`               | says everything too late                                                               |
| `two copies`          | is two replicas under one name, each of which knows one half                           |
| `replay`              | says again what was said before, in other epochs too                                   |
| `split entries`       | as a leader tells half of the others of other entries, acks both chains, and makes seals of what comes back |
| `starved clients`     | as a leader puts no request into any log                                               |
| `tampered entries`    | as a leader changes what clients asked for                                              |
| `long chains`         | as a leader repeats requests without end                                               |
| `usurped terms`       | sends entries in terms that it was not elected for, in the place of others             |
| `huge terms`          | asks for votes in terms far beyond                                                     |
| `votes for everybody` | grants each vote, in each term                                                         |
| `false acks`          | acks something else towards half of the others                                         |
| `acks for anything`   | acks whatever others acked                                                             |
| `withheld seals`      | shows no seal to half of the others, and makes some itself later                       |
| `lone seals`          | as a leader shows seals to one other only, stops with none, and asks for a close without that one |
| `old stops`           | stops with an older seal than it holds, or with none, and with different ones          |
| `threat stops`        | stops each epoch at once, because of a threat                                          |
| `never stops`         | goes on in an epoch after it was to stop                                               |
| `stays behind`        | does not go into the next epoch                                                        |
| `calm at once`        | is calm in each BFT epoch at once                                                      |
| `never calm`          | never is                                                                               |
| `false scores`        | states the greatest score, none, or one after the other                                |
| `bad switches`        | asks the book for switches with too few stops or calms, of others, twice, with other chains |
| `false answers`       | tells clients of other results, terms and epochs                                       |
| `false matches`       | tells leaders that it holds what it does not                                           |
| `forgery`             | says things in the names of others                                                     |
| `malformed messages`  | sends what is no message                                                               |
| `framing`             | shows proofs against others that prove nothing                                         |
| `mutation`            | changes one field of each message by a little, and signs half of them anew             |
| `pbft: ...`           | does to PBFT what `property_tests.pbft.strategies` says, among it during switches      |
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft, raft
from impl.guard import Evidence
from impl.hybrid import rules
from impl.hybrid.book import calm_value, stop_value
from impl.hybrid.chain import link_value
from impl.pbft.shapes import MESSAGES as PBFT_MESSAGES
from property_tests.hybrid.hosting import Hosted
from property_tests.pbft.strategies import Den as PbftDen
from property_tests.pbft.strategies import behaviours as pbft_behaviours
from property_tests.pbft.strategies import mutated
from tlacheck.sim import Behaviour, Deed, Mask, Moment, Replay, Send, Silent, TwoCopies

__all__ = ["LOUD", "QUIET", "STRATEGIES", "Den", "behaviours"]

#: How many steps of its own a traitor that delays holds a message back.
_LATE_STEPS: Final = 40
#: How likely a traitor of the strategies that add messages does so in a step.
_SOMETIMES: Final = 0.2

_ELSEWHERE: Final = "0" * 64

#: From what length on a chain of repetitions is sealed: more at once than the chain with which an epoch ends.
_LONG: Final = 100

#: What of PBFT's strategies is of interest here.
_OF_PBFT: Final = (
    "split proposals",
    "split commits",
    "stale certificates",
    "hasty view changes",
    "wrong new views",
    "tampered batches",
    "wrong states",
)


class Den:
    """What the traitors of a run share.

    Args:
        configs: by name, the configurations of all replicas; of the traitors' the keys are used.
        traitors: who they are.

    Attributes:
        used: how often each strategy sent something else than an honest replica, by `strategy: NAME`.
        honest: the names of the others.
        deceived: the honest ones who are told something else.
        seals: of each epoch the seals that a traitor held, with their chains, from the first on.
        stops: by epoch and source, the stops that were heard, with their chains.
        calms: by epoch and source, the calms that were heard.
        acks: by place and source, the acks that were heard.
    """

    def __init__(self, configs: Mapping[str, hybrid.Config], traitors: Iterable[str]) -> None:
        self.used: Counter[str] = Counter()
        self.traitors = frozenset(traitors)
        self.honest = tuple(name for name in configs if name not in self.traitors)
        self.deceived = frozenset(self.honest[len(self.honest) // 2 :])
        self.seals: dict[int, list[tuple[hybrid.Seal, tuple[hybrid.Link, ...]]]] = {}
        self.stops: dict[int, dict[str, hybrid.Stopped]] = {}
        self.calms: dict[int, dict[str, hybrid.Calm]] = {}
        self.acks: dict[tuple[int, int, int, str], dict[str, hybrid.Ack]] = {}
        self.configs = dict(configs)
        self._scores: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def listen(self, node: hybrid.Node) -> None:
        """Remember what a traitor heard."""
        for stopped in node.stops.values():
            self.stops.setdefault(stopped.stop.epoch, {})[stopped.stop.source] = stopped
        for calm in node.calms.values():
            self.calms.setdefault(calm.epoch, {})[calm.source] = calm
        for ack in node.heard.values():
            place = ack.epoch, ack.term, ack.index, ack.digest
            self.acks.setdefault(place, {})[ack.source] = ack
        held = node.raft_epoch.held if node.raft_epoch is not None else None
        if node.raft_epoch is not None and held is not None:
            known = self.seals.setdefault(node.raft_epoch.epoch, [])
            if not known or known[-1][0] != held:
                known.append((held, node.raft_epoch.chain))

    def signed(self, message: Any) -> Any:
        """The message with its sender's signature, if that is a traitor and it can be signed; else as it is."""
        if isinstance(message, hybrid.Stopped):
            return attrs.evolve(message, stop=self.signed(message.stop))
        source = getattr(message, "source", None)
        if isinstance(message, pbft.Request):
            source = message.client
        if not isinstance(source, str) or source not in self.traitors:
            return message
        keys = self.configs[source].keys
        try:
            if type(message) in PBFT_MESSAGES:
                return pbft.signed(message, keys)
            return hybrid.signed(message, keys)
        except (AttributeError, TypeError, ValueError):  # what has no canonical bytes has no signature
            return message

    def sealed(self, place: tuple[int, int, int, str]) -> hybrid.Seal | None:
        """A seal of what was heard for a place and what all traitors add; None if that is not enough."""
        epoch, term, index, digest = place
        about: dict[str, Any] = {"epoch": epoch, "term": term, "index": index, "digest": digest}
        given = dict(self.acks.get(place, {}))
        for traitor in self.traitors:
            given[traitor] = self.signed(hybrid.Ack(source=traitor, **about))
        acks = tuple(given[source] for source in sorted(given))
        one = next(iter(self.configs.values()))
        return hybrid.Seal(acks=acks, **about) if len(acks) > one.n // 2 else None

    def request(self, traitor: str, node: hybrid.Node, operation: Any) -> pbft.Request:
        """A request of a traitor to the book, later than all before."""
        self._asked[traitor] = max(self._asked[traitor] + 1, (node.pbft.durable.executed + 1) * 10)
        request = pbft.Request(client=traitor, timestamp=self._asked[traitor], operation=operation)
        signed: pbft.Request = self.signed(request)
        return signed

    def score_number(self, traitor: str) -> int:
        """The next number of a traitor's statements."""
        self._scores[traitor] += 1_000
        return self._scores[traitor]


#: What is sent instead of what an honest replica sends.
_Scheme: TypeAlias = Callable[[Den, Moment], tuple[Send, ...]]


@attrs.frozen
class _Strategy:
    """A scheme under its name."""

    name: str
    den: Den
    scheme: _Scheme

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""

        def mask(moment: Moment) -> Deed:
            self.den.listen(moment.honest.state.node)
            sent = self.scheme(self.den, moment)
            self.den.used[f"strategy: {self.name}"] += sent != moment.honest.sent
            return Deed(moment.honest.state, sent)

        return mask


@attrs.frozen
class _Counted:
    """A behaviour, and how often it makes a difference."""

    name: str
    den: Den
    behaviour: Behaviour

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""
        inner = self.behaviour.begin()

        def mask(moment: Moment) -> Deed:
            deed = inner(moment)
            is_other = deed.sent != moment.honest.sent or deed.state is not moment.honest.state
            self.den.used[f"strategy: {self.name}"] += is_other
            return deed

        return mask


@attrs.frozen
class _Late:
    """Sends everything, so many of its own steps later."""

    steps: int

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""
        held: list[tuple[Send, ...]] = []

        def mask(moment: Moment) -> Deed:
            held.append(moment.honest.sent)
            sent = held.pop(0) if len(held) > self.steps else ()
            return Deed(moment.honest.state, sent)

        return mask


@attrs.frozen
class _NeverStops:
    """Goes on in a Raft epoch: it forgets each stop as soon as it made it."""

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""

        def mask(moment: Moment) -> Deed:
            hosted: Hosted = moment.honest.state
            epoch = hosted.node.raft_epoch
            if epoch is None or epoch.stopped is None:
                return moment.honest
            node = attrs.evolve(hosted.node, raft_epoch=attrs.evolve(epoch, stopped=None))
            sent = tuple(send for send in moment.honest.sent if not isinstance(send.message, hybrid.Stopped))
            return Deed(attrs.evolve(hosted, node=node), sent)

        return mask


@attrs.frozen
class _StaysBehind:
    """Does not take a step into the next epoch, most of the time."""

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""

        def mask(moment: Moment) -> Deed:
            is_next = moment.before.node.epoch != moment.honest.state.node.epoch
            if is_next and moment.random.random() > _SOMETIMES / 10:
                return Deed(moment.before, (), is_taken=False)
            return moment.honest

        return mask


@attrs.frozen
class _View:
    """A replica of PBFT, where the strategies of PBFT look for it."""

    node: pbft.Node


@attrs.frozen
class _OfPbft:
    """A strategy of `property_tests.pbft.strategies`, which sees PBFT's part of the replica only."""

    behaviour: Behaviour

    def begin(self) -> Mask:
        """The behaviour of one traitor, from now on."""
        inner = self.behaviour.begin()

        def mask(moment: Moment) -> Deed:
            honest = Deed(_View(moment.honest.state.node.pbft), moment.honest.sent)
            deed = inner(attrs.evolve(moment, before=_View(moment.before.node.pbft), honest=honest))
            return Deed(moment.honest.state, deed.sent)

        return mask


def behaviours(den: Den) -> dict[str, Behaviour]:
    """All strategies by name, for the traitors of a den."""
    of_pbft = pbft_behaviours(PbftDen({name: each.pbft for name, each in den.configs.items()}, den.traitors))
    whole: dict[str, Behaviour] = {
        "silence": Silent(),
        "selective sending": Silent(den.deceived),
        "delay": _Late(_LATE_STEPS),
        "two copies": TwoCopies(den.deceived),
        "replay": Replay(_SOMETIMES, remembered=300),
        "never stops": _NeverStops(),
        "stays behind": _StaysBehind(),
        **{f"pbft: {name}": _OfPbft(of_pbft[name]) for name in _OF_PBFT},
    }
    found: dict[str, Behaviour] = {name: _Counted(name, den, behaviour) for name, behaviour in whole.items()}
    return found | {name: _Strategy(name, den, scheme) for name, scheme in _SCHEMES.items()}


# --- instead of what an honest replica sends ------------------------------------------------------


def _each(
    moment: Moment, instead: Callable[[Send], Any], *, towards: frozenset[str] | None = None
) -> tuple[Send, ...]:
    """Each message replaced; left out where that is None."""
    changed = (
        Send(send.dest, instead(send)) if towards is None or send.dest in towards else send
        for send in moment.honest.sent
    )
    return tuple(send for send in changed if send.message is not None)


def _more(moment: Moment, dests: Iterable[str], *messages: Any) -> tuple[Send, ...]:
    """What an honest replica sends, and these messages to each."""
    return (*moment.honest.sent, *(Send(dest, each) for each in messages for dest in dests))


def _now_and_then(moment: Moment, chance: float = _SOMETIMES) -> bool:
    return moment.random.random() < chance


def _node(moment: Moment) -> hybrid.Node:
    node: hybrid.Node = moment.honest.state.node
    return node


# --- leaders ---------------------------------------------------------------------------------------


def _entries_changed(
    den: Den, send: Send, change: Callable[[raft.AppendEntriesRequest], raft.AppendEntriesRequest]
) -> Any:
    """The message, with the entries that it carries, if it does, changed."""
    carried = send.message
    if isinstance(carried, hybrid.Carried) and isinstance(carried.message, raft.AppendEntriesRequest):
        return den.signed(attrs.evolve(carried, message=change(carried.message)))
    return carried


def _split_entries(den: Den, moment: Moment) -> tuple[Send, ...]:
    """To the deceived a no-op for each request at an odd place of the log; and acks and seals for both chains."""
    node = _node(moment)

    def noops(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        changed = tuple(
            raft.Entry(entry.term, raft.NOOP) if (request.prev_log_index + place) % 2 else entry
            for place, entry in enumerate(request.entries)
        )
        return attrs.evolve(request, entries=changed)

    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.Seal | hybrid.Ack):
            return None
        return _entries_changed(den, send, noops)

    sent = _each(moment, instead, towards=den.deceived)
    seals = [
        (place, seal)
        for place, acks in den.acks.items()
        if place[0] == node.epoch and acks.keys() - den.traitors and (seal := den.sealed(place))
    ]
    more = [Send(dest, seal) for place, seal in seals[-4:] for dest in den.acks[place] if dest in den.honest]
    return (*sent, *more) if _now_and_then(moment, 0.5) else sent


def _starved_clients(den: Den, moment: Moment) -> tuple[Send, ...]:
    def change(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        return attrs.evolve(
            request, entries=tuple(raft.Entry(entry.term, raft.NOOP) for entry in request.entries)
        )

    return _each(moment, lambda send: _entries_changed(den, send, change))


def _tampered_entries(den: Den, moment: Moment) -> tuple[Send, ...]:
    def tampered(entry: raft.Entry) -> raft.Entry:
        if not isinstance(entry.value, pbft.Request):
            return entry
        operation: Any = entry.value.operation
        return raft.Entry(
            entry.term, attrs.evolve(entry.value, operation=(*operation[:2], ("put", "x", "tampered")))
        )

    def change(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        return attrs.evolve(request, entries=tuple(tampered(entry) for entry in request.entries))

    return _each(moment, lambda send: _entries_changed(den, send, change))


def _long_chains(den: Den, moment: Moment) -> tuple[Send, ...]:
    """As a leader, the last request of the log over and over, behind what others acked; and late seals for that.

    Whoever held such a chain could not show it in a stop, if chains had no bounds but that.
    """
    node = _node(moment)
    if node.raft is None or not node.is_leader or not _now_and_then(moment, _SOMETIMES / 4):
        return moment.honest.sent
    durable = node.raft.durable
    term = durable.current_term
    places = [place for place in den.acks if place[:2] == (node.epoch, term)]
    longest = max(places, key=lambda place: place[2], default=None)
    is_long = longest is not None and longest[2] > _LONG
    seal = den.sealed(longest) if longest is not None and is_long else None
    seals = tuple(Send(dest, seal) for dest in den.honest) if seal is not None else ()
    prev = max(durable.last_index, longest[2] if longest is not None else 0)
    entries = tuple(raft.Entry(term, entry.value) for entry in durable.log[-1:]) * 64
    return (*moment.honest.sent, *seals, *_led(den, moment, term, prev, entries))


def _led(den: Den, moment: Moment, term: int, prev: int, entries: tuple[raft.Entry, ...]) -> tuple[Send, ...]:
    """What a leader of a term, elected or not, sends to all behind some place of its log, or beyond that."""
    node = _node(moment)
    if node.raft is None:
        return ()
    durable = node.raft.durable
    about = raft.AppendEntriesRequest(
        term=term,
        source=moment.node,
        dest="",
        prev_log_index=prev,
        prev_log_term=durable.term_at(prev) if prev <= durable.last_index else term,
        entries=entries,
        leader_commit=moment.random.choice((0, prev, 1 << 40)),
    )
    return _carried_to_all(den, moment, about)


def _carried_to_all(
    den: Den, moment: Moment, about: raft.AppendEntriesRequest | raft.RequestVoteRequest
) -> tuple[Send, ...]:
    """A message of Raft for each correct replica."""
    made = (attrs.evolve(about, dest=dest) for dest in den.honest)
    epoch = _node(moment).epoch
    return tuple(
        Send(each.dest, den.signed(hybrid.Carried(epoch=epoch, message=each, source=moment.node)))
        for each in made
    )


def _usurped_terms(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Entries in this term or the next, from some place of the log on: what stood there is gone."""
    node = _node(moment)
    if node.raft is None or node.serving is None or not _now_and_then(moment):
        return moment.honest.sent
    durable, rng = node.raft.durable, moment.random
    term = max(1, durable.current_term + rng.choice((0, 1, 1, 2)))
    prev = rng.randint(0, durable.last_index)
    entries = [raft.Entry(term, entry.value) for entry in durable.log[prev:]]
    rng.shuffle(entries)
    kept = tuple(entries[: rng.randint(0, len(entries))])
    return (*moment.honest.sent, *_led(den, moment, term, prev, kept))


def _huge_terms(den: Den, moment: Moment) -> tuple[Send, ...]:
    node = _node(moment)
    if node.raft is None or not _now_and_then(moment, _SOMETIMES / 4):
        return moment.honest.sent
    term = moment.random.choice((node.raft.durable.current_term + 7, 1 << 40, (1 << 62) - 2, 1 << 62))
    wanted = raft.RequestVoteRequest(
        term=term, source=moment.node, dest="", last_log_index=1 << 40, last_log_term=term
    )
    return (*moment.honest.sent, *_carried_to_all(den, moment, wanted))


def _votes_for_everybody(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        carried = send.message
        if isinstance(carried, hybrid.Carried) and isinstance(carried.message, raft.RequestVoteResponse):
            granted = attrs.evolve(carried.message, vote_granted=True)
            return den.signed(attrs.evolve(carried, message=granted))
        return carried

    return _each(moment, instead)


def _false_matches(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        carried = send.message
        if isinstance(carried, hybrid.Carried) and isinstance(carried.message, raft.AppendEntriesResponse):
            index = carried.message.match_index + moment.random.choice((0, 1, 5))
            false = attrs.evolve(carried.message, success=True, match_index=index)
            return den.signed(attrs.evolve(carried, message=false))
        return carried

    return _each(moment, instead)


# --- acks and seals --------------------------------------------------------------------------------


def _false_acks(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.Ack):
            return den.signed(attrs.evolve(send.message, digest=_ELSEWHERE))
        return send.message

    return _each(moment, instead, towards=den.deceived)


def _acks_for_anything(den: Den, moment: Moment) -> tuple[Send, ...]:
    node = _node(moment)
    places = [place for place in den.acks if place[0] == node.epoch]
    if not places or not _now_and_then(moment, 0.5):
        return moment.honest.sent
    epoch, term, index, digest = moment.random.choice(places)
    ack = den.signed(
        hybrid.Ack(
            epoch=epoch,
            term=term + moment.random.choice((0, 0, 1)),
            index=index,
            digest=digest,
            source=moment.node,
        )
    )
    return _more(moment, den.honest, ack)


def _withheld_seals(den: Den, moment: Moment) -> tuple[Send, ...]:
    """No seal for the deceived; and later, of any place for which there are enough acks, for a single one."""
    sent = _each(
        moment,
        lambda send: None if isinstance(send.message, hybrid.Seal) else send.message,
        towards=den.deceived,
    )
    places = list(den.acks)[-12:]
    if not places or not _now_and_then(moment):
        return sent
    seal = den.sealed(moment.random.choice(places))
    return (*sent, Send(moment.random.choice(den.honest), seal)) if seal is not None else sent


def _lone_seals(den: Den, moment: Moment) -> tuple[Send, ...]:
    """What one replica executes is to be undone: nobody else holds it, and its stop is left out."""
    node = _node(moment)
    one = den.honest[node.epoch % len(den.honest)]

    def instead(send: Send) -> Any:
        match send.message:
            case hybrid.Seal():
                return send.message if send.dest == one else None
            case hybrid.Stopped(stop=stop):
                return den.signed(hybrid.Stopped(attrs.evolve(stop, held=None), ()))
            case pbft.Request(client=client, operation=("close", *_)) if client == moment.node:
                return None
        return send.message

    sent = _each(moment, instead)
    told = {source: each for source, each in den.stops.get(node.epoch, {}).items() if source in den.honest}
    told.pop(one, None)
    if len(told) + len(den.traitors) < node.config.stops_needed or not _now_and_then(moment, 0.5):
        return sent
    for traitor in den.traitors:
        empty = hybrid.Stop(epoch=node.epoch, reason="standstill", held=None, source=traitor)
        told[traitor] = hybrid.Stopped(den.signed(empty), ())
    last = rules.last_seal(each.stop.held for each in told.values())
    chain = next((each.chain for each in told.values() if each.stop.held == last), ())
    stops = tuple(stop_value(told[source].stop) for source in sorted(told))
    operation = ("close", node.epoch, stops, tuple(link_value(link) for link in chain))
    return (*sent, *(Send(dest, den.request(moment.node, node, operation)) for dest in den.honest))


# --- stops and calms -------------------------------------------------------------------------------


def _stop(den: Den, moment: Moment, reason: str, epoch: int) -> hybrid.Stopped:
    """A traitor's stop, with any seal that it ever held in the epoch, or none."""
    known = den.seals.get(epoch, [])
    choices: list[tuple[hybrid.Seal | None, tuple[hybrid.Link, ...]]] = [(None, ()), *known[:2], *known[-1:]]
    held, chain = moment.random.choice(choices)
    stop = hybrid.Stop(epoch=epoch, reason=reason, held=held, source=moment.node)
    stopped: hybrid.Stopped = den.signed(hybrid.Stopped(stop, chain))
    return stopped


def _old_stops(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.Stopped):
            return _stop(den, moment, send.message.stop.reason, send.message.stop.epoch)
        return send.message

    return _each(moment, instead)


def _threat_stops(den: Den, moment: Moment) -> tuple[Send, ...]:
    node = _node(moment)
    if node.raft_epoch is None or not _now_and_then(moment):
        return moment.honest.sent
    reason = moment.random.choice(("threat", "threat", "standstill", "long"))
    return _more(moment, den.honest, _stop(den, moment, reason, node.epoch))


def _calm_at_once(den: Den, moment: Moment) -> tuple[Send, ...]:
    node = _node(moment)
    if not _now_and_then(moment):
        return moment.honest.sent
    calm = den.signed(hybrid.Calm(epoch=node.epoch, source=moment.node))
    return _more(moment, den.honest, calm)


def _never_calm(_: Den, moment: Moment) -> tuple[Send, ...]:
    return _each(moment, lambda send: None if isinstance(send.message, hybrid.Calm) else send.message)


def _bad_switches(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Requests of a traitor to the book, for what it may not have."""
    node, rng = _node(moment), moment.random
    if not _now_and_then(moment):
        return moment.honest.sent
    epoch = node.epoch + rng.choice((0, 0, 0, -1, 1))
    stops = [*den.stops.get(node.epoch, {}).values(), *den.stops.get(node.epoch - 1, {}).values()]
    own = _stop(den, moment, "threat", node.epoch)
    values = [
        stop_value(each.stop) for each in rng.choice((stops, [*stops, own], [own] * 3, [own, *stops[:1]]))
    ]
    chains = [each.chain for each in (*stops, own)]
    chain = tuple(link_value(link) for link in rng.choice([*chains, (), chains[-1][::-1]]))
    calms = [*den.calms.get(node.epoch, {}).values(), *den.calms.get(node.epoch - 1, {}).values()]
    calm = den.signed(hybrid.Calm(epoch=node.epoch, source=moment.node))
    wanted = [calm_value(each) for each in rng.choice((calms, [calm] * 3, [calm, *calms[:1]]))]
    forged = [(name, bytes(16)) for name in den.honest]
    operation = rng.choice(
        (
            ("close", epoch, tuple(values), chain),
            ("close", epoch, tuple(values[: rng.randint(0, 3)]), chain),
            ("close", epoch, tuple((name, "threat", None, bytes(16)) for name in den.honest), ()),
            ("open", epoch, tuple(wanted)),
            ("open", epoch, tuple(forged)),
            ("close", epoch, ("x", None, (1,)), (None, 1)),
            ("open", epoch, (None, ("r1",))),
            ("operate", rng.randint(-1, 3), ("put", "x", 1)),
            ("close",),
            None,
        )
    )
    return _more(moment, den.honest, den.request(moment.node, node, operation))


# --- scores, answers, noise ------------------------------------------------------------------------


def _false_scores(den: Den, moment: Moment) -> tuple[Send, ...]:
    if not _now_and_then(moment, 0.5):
        return moment.honest.sent
    number = den.score_number(moment.node)
    stated = moment.random.choice((0, 100, 100, 1 << 40))
    score = den.signed(hybrid.Score(number=number, score=stated, source=moment.node))
    return _more(moment, den.honest, score)


def _false_answers(den: Den, moment: Moment) -> tuple[Send, ...]:
    rng = moment.random

    def instead(send: Send) -> Any:
        match send.message:
            case hybrid.Answer() as told:
                changes: dict[str, Any] = rng.choice(
                    (
                        {"result": (1, "false")},
                        {"result": (1, None), "term": 0},
                        {"term": told.term + 1},
                        {"term": 0},
                        {"epoch": told.epoch + 1},
                        {"sequence": told.sequence + 1},
                        {"result": [1]},
                        {"sequence": None},
                        {"source": rng.choice(den.honest)},
                    )
                )
                return den.signed(attrs.evolve(told, **changes))
            case pbft.Reply() as reply if reply.client not in den.configs:
                changes = rng.choice(
                    (
                        {"result": ("done", 0, (1, "false"))},
                        {"result": ("done", 0, [])},
                        {"result": "done"},
                        {"timestamp": "now"},
                        {"timestamp": reply.timestamp + 1},
                    )
                )
                return den.signed(attrs.evolve(reply, **changes))
        return send.message

    return _each(moment, instead)


def _forgery(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Each message once more in the name of somebody else, with the traitor's own signature."""
    forged = []
    for send in moment.honest.sent:
        name = moment.random.choice(den.honest)
        if isinstance(send.message, hybrid.Stopped):
            false = attrs.evolve(send.message, stop=attrs.evolve(send.message.stop, source=name))
        elif hasattr(send.message, "source"):
            false = attrs.evolve(send.message, source=name)
        else:
            continue
        forged.append(Send(send.dest, false))
    return (*moment.honest.sent, *forged)


#: Fields of an ack as no ack has them.
_WRONG_TYPES: Final[tuple[dict[str, Any], ...]] = ({"digest": ["x"]}, {"source": None}, {"epoch": "0"})


def _malformed(moment: Moment, node: hybrid.Node) -> Any:
    """What is no message, or has fields that none has."""
    rng, name = moment.random, moment.node
    ack = hybrid.Ack(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, source=name)
    return rng.choice(
        (
            None,
            "message",
            object(),
            hybrid.Ack,
            attrs.evolve(ack, term=0),
            attrs.evolve(ack, index=True),
            attrs.evolve(ack, **_WRONG_TYPES[rng.randrange(3)]),
            hybrid.Seal(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, acks=(ack,) * 3),
            hybrid.Seal(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, acks=[ack]),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Stopped(hybrid.Stop(epoch=node.epoch, reason="fun", held=None, source=name), ()),
            hybrid.Stopped(None, ()),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Stopped(hybrid.Stop(epoch=node.epoch, reason="long", held=None, source=name), (None,) * 3),
            hybrid.Carried(
                epoch=node.epoch, message=raft.TimeoutNow(term=1, source=name, dest="r1"), source=name
            ),
            hybrid.Carried(epoch=node.epoch, message=None, source=name),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Score(number=0, score=1, source=name),
            hybrid.Score(number=1, score=-1, source=name),
            hybrid.Calm(epoch=None, source=name),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Exposure(ack, ack),
            hybrid.Exposure(None, ack),  # type: ignore[arg-type]  # wrong on purpose
            Evidence(accused=name, messages=()),
            pbft.Prepare(view=0, seq=1, digest="x", source=name),
            pbft.Request(client=name, timestamp=1, operation={}),  # type: ignore[arg-type]  # wrong on purpose
            pbft.Reply(view=0, client=name, timestamp=1, result=None, source=name),
        )
    )


def _malformed_messages(den: Den, moment: Moment) -> tuple[Send, ...]:
    noise = tuple(
        Send(dest, den.signed(_malformed(moment, _node(moment))))
        for dest in den.honest
        if _now_and_then(moment, 0.3)
    )
    return (*moment.honest.sent, *noise)


def _framing(den: Den, moment: Moment) -> tuple[Send, ...]:
    """Proofs against correct replicas: of an ack and a forged one, or of acks of different places."""
    acks = [ack for given in list(den.acks.values())[-6:] for ack in given.values()]
    if not acks or not _now_and_then(moment):
        return moment.honest.sent
    one, other = moment.random.choice(acks), moment.random.choice(acks)
    false = moment.random.choice(
        (
            hybrid.Exposure(one, attrs.evolve(one, digest=_ELSEWHERE)),
            hybrid.Exposure(one, other),
            hybrid.Exposure(one, den.signed(attrs.evolve(one, source=moment.node, digest=_ELSEWHERE))),
            Evidence(accused=one.source, messages=(pbft.StateRequest(seq=1, source=one.source),)),
        )
    )
    return _more(moment, den.honest, false)


def _mutation(den: Den, moment: Moment) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if not _now_and_then(moment, 0.5):
            return send.message
        changed = mutated(send.message, moment.random)
        return den.signed(changed) if _now_and_then(moment, 0.5) else changed

    return _each(moment, instead)


def _pbft_silence(_: Den, moment: Moment) -> tuple[Send, ...]:
    """A primary that keeps switches waiting."""
    return _each(moment, lambda send: None if type(send.message) in PBFT_MESSAGES else send.message)


_SCHEMES: Final[dict[str, _Scheme]] = {
    "split entries": _split_entries,
    "starved clients": _starved_clients,
    "tampered entries": _tampered_entries,
    "long chains": _long_chains,
    "usurped terms": _usurped_terms,
    "huge terms": _huge_terms,
    "votes for everybody": _votes_for_everybody,
    "false acks": _false_acks,
    "acks for anything": _acks_for_anything,
    "withheld seals": _withheld_seals,
    "lone seals": _lone_seals,
    "old stops": _old_stops,
    "threat stops": _threat_stops,
    "calm at once": _calm_at_once,
    "never calm": _never_calm,
    "false scores": _false_scores,
    "bad switches": _bad_switches,
    "false answers": _false_answers,
    "false matches": _false_matches,
    "forgery": _forgery,
    "malformed messages": _malformed_messages,
    "framing": _framing,
    "mutation": _mutation,
    "pbft: silence": _pbft_silence,
}

#: The names of all strategies.
STRATEGIES: Final = (
    "silence",
    "selective sending",
    "delay",
    "two copies",
    "replay",
    "never stops",
    "stays behind",
    *(f"pbft: {name}" for name in _OF_PBFT),
    *_SCHEMES,
)

#: Those that make others suspicious, and so raise the level.
LOUD: Final = ("forgery", "malformed messages", "framing", "mutation")

#: Those under which a Raft epoch must come and serve, if they last.
QUIET: Final = (
    "silence",
    "never stops",
    "stays behind",
    "never calm",
    "calm at once",
    "false scores",
    "old stops",
    "threat stops",
    "false answers",
)
