"""Properties of HotStuff clusters that hold in every view, judged without the spec."""

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from impl.common.requests import Reply, Request
from impl.hotstuff import Block, Certificate, Config, Proposed, Stored, Vote, proofs
from impl.hotstuff.proofs import block_digest
from property_tests.hotstuff.host import ReplicaHost
from property_tests.hotstuff.recorder import said_in
from tlacheck.harness import Broken, Finding, Invariant, Judge, Met, Size, View
from tlacheck.histories import Legality, Limits, check
from tlacheck.histories import Recorder as Notes
from tlacheck.histories.models import log
from tlacheck.sim import Notify, StepRecord

__all__ = ["INVARIANTS", "LIARS", "History", "Linearizable", "executed", "hosts_in"]

#: The clients whose requests Byzantine leaders make up.
LIARS: Final = ("liar", "liar0", "liar1", "altered")

_LIMITS: Final = Limits(configurations=400_000)
#: A history of fewer answers says little.
_ENOUGH: Final = 3


def hosts_in(view: View) -> dict[str, ReplicaHost]:
    """The hosts in a view, by name."""
    return {name: state for name, state in view.items() if isinstance(state, ReplicaHost)}


def executed(host: ReplicaHost) -> tuple[Any, ...]:
    """The requests that a replica has executed, in order."""
    value = host.node.durable.state.value
    return value if isinstance(value, tuple) else ()


def _agreement(view: View) -> str | None:
    """Whatever two replicas have executed, one has executed the beginning of the other."""
    logs = {name: executed(host) for name, host in hosts_in(view).items()}
    longest = max(logs.values(), key=len)
    for name, own in logs.items():
        if own != longest[: len(own)]:
            return f"{name} has executed {own[-1]!r}, and another replica {longest[len(own) - 1]!r}"
    return None


@functools.lru_cache(maxsize=4096)
def _flaw(replicas: tuple[str, ...], config: Config, certificate: Certificate) -> str:
    del replicas
    return proofs.certificate_flaw(config, certificate)


def _proved(view: View) -> str | None:
    """A quorum has signed what a replica relies on."""
    for name, host in hosts_in(view).items():
        durable, config = host.node.durable, host.node.config
        for what, certificate in (("highest certificate", durable.high), ("lock", durable.lock)):
            signers = len(proofs.signers_of(config, certificate.signers))
            if certificate.view and signers < config.quorum:
                return f"the {what} of {name} has {signers} signers, and a quorum {config.quorum}"
            if flaw := _flaw(config.replicas, config, certificate):
                return f"the {what} of {name} proves nothing: {flaw}"
    return None


def _lock_follows(view: View) -> str | None:
    for name, host in hosts_in(view).items():
        durable = host.node.durable
        parent = durable.blocks.get(durable.high.block)
        if parent is not None and durable.lock.view < parent.justify.view:
            lock = durable.lock.view
            return f"{name} is locked in view {lock}, and knows {parent.justify.view} to be extended"
    return None


def _together(view: View) -> str | None:
    """Nobody is far ahead: f + 1 correct replicas have been in the view before, wherever the first one is."""
    hosts = hosts_in(view)
    first = max(host.node.view for host in hosts.values())
    followers = sum(
        max(host.node.view, host.node.durable.voted, host.node.durable.timed) >= first - 1
        for host in hosts.values()
    )
    f = next(iter(hosts.values())).node.config.f
    if followers <= f and first > 1:
        return (
            f"somebody is in view {first}, and {followers} correct replicas have come as far as {first - 1}"
        )
    return None


def _bounded(view: View) -> str | None:
    """Whatever others send, a replica keeps little of it."""
    for name, host in hosts_in(view).items():
        node = host.node
        n = node.config.n
        kept = (node.votes, node.timeouts, node.heard, node.pending, node.snapshots)
        orphans_max = node.wanted.certificate.view if node.wanted is not None else 0
        if any(len(each) > n for each in kept) or len(node.orphans) > orphans_max:
            return f"{name} keeps {[len(each) for each in kept]} messages and {len(node.orphans)} orphans"
    return None


def _extends(blocks: dict[str, Block], digest: str, view: int) -> bool:
    """Return whether a block of this view is among the ancestors of a block."""
    while digest in blocks and blocks[digest].view > view:
        digest = blocks[digest].parent
    return view == 0 or (digest in blocks and blocks[digest].view == view)


INVARIANTS = (
    Invariant("Agreement", _agreement),
    Invariant("CertificatesProved", _proved),
    Invariant("LockFollowsHigh", _lock_follows),
    Invariant("Together", _together),
    Invariant("Bounded", _bounded),
)


