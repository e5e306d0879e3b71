"""Behaviours of Byzantine replicas in simulated clusters of the hybrid, by name; none forges a signature.

All Byzantine replicas of a run conspire: they share a `Adversary`, know each other's keys and no others. A
strategy is a `Behaviour` of `tlacheck.sim`: it is shown what an honest replica would send, and sends
something else.

| strategy                | a Byzantine replica                                                              |
|-------------------------|----------------------------------------------------------------------------------|
| `silence`               | sends nothing                                                                    |
| `selective sending`     | sends nothing to half of the others                                              |
| `delay`                 | sends everything too late                                                        |
| `two copies`            | is two replicas under one name, each of which knows one half                     |
| `replay`                | repeats old messages, in other epochs too                                        |
| `split entries`         | as a leader sends other entries to half of the others, votes for both prefixes,  |
|                         | and makes QCs of the votes                                                       |
| `starved clients`       | as a leader appends no request                                                   |
| `tampered entries`      | as a leader changes requests                                                     |
| `long logs`             | as a leader repeats requests without end                                         |
| `usurped terms`         | sends entries in terms that it was not elected for, in the place of others       |
| `huge terms`            | asks for votes in terms far beyond                                               |
| `grants every vote`     | grants each vote of Raft, in each term                                           |
| `false votes`           | votes for something else towards half of the others                              |
| `votes for anything`    | votes for whatever others voted for                                              |
| `withheld QCs`          | shows no QC to half of the others, and makes some itself later                   |
| `lone QCs`              | as a leader shows QCs to one other only, aborts without one, and submits an      |
|                         | epoch-end command without that one                                               |
| `old aborts`            | aborts with an older QC than its lock, or with none, and with different ones     |
| `threat aborts`         | aborts each epoch at once, because of a threat                                   |
| `never aborts`          | continues in an epoch after it was to abort                                      |
| `stays behind`          | does not enter the next epoch                                                    |
| `switches back at once` | votes to switch back in each BFT epoch at once                                   |
| `never switches back`   | never votes to switch back                                                       |
| `false scores`          | states the greatest score, none, or one after the other                          |
| `bad switches`          | submits commands with too few aborts or switch-back votes, of others, twice,     |
|                         | with other prefixes                                                              |
| `false answers`         | sends clients other results, terms and epochs                                    |
| `false matches`         | reports to leaders entries that it does not hold                                 |
| `forgery`               | sends messages in the names of others                                            |
| `malformed messages`    | sends malformed messages                                                         |
| `framing`               | sends invalid proofs against others                                              |
| `mutation`              | changes one field of each message by a little, and signs half of them anew       |
| `pbft: ...`             | treats PBFT as `property_tests.pbft.adversary` says, also during switches        |
| `hotstuff: ...`         | treats HotStuff as `property_tests.hotstuff.adversary` says                      |
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft, raft
from impl.guard import Evidence
from impl.hotstuff.shapes import SHAPES as HOTSTUFF_SHAPES
from impl.hybrid import rules
from impl.hybrid.control import abort_value, switchback_value
from impl.hybrid.log_prefix import log_entry_value
from impl.pbft.shapes import SHAPES as PBFT_SHAPES
from property_tests.hotstuff.adversary import Adversary as HotStuffAdversary
from property_tests.hotstuff.host import Arrived
from property_tests.hybrid.host import Hosted
from property_tests.pbft.adversary import Adversary as PbftAdversary
from property_tests.pbft.adversary import mutated
from tlacheck.sim import (
    ActiveBehaviour,
    Behaviour,
    ByzantineAction,
    ByzantineContext,
    Replay,
    Send,
    Silent,
    TwoCopies,
)

__all__ = ["LOUD", "QUIET", "STRATEGIES", "STRATEGIES_ON_HOTSTUFF", "Adversary", "behaviours"]

#: How many steps of its own a Byzantine replica that delays holds a message back.
_LATE_STEPS: Final = 40
#: How likely a Byzantine replica of the strategies that add messages does so in a step.
_SOMETIMES: Final = 0.2

_ELSEWHERE: Final = "0" * 64

#: From what length on a prefix of repetitions is certified: more at once than the prefix with which an epoch
#: ends.
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

#: HotStuff's strategies, on a hybrid that runs on it.
_OF_HOTSTUFF: Final = (
    "equivocating",
    "forking",
    "withholding",
    "double-voting",
    "inflating",
    "hiding",
    "altering",
    "counterfeiting",
)


class Adversary:
    """The knowledge that the Byzantine replicas of a run share.

    Args:
        configs: by name, the configurations of all replicas; of the Byzantine replicas' the keys are used.
        byzantine: who they are.

    Attributes:
        honest: the names of the others.
        deceived: the honest ones who are told something else.
        qcs: of each epoch the QCs that a Byzantine replica held, with their prefixes, from the first on.
        aborts: by epoch and source, the aborts that were heard, with their prefixes.
        switchbacks: by epoch and source, the switch-back votes that were heard.
        votes: by place and source, the votes that were heard.
    """

    def __init__(self, configs: Mapping[str, hybrid.Config], byzantine: Iterable[str]) -> None:
        self.byzantine = frozenset(byzantine)
        self.honest = tuple(name for name in configs if name not in self.byzantine)
        self.deceived = frozenset(self.honest[len(self.honest) // 2 :])
        self.qcs: dict[int, list[tuple[hybrid.QuorumCertificate, tuple[hybrid.LogEntry, ...]]]] = {}
        self.aborts: dict[int, dict[str, hybrid.AbortHistory]] = {}
        self.switchbacks: dict[int, dict[str, hybrid.SwitchbackVote]] = {}
        self.votes: dict[tuple[int, int, int, str], dict[str, hybrid.Vote]] = {}
        self.configs = dict(configs)
        self._scores: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def listen(self, node: hybrid.Node) -> None:
        """Note a message that a Byzantine replica received."""
        for history in node.aborts.values():
            self.aborts.setdefault(history.abort.epoch, {})[history.abort.source] = history
        for switchback in node.switchbacks.values():
            self.switchbacks.setdefault(switchback.epoch, {})[switchback.source] = switchback
        for vote in node.heard.values():
            place = vote.epoch, vote.term, vote.index, vote.digest
            self.votes.setdefault(place, {})[vote.source] = vote
        locked = node.raft_epoch.locked if node.raft_epoch is not None else None
        if node.raft_epoch is not None and locked is not None:
            known = self.qcs.setdefault(node.raft_epoch.epoch, [])
            if not known or known[-1][0] != locked:
                known.append((locked, node.raft_epoch.prefix))

    def signed(self, message: Any) -> Any:
        """The message with its sender's signature, if that is a Byzantine replica and it can be signed.

        Any other message is left as it is.
        """
        if isinstance(message, hybrid.AbortHistory):
            return attrs.evolve(message, abort=self.signed(message.abort))
        source = getattr(message, "source", None)
        if isinstance(message, pbft.Request):
            source = message.client
        if not isinstance(source, str) or source not in self.byzantine:
            return message
        keys = self.configs[source].keys
        try:
            if type(message) in PBFT_SHAPES.messages:
                return pbft.signed(message, keys)
            return hybrid.signed(message, keys)
        except (AttributeError, TypeError, ValueError):  # what has no canonical bytes has no signature
            return message

    def certified(self, place: tuple[int, int, int, str]) -> hybrid.QuorumCertificate | None:
        """A QC of what was heard for a place and what all Byzantine replicas add.

        The result is None if those are no quorum.
        """
        epoch, term, index, digest = place
        about: dict[str, Any] = {"epoch": epoch, "term": term, "index": index, "digest": digest}
        given = dict(self.votes.get(place, {}))
        for name in self.byzantine:
            given[name] = self.signed(hybrid.Vote(source=name, **about))
        votes = tuple(given[source] for source in sorted(given))
        one = next(iter(self.configs.values()))
        return hybrid.QuorumCertificate(votes=votes, **about) if len(votes) > one.n // 2 else None

    def request(self, name: str, node: hybrid.Node, operation: Any) -> pbft.Request:
        """A request of a Byzantine replica to the control state, later than all before."""
        self._asked[name] = max(self._asked[name] + 1, (node.config.bft.executed(node.bft) + 1) * 10)
        request = pbft.Request(client=name, timestamp=self._asked[name], operation=operation)
        signed: pbft.Request = self.signed(request)
        return signed

    def score_number(self, name: str) -> int:
        """The next number of a Byzantine replica's statements."""
        self._scores[name] += 1_000
        return self._scores[name]