class History(Judge):
    """All votes and proposals of a run; properties of them that no single view shows.

    | property       | says                                                                               |
    |----------------|------------------------------------------------------------------------------------|
    | `VotesOnce`    | a replica votes once in a view                                                     |
    | `ProposesOnce` | a leader proposes once in a view                                                   |
    | `ViewOrdered`  | votes in a view are those of `HotStuffViews.tla`, which says why they suffice for  |
    |                | agreement: for children of certified blocks, that locks allow                      |

    Args:
        size: of the cluster.
    """

    def __init__(self, size: Size) -> None:
        self._byzantine = len(size.byzantine)
        self._blocks: dict[str, Block] = {}
        self._voted: dict[tuple[str, int], str] = {}
        self._proposed: dict[tuple[str, int], str] = {}
        self._votes: Counter[str] = Counter()
        self._locks: dict[str, int] = dict.fromkeys(size.nodes, 0)

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Judge what a replica sends."""
        for command in record.commands:
            if isinstance(command, Notify) and isinstance(command.what, Stored | Proposed):
                self._blocks[block_digest(command.what.block)] = command.what.block
        for said in said_in(record):
            if isinstance(said, Vote):
                yield from self._vote(record.node, said, record.after.node.config.quorum)
            elif isinstance(said, Block):
                before = self._proposed.setdefault((record.node, said.view), block_digest(said))
                if before != block_digest(said):
                    yield Broken("ProposesOnce", f"{record.node} has proposed twice for view {said.view}")

    def _vote(self, name: str, vote: Vote, quorum: int) -> Iterator[Finding]:
        before = self._voted.get((name, vote.view))
        if before is not None:
            if before != vote.block:
                yield Broken("VotesOnce", f"{name} has voted twice in view {vote.view}")
            return
        self._voted[name, vote.view] = vote.block
        self._votes[vote.block] += 1
        if why := self._out_of_order(name, vote, quorum - self._byzantine):
            yield Broken("ViewOrdered", why)

    def _out_of_order(self, name: str, vote: Vote, needed: int) -> str:
        """The reason why the view-ordered spec does not allow a vote; votes of a replica rise."""
        parent, lock = self._blocks[vote.block].justify, self._locks[name]
        if parent.view and self._votes[parent.block] < needed:
            return f"{name} votes in view {vote.view} for a child of a block that is not certified"
        if parent.view <= lock and not _extends(self._blocks, vote.block, lock):
            return f"{name} votes in view {vote.view} against its lock of view {lock}"
        if parent.view:
            self._locks[name] = max(lock, self._blocks[parent.block].justify.view)
        return ""


class Linearizable(Judge):
    """The history of all clients is that of a log to which they append; all replies to a request are equal.

    A client counts as answered by the first reply of a correct replica: no later than by f + 1. Byzantine
    leaders order requests of clients of their own, whose calls stay open.
    """

    def __init__(self, size: Size) -> None:
        del size
        self._notes = Notes()
        self._called: dict[str, tuple[int, int]] = {}
        self._results: dict[tuple[str, int], Any] = {}
        self._returned: set[int] = set()
        for liar in LIARS:
            self._notes.invoke(liar, "append", value=liar)

    def on_request(self, node: str, inp: Any) -> Iterator[Finding]:
        """Note a call; a repeated one is the same."""
        del node
        request: Request = inp.request
        number, timestamp = self._called.get(request.client, (0, 0))
        if request.timestamp > timestamp:
            if number and number not in self._returned:
                self._notes.give_up(number)
            number = self._notes.invoke(request.client, "append", value=request.operation)
            self._called[request.client] = (number, request.timestamp)
        return iter(())

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Note the replies of a replica."""
        for command in record.commands:
            match command:
                case Notify(what=Reply(client=client, timestamp=timestamp, result=result)):
                    yield from self._answered(client, timestamp, result, record.node)

    def _answered(self, client: str, timestamp: int, result: Any, name: str) -> Iterator[Finding]:
        known = self._results.setdefault((client, timestamp), result)
        if known != result:
            yield Broken("Linearizable", f"{name} answers {client} {result!r}, and another replica {known!r}")
        number, last = self._called.get(client, (0, 0))
        if number and last == timestamp and number not in self._returned:
            self._returned.add(number)
            self._notes.answer(number, result)

    def on_end(self) -> Iterator[Finding]:
        """Judge the history."""
        result = check(self._notes.history(), log(), limits=_LIMITS)
        if result.legality is Legality.ILLEGAL:
            yield Broken("Linearizable", result.reason)
        elif result.legality is Legality.OK and len(self._returned) >= _ENOUGH:
            yield Met("a history is linearizable")