#: What is sent instead of what an honest replica sends.
_Scheme: TypeAlias = Callable[[Adversary, ByzantineContext], tuple[Send, ...]]


@attrs.frozen
class _Strategy:
    """A scheme, and the state that Byzantine replicas share."""

    adversary: Adversary
    scheme: _Scheme

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""

        def act(context: ByzantineContext) -> ByzantineAction:
            self.adversary.listen(context.honest.state.node)
            sent = self.scheme(self.adversary, context)
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class _Late:
    """The behaviour that sends everything a number of its own steps late."""

    steps: int

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""
        queue: list[tuple[Send, ...]] = []

        def act(context: ByzantineContext) -> ByzantineAction:
            queue.append(context.honest.sent)
            sent = queue.pop(0) if len(queue) > self.steps else ()
            return ByzantineAction(context.honest.state, sent)

        return act


@attrs.frozen
class _NeverAborts:
    """Continues in a Raft epoch: forgets each abort at once."""

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""

        def act(context: ByzantineContext) -> ByzantineAction:
            hosted: Hosted = context.honest.state
            epoch = hosted.node.raft_epoch
            if epoch is None or epoch.abort is None:
                return context.honest
            node = attrs.evolve(hosted.node, raft_epoch=attrs.evolve(epoch, abort=None))
            sent = tuple(
                send for send in context.honest.sent if not isinstance(send.message, hybrid.AbortHistory)
            )
            return ByzantineAction(attrs.evolve(hosted, node=node), sent)

        return act


@attrs.frozen
class _StaysBehind:
    """Does not take a step into the next epoch, most of the time."""

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""

        def act(context: ByzantineContext) -> ByzantineAction:
            is_next = context.before.node.epoch != context.honest.state.node.epoch
            if is_next and context.random.random() > _SOMETIMES / 10:
                return ByzantineAction(context.before, (), is_taken=False)
            return context.honest

        return act


@attrs.frozen
class _View:
    """A replica of the BFT protocol, where its strategies look for it."""

    node: Any


@attrs.frozen
class _OfPbft:
    """A strategy of `property_tests.pbft.adversary`, which sees PBFT's part of the replica only."""

    behaviour: Behaviour

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""
        inner = self.behaviour.begin()

        def act(context: ByzantineContext) -> ByzantineAction:
            honest = ByzantineAction(_View(context.honest.state.node.bft), context.honest.sent)
            action = inner(attrs.evolve(context, before=_View(context.before.node.bft), honest=honest))
            return ByzantineAction(context.honest.state, action.sent)

        return act


@attrs.frozen
class _OfHotStuff:
    """A strategy of `property_tests.hotstuff.adversary`, beside which the replica is honest elsewhere.

    Its lies go to honest replicas only: three liars that answer each other's would do so without end.
    """

    behaviour: Behaviour
    honest: tuple[str, ...]

    def begin(self) -> ActiveBehaviour:
        """The behaviour of one Byzantine replica, from now on."""
        inner = self.behaviour.begin()

        def act(context: ByzantineContext) -> ByzantineAction:
            sent = context.honest.sent
            of_bft = tuple(send for send in sent if type(send.message) in HOTSTUFF_SHAPES.messages)
            honest = ByzantineAction(_View(context.honest.state.node.bft), of_bft)
            inp = context.input
            if isinstance(inp, hybrid.Receive):
                inp = Arrived(inp.sender or "", inp.message)
            action = inner(
                attrs.evolve(context, before=_View(context.before.node.bft), input=inp, honest=honest)
            )
            others = tuple(send for send in sent if type(send.message) not in HOTSTUFF_SHAPES.messages)
            told = tuple(send for send in action.sent if send.dest in self.honest or send in of_bft)
            return ByzantineAction(context.honest.state, (*others, *told))

        return act


def behaviours(adversary: Adversary) -> dict[str, Behaviour]:
    """All behaviours by name, for the Byzantine replicas of one run."""
    whole: dict[str, Behaviour] = {
        "silence": Silent(),
        "selective sending": Silent(adversary.deceived),
        "delay": _Late(_LATE_STEPS),
        "two copies": TwoCopies(adversary.deceived),
        "replay": Replay(_SOMETIMES, remembered=300),
        "never aborts": _NeverAborts(),
        "stays behind": _StaysBehind(),
        **_of_bft(adversary),
    }
    engine = next(iter(adversary.configs.values())).bft.name
    return whole | {
        name.replace("pbft: ", f"{engine}: "): _Strategy(adversary, scheme)
        for name, scheme in _SCHEMES.items()
    }


def _of_bft(adversary: Adversary) -> dict[str, Behaviour]:
    """The strategies against the BFT protocol on which the cluster runs."""
    configs = {name: each.bft.config for name, each in adversary.configs.items()}
    of_pbft = {name: config for name, config in configs.items() if isinstance(config, pbft.Config)}
    if of_pbft:
        known = PbftAdversary(of_pbft, adversary.byzantine).behaviours()
        return {f"pbft: {name}": _OfPbft(known[name]) for name in _OF_PBFT}
    of_hotstuff = HotStuffAdversary(sorted(adversary.byzantine), tuple(configs)).behaviours()
    return {f"hotstuff: {name}": _OfHotStuff(of_hotstuff[name], adversary.honest) for name in _OF_HOTSTUFF}


# --- instead of what an honest replica sends ------------------------------------------------------


def _each(
    context: ByzantineContext, instead: Callable[[Send], Any], *, towards: frozenset[str] | None = None
) -> tuple[Send, ...]:
    """Each message replaced; left out where that is None."""
    changed = (
        Send(send.dest, instead(send)) if towards is None or send.dest in towards else send
        for send in context.honest.sent
    )
    return tuple(send for send in changed if send.message is not None)


def _more(context: ByzantineContext, dests: Iterable[str], *messages: Any) -> tuple[Send, ...]:
    """The messages of an honest replica, and these to each."""
    return (*context.honest.sent, *(Send(dest, each) for each in messages for dest in dests))


def _now_and_then(context: ByzantineContext, chance: float = _SOMETIMES) -> bool:
    return context.random.random() < chance


def _node(context: ByzantineContext) -> hybrid.Node:
    node: hybrid.Node = context.honest.state.node
    return node


# --- leaders ---------------------------------------------------------------------------------------


def _entries_changed(
    adversary: Adversary, send: Send, change: Callable[[raft.AppendEntriesRequest], raft.AppendEntriesRequest]
) -> Any:
    """The message, with the entries that it carries, if it does, changed."""
    envelope = send.message
    if isinstance(envelope, hybrid.Envelope) and isinstance(envelope.message, raft.AppendEntriesRequest):
        return adversary.signed(attrs.evolve(envelope, message=change(envelope.message)))
    return envelope


def _split_entries(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send the deceived a no-op for each request at an odd place of the log.

    All replicas get votes and QCs for both prefixes.
    """
    node = _node(context)

    def noops(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        changed = tuple(
            raft.Entry(entry.term, raft.NOOP) if (request.prev_log_index + place) % 2 else entry
            for place, entry in enumerate(request.entries)
        )
        return attrs.evolve(request, entries=changed)

    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.QuorumCertificate | hybrid.Vote):
            return None
        return _entries_changed(adversary, send, noops)

    sent = _each(context, instead, towards=adversary.deceived)
    qcs = [
        (place, qc)
        for place, votes in adversary.votes.items()
        if place[0] == node.epoch
        and votes.keys() - adversary.byzantine
        and (qc := adversary.certified(place))
    ]
    more = [
        Send(dest, qc)
        for place, qc in qcs[-4:]
        for dest in adversary.votes[place]
        if dest in adversary.honest
    ]
    return (*sent, *more) if _now_and_then(context, 0.5) else sent


def _starved_clients(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def change(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        return attrs.evolve(
            request, entries=tuple(raft.Entry(entry.term, raft.NOOP) for entry in request.entries)
        )

    return _each(context, lambda send: _entries_changed(adversary, send, change))


def _tampered_entries(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def tampered(entry: raft.Entry) -> raft.Entry:
        if not isinstance(entry.value, pbft.Request):
            return entry
        operation: Any = entry.value.operation
        return raft.Entry(
            entry.term, attrs.evolve(entry.value, operation=(*operation[:2], ("put", "x", "tampered")))
        )

    def change(request: raft.AppendEntriesRequest) -> raft.AppendEntriesRequest:
        return attrs.evolve(request, entries=tuple(tampered(entry) for entry in request.entries))

    return _each(context, lambda send: _entries_changed(adversary, send, change))


def _long_logs(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """As a leader, repeat the last request of the log behind a voted prefix, and send late QCs for it.

    Whoever held such a prefix could not show it in an abort, if prefixes had no bounds but that.
    """
    node = _node(context)
    if node.raft is None or not node.is_leader or not _now_and_then(context, _SOMETIMES / 4):
        return context.honest.sent
    durable = node.raft.durable
    term = durable.current_term
    places = [place for place in adversary.votes if place[:2] == (node.epoch, term)]
    longest = max(places, key=lambda place: place[2], default=None)
    is_long = longest is not None and longest[2] > _LONG
    qc = adversary.certified(longest) if longest is not None and is_long else None
    qcs = tuple(Send(dest, qc) for dest in adversary.honest) if qc is not None else ()
    prev = max(durable.last_index, longest[2] if longest is not None else 0)
    entries = tuple(raft.Entry(term, entry.value) for entry in durable.log[-1:]) * 64
    return (*context.honest.sent, *qcs, *_led(adversary, context, term, prev, entries))


def _led(
    adversary: Adversary, context: ByzantineContext, term: int, prev: int, entries: tuple[raft.Entry, ...]
) -> tuple[Send, ...]:
    """Entries of a leader of a term, elected or not, for all, behind some index of its log or beyond."""
    node = _node(context)
    if node.raft is None:
        return ()
    durable = node.raft.durable
    about = raft.AppendEntriesRequest(
        term=term,
        source=context.node,
        dest="",
        prev_log_index=prev,
        prev_log_term=durable.term_at(prev) if prev <= durable.last_index else term,
        entries=entries,
        leader_commit=context.random.choice((0, prev, 1 << 40)),
    )
    return _enveloped_to_all(adversary, context, about)


def _enveloped_to_all(
    adversary: Adversary,
    context: ByzantineContext,
    about: raft.AppendEntriesRequest | raft.RequestVoteRequest,
) -> tuple[Send, ...]:
    """A message of Raft for each correct replica."""
    made = (attrs.evolve(about, dest=dest) for dest in adversary.honest)
    epoch = _node(context).epoch
    return tuple(
        Send(each.dest, adversary.signed(hybrid.Envelope(epoch=epoch, message=each, source=context.node)))
        for each in made
    )


def _usurped_terms(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Send entries in this term or the next that overwrite the log from some index on."""
    node = _node(context)
    if node.raft is None or node.serving is None or not _now_and_then(context):
        return context.honest.sent
    durable, rng = node.raft.durable, context.random
    term = max(1, durable.current_term + rng.choice((0, 1, 1, 2)))
    prev = rng.randint(0, durable.last_index)
    entries = [raft.Entry(term, entry.value) for entry in durable.log[prev:]]
    rng.shuffle(entries)
    kept = tuple(entries[: rng.randint(0, len(entries))])
    return (*context.honest.sent, *_led(adversary, context, term, prev, kept))


def _huge_terms(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    node = _node(context)
    if node.raft is None or not _now_and_then(context, _SOMETIMES / 4):
        return context.honest.sent
    term = context.random.choice((node.raft.durable.current_term + 7, 1 << 40, (1 << 62) - 2, 1 << 62))
    wanted = raft.RequestVoteRequest(
        term=term, source=context.node, dest="", last_log_index=1 << 40, last_log_term=term
    )
    return (*context.honest.sent, *_enveloped_to_all(adversary, context, wanted))


def _raft_votes_for_everybody(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        envelope = send.message
        if isinstance(envelope, hybrid.Envelope) and isinstance(envelope.message, raft.RequestVoteResponse):
            granted = attrs.evolve(envelope.message, vote_granted=True)
            return adversary.signed(attrs.evolve(envelope, message=granted))
        return envelope

    return _each(context, instead)


def _false_matches(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        envelope = send.message
        if isinstance(envelope, hybrid.Envelope) and isinstance(envelope.message, raft.AppendEntriesResponse):
            index = envelope.message.match_index + context.random.choice((0, 1, 5))
            false = attrs.evolve(envelope.message, success=True, match_index=index)
            return adversary.signed(attrs.evolve(envelope, message=false))
        return envelope

    return _each(context, instead)


# --- votes and QCs --------------------------------------------------------------------------------


def _false_votes(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.Vote):
            return adversary.signed(attrs.evolve(send.message, digest=_ELSEWHERE))
        return send.message

    return _each(context, instead, towards=adversary.deceived)


def _votes_for_anything(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    node = _node(context)
    places = [place for place in adversary.votes if place[0] == node.epoch]
    if not places or not _now_and_then(context, 0.5):
        return context.honest.sent
    epoch, term, index, digest = context.random.choice(places)
    vote = adversary.signed(
        hybrid.Vote(
            epoch=epoch,
            term=term + context.random.choice((0, 0, 1)),
            index=index,
            digest=digest,
            source=context.node,
        )
    )
    return _more(context, adversary.honest, vote)


def _withheld_qcs(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """No QC for the deceived; and later, of any place for which there are enough votes, for a single one."""
    sent = _each(
        context,
        lambda send: None if isinstance(send.message, hybrid.QuorumCertificate) else send.message,
        towards=adversary.deceived,
    )
    places = list(adversary.votes)[-12:]
    if not places or not _now_and_then(context):
        return sent
    qc = adversary.certified(context.random.choice(places))
    return (*sent, Send(context.random.choice(adversary.honest), qc)) if qc is not None else sent


def _lone_qcs(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Let one replica execute operations that it must undo: no other locks them, its abort is left out."""
    node = _node(context)
    one = adversary.honest[node.epoch % len(adversary.honest)]

    def instead(send: Send) -> Any:
        match send.message:
            case hybrid.QuorumCertificate():
                return send.message if send.dest == one else None
            case hybrid.AbortHistory(abort=abort):
                return adversary.signed(hybrid.AbortHistory(attrs.evolve(abort, locked=None), ()))
            case pbft.Request(client=client, operation=("epoch-end", *_)) if client == context.node:
                return None
        return send.message

    sent = _each(context, instead)
    told = {
        source: each
        for source, each in adversary.aborts.get(node.epoch, {}).items()
        if source in adversary.honest
    }
    told.pop(one, None)
    if len(told) + len(adversary.byzantine) < node.config.aborts_needed or not _now_and_then(context, 0.5):
        return sent
    for name in adversary.byzantine:
        empty = hybrid.Abort(epoch=node.epoch, reason="stalled", locked=None, source=name)
        told[name] = hybrid.AbortHistory(adversary.signed(empty), ())
    last = rules.highest_qc(each.abort.locked for each in told.values())
    prefix = next((each.prefix for each in told.values() if each.abort.locked == last), ())
    aborts = tuple(abort_value(told[source].abort) for source in sorted(told))
    operation = ("epoch-end", node.epoch, aborts, tuple(log_entry_value(log_entry) for log_entry in prefix))
    return (
        *sent,
        *(Send(dest, adversary.request(context.node, node, operation)) for dest in adversary.honest),
    )


# --- aborts and switch-back votes
# -------------------------------------------------------------------------------


def _abort(adversary: Adversary, context: ByzantineContext, reason: str, epoch: int) -> hybrid.AbortHistory:
    """An abort with any QC that the replica ever locked in the epoch, or none."""
    known = adversary.qcs.get(epoch, [])
    choices: list[tuple[hybrid.QuorumCertificate | None, tuple[hybrid.LogEntry, ...]]] = [
        (None, ()),
        *known[:2],
        *known[-1:],
    ]
    locked, prefix = context.random.choice(choices)
    abort = hybrid.Abort(epoch=epoch, reason=reason, locked=locked, source=context.node)
    history: hybrid.AbortHistory = adversary.signed(hybrid.AbortHistory(abort, prefix))
    return history


def _old_aborts(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if isinstance(send.message, hybrid.AbortHistory):
            return _abort(adversary, context, send.message.abort.reason, send.message.abort.epoch)
        return send.message

    return _each(context, instead)


def _threat_aborts(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    node = _node(context)
    if node.raft_epoch is None or not _now_and_then(context):
        return context.honest.sent
    reason = context.random.choice(("threat", "threat", "stalled", "long"))
    return _more(context, adversary.honest, _abort(adversary, context, reason, node.epoch))


def _switches_back_at_once(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    node = _node(context)
    if not _now_and_then(context):
        return context.honest.sent
    switchback = adversary.signed(hybrid.SwitchbackVote(epoch=node.epoch, source=context.node))
    return _more(context, adversary.honest, switchback)


def _never_switches_back(_: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    return _each(
        context, lambda send: None if isinstance(send.message, hybrid.SwitchbackVote) else send.message
    )


def _bad_switches(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Invalid commands of a Byzantine replica."""
    node, rng = _node(context), context.random
    if not _now_and_then(context):
        return context.honest.sent
    epoch = node.epoch + rng.choice((0, 0, 0, -1, 1))
    aborts = [
        *adversary.aborts.get(node.epoch, {}).values(),
        *adversary.aborts.get(node.epoch - 1, {}).values(),
    ]
    own = _abort(adversary, context, "threat", node.epoch)
    values = [
        abort_value(each.abort)
        for each in rng.choice((aborts, [*aborts, own], [own] * 3, [own, *aborts[:1]]))
    ]
    prefixes = [each.prefix for each in (*aborts, own)]
    prefix = tuple(
        log_entry_value(log_entry) for log_entry in rng.choice([*prefixes, (), prefixes[-1][::-1]])
    )
    switchbacks = [
        *adversary.switchbacks.get(node.epoch, {}).values(),
        *adversary.switchbacks.get(node.epoch - 1, {}).values(),
    ]
    switchback = adversary.signed(hybrid.SwitchbackVote(epoch=node.epoch, source=context.node))
    wanted = [
        switchback_value(each)
        for each in rng.choice((switchbacks, [switchback] * 3, [switchback, *switchbacks[:1]]))
    ]
    forged = [(name, bytes(16)) for name in adversary.honest]
    operation = rng.choice(
        (
            ("epoch-end", epoch, tuple(values), prefix),
            ("epoch-end", epoch, tuple(values[: rng.randint(0, 3)]), prefix),
            ("epoch-end", epoch, tuple((name, "threat", None, bytes(16)) for name in adversary.honest), ()),
            ("epoch-start", epoch, tuple(wanted)),
            ("epoch-start", epoch, tuple(forged)),
            ("epoch-end", epoch, ("x", None, (1,)), (None, 1)),
            ("epoch-start", epoch, (None, ("r1",))),
            ("operate", rng.randint(-1, 3), ("put", "x", 1)),
            ("epoch-end",),
            None,
        )
    )
    return _more(context, adversary.honest, adversary.request(context.node, node, operation))


# --- scores, answers, noise ------------------------------------------------------------------------


def _false_scores(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    if not _now_and_then(context, 0.5):
        return context.honest.sent
    number = adversary.score_number(context.node)
    stated = context.random.choice((0, 100, 100, 1 << 40))
    score = adversary.signed(hybrid.Score(number=number, score=stated, source=context.node))
    return _more(context, adversary.honest, score)


def _false_answers(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    rng = context.random

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
                        {"source": rng.choice(adversary.honest)},
                    )
                )
                return adversary.signed(attrs.evolve(told, **changes))
            case pbft.Reply() as reply if reply.client not in adversary.configs:
                changes = rng.choice(
                    (
                        {"result": ("done", 0, (1, "false"))},
                        {"result": ("done", 0, [])},
                        {"result": "done"},
                        {"timestamp": "now"},
                        {"timestamp": reply.timestamp + 1},
                    )
                )
                return adversary.signed(attrs.evolve(reply, **changes))
        return send.message

    return _each(context, instead)


def _forgery(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Each message once more in the name of somebody else, with the Byzantine replica's own signature."""
    forged = []
    for send in context.honest.sent:
        name = context.random.choice(adversary.honest)
        if isinstance(send.message, hybrid.AbortHistory):
            false = attrs.evolve(send.message, abort=attrs.evolve(send.message.abort, source=name))
        elif hasattr(send.message, "source"):
            false = attrs.evolve(send.message, source=name)
        else:
            continue
        forged.append(Send(send.dest, false))
    return (*context.honest.sent, *forged)


#: Fields of a vote as no vote has them.
_WRONG_TYPES: Final[tuple[dict[str, Any], ...]] = ({"digest": ["x"]}, {"source": None}, {"epoch": "0"})


def _malformed(context: ByzantineContext, node: hybrid.Node) -> Any:
    """A malformed message."""
    rng, name = context.random, context.node
    vote = hybrid.Vote(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, source=name)
    return rng.choice(
        (
            None,
            "message",
            object(),
            hybrid.Vote,
            attrs.evolve(vote, term=0),
            attrs.evolve(vote, index=True),
            attrs.evolve(vote, **_WRONG_TYPES[rng.randrange(3)]),
            hybrid.QuorumCertificate(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, votes=(vote,) * 3),
            hybrid.QuorumCertificate(epoch=node.epoch, term=1, index=1, digest=_ELSEWHERE, votes=[vote]),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.AbortHistory(hybrid.Abort(epoch=node.epoch, reason="fun", locked=None, source=name), ()),
            hybrid.AbortHistory(None, ()),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.AbortHistory(
                hybrid.Abort(epoch=node.epoch, reason="long", locked=None, source=name), (None,) * 3
            ),
            hybrid.Envelope(
                epoch=node.epoch, message=raft.TimeoutNow(term=1, source=name, dest="r1"), source=name
            ),
            hybrid.Envelope(epoch=node.epoch, message=None, source=name),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Score(number=0, score=1, source=name),
            hybrid.Score(number=1, score=-1, source=name),
            hybrid.SwitchbackVote(epoch=None, source=name),  # type: ignore[arg-type]  # wrong on purpose
            hybrid.Equivocation(vote, vote),
            hybrid.Equivocation(None, vote),  # type: ignore[arg-type]  # wrong on purpose
            Evidence(accused=name, messages=()),
            pbft.Prepare(view=0, seq=1, digest="x", source=name),
            pbft.Request(client=name, timestamp=1, operation={}),  # type: ignore[arg-type]  # wrong on purpose
            pbft.Reply(view=0, client=name, timestamp=1, result=None, source=name),
        )
    )


def _malformed_messages(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    noise = tuple(
        Send(dest, adversary.signed(_malformed(context, _node(context))))
        for dest in adversary.honest
        if _now_and_then(context, 0.3)
    )
    return (*context.honest.sent, *noise)


def _framing(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """Proofs against correct replicas: of a vote and a forged one, or of votes of different places."""
    votes = [vote for given in list(adversary.votes.values())[-6:] for vote in given.values()]
    if not votes or not _now_and_then(context):
        return context.honest.sent
    one, other = context.random.choice(votes), context.random.choice(votes)
    false = context.random.choice(
        (
            hybrid.Equivocation(one, attrs.evolve(one, digest=_ELSEWHERE)),
            hybrid.Equivocation(one, other),
            hybrid.Equivocation(
                one, adversary.signed(attrs.evolve(one, source=context.node, digest=_ELSEWHERE))
            ),
            Evidence(accused=one.source, messages=(pbft.StateRequest(seq=1, source=one.source),)),
        )
    )
    return _more(context, adversary.honest, false)


def _mutation(adversary: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    def instead(send: Send) -> Any:
        if not _now_and_then(context, 0.5):
            return send.message
        changed = mutated(send.message, context.random)
        return adversary.signed(changed) if _now_and_then(context, 0.5) else changed

    return _each(context, instead)


def _bft_silence(_: Adversary, context: ByzantineContext) -> tuple[Send, ...]:
    """A primary that keeps switches waiting."""
    messages = _node(context).config.bft.messages
    return _each(context, lambda send: None if type(send.message) in messages else send.message)


_SCHEMES: Final[dict[str, _Scheme]] = {
    "split entries": _split_entries,
    "starved clients": _starved_clients,
    "tampered entries": _tampered_entries,
    "long logs": _long_logs,
    "usurped terms": _usurped_terms,
    "huge terms": _huge_terms,
    "grants every vote": _raft_votes_for_everybody,
    "false votes": _false_votes,
    "votes for anything": _votes_for_anything,
    "withheld QCs": _withheld_qcs,
    "lone QCs": _lone_qcs,
    "old aborts": _old_aborts,
    "threat aborts": _threat_aborts,
    "switches back at once": _switches_back_at_once,
    "never switches back": _never_switches_back,
    "false scores": _false_scores,
    "bad switches": _bad_switches,
    "false answers": _false_answers,
    "false matches": _false_matches,
    "forgery": _forgery,
    "malformed messages": _malformed_messages,
    "framing": _framing,
    "mutation": _mutation,
    "pbft: silence": _bft_silence,
}

#: The names of all strategies.
STRATEGIES: Final = (
    "silence",
    "selective sending",
    "delay",
    "two copies",
    "replay",
    "never aborts",
    "stays behind",
    *(f"pbft: {name}" for name in _OF_PBFT),
    *_SCHEMES,
)

#: The same on HotStuff.
STRATEGIES_ON_HOTSTUFF: Final = (
    *(name for name in STRATEGIES if not name.startswith("pbft: ")),
    *(f"hotstuff: {name}" for name in ("silence", *_OF_HOTSTUFF)),
)

#: Those that make others suspicious, and so raise the level.
LOUD: Final = ("forgery", "malformed messages", "framing", "mutation")

#: Those under which a Raft epoch must come and serve, if they last.
QUIET: Final = (
    "silence",
    "never aborts",
    "stays behind",
    "never switches back",
    "switches back at once",
    "false scores",
    "old aborts",
    "threat aborts",
    "false answers",
)
