"""Messages that prove something, with one part changed: all are refused, and the genuine ones are taken.

Random play seldom puts such things together, and Byzantine replicas would.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from impl import hotstuff
from impl.common import InvalidConfig, SymbolicKeys, signed
from impl.common.identities import NodeId
from impl.common.requests import Reply, Request
from impl.common.service import Answered, State
from impl.hotstuff import Block, Certificate, Proposal, Receive, Refused, Why, proofs, rules, sync, tree
from impl.hotstuff.shapes import SHAPES
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses"]

_NAMES: Final = ("r0", "r1", "r2", "r3")
_CONFIGS: Final = {name: hotstuff.Config(name, _NAMES, SymbolicKeys(name)) for name in _NAMES}
_OWN: Final = _CONFIGS["r0"]
_GENESIS: Final = Certificate(view=0, block=_OWN.genesis)


def _block(view: int, justify: Certificate, client: str = "c", **changed: Any) -> Block:
    request = signed(Request(client=client, timestamp=1, operation=client), SymbolicKeys(client))
    leader = changed.get("proposer", _OWN.leader(view))
    made = Block(view=view, parent=justify.block, batch=(request,), justify=justify, proposer=leader)
    return proofs.sign_block(_CONFIGS[leader], attrs.evolve(made, **changed))


def _certificate(block: Block) -> Certificate:
    digest = proofs.block_digest(block)
    votes = {name: proofs.sign_vote(config, block.view, digest) for name, config in _CONFIGS.items()}
    return proofs.certified(_OWN, votes)


def _entry(view: int) -> hotstuff.TimeoutCertificate:
    timeouts = {name: proofs.sign_timeout(config, view, _GENESIS, None) for name, config in _CONFIGS.items()}
    return proofs.timed_out(_OWN, timeouts)


_FIRST: Final = _block(1, _GENESIS)
_SECOND: Final = _block(2, _certificate(_FIRST))
_THIRD: Final = _block(3, _certificate(_SECOND))


def _certificates() -> Iterator[tuple[str, Certificate, bool]]:
    """The name of a certificate, the certificate, and whether it proves something."""
    good = _certificate(_FIRST)
    yield "certificate", good, True
    yield "genesis", _GENESIS, True
    yield "certificate of a later view", attrs.evolve(good, view=2), False
    yield "certificate of view 0", attrs.evolve(good, view=0), False
    yield "certificate of another block", attrs.evolve(good, block=proofs.block_digest(_SECOND)), False
    yield "certificate of genesis in view 1", attrs.evolve(good, block=_OWN.genesis), False
    two = attrs.evolve(good, signers=bytes([0b11]), signatures=good.signatures[:2])
    yield "certificate of two", two, False
    yield "certificate of two for three", attrs.evolve(good, signatures=good.signatures[:2]), False
    one = attrs.evolve(good, signers=bytes([1]), signatures=good.signatures[:1] * 3)
    yield "certificate of one three times", one, False
    yield "certificate with another's signature", attrs.evolve(good, signers=bytes([0b1011])), False
    yield "certificate of a stranger", attrs.evolve(good, signers=bytes([0b10011])), False


def _messages() -> Iterator[tuple[str, Any, bool]]:
    """The name of a message, the message, and whether a replica in view 1 takes it."""
    for name, certificate, is_right in _certificates():
        timeout = proofs.sign_timeout(_CONFIGS["r1"], max(2, certificate.view + 1), certificate, None)
        yield f"time-out with a {name}", timeout, is_right
    yield "proposal", Proposal(block=_FIRST), True
    yield "unsigned proposal", Proposal(block=attrs.evolve(_FIRST, signature=b"")), False
    yield "proposal of another leader", Proposal(block=_block(1, _GENESIS, proposer="r2")), False
    yield "proposal whose parent is another", Proposal(block=_block(1, _GENESIS, parent="a" * 64)), False
    other = attrs.evolve(_SECOND, justify=attrs.evolve(_SECOND.justify, view=2))
    yield "proposal whose parent is of its view", Proposal(block=other), False
    unsigned = (attrs.evolve(_FIRST.batch[0], signature=b""),)
    yield "proposal of an unsigned request", Proposal(block=_block(1, _GENESIS, batch=unsigned)), False
    late = _block(3, _GENESIS)
    yield "late proposal", Proposal(block=late, entry=_entry(2)), True
    yield "late proposal without time-outs", Proposal(block=late), False
    yield "late proposal with time-outs of an earlier view", Proposal(block=late, entry=_entry(1)), False
    entry = _entry(2)
    few = attrs.evolve(entry, signers=bytes([0b11]), high_views=(0, 0), signatures=entry.signatures[:2])
    yield "late proposal with two time-outs", Proposal(block=late, entry=few), False
    claims = attrs.evolve(entry, high_views=(0, 0, 1))
    yield "late proposal with time-outs that told otherwise", Proposal(block=late, entry=claims), False
    yield "time-out certificate", entry, True
    yield "time-out certificate of two for three", attrs.evolve(entry, signatures=entry.signatures[:2]), False
    yield "time-out certificate that knows its own view", attrs.evolve(entry, high_views=(2, 0, 0)), False
    vote = proofs.sign_vote(_CONFIGS["r1"], 1, proofs.block_digest(_FIRST))
    yield "vote", vote, True
    yield "vote of another view", attrs.evolve(vote, view=2), False
    stranger = attrs.evolve(_CONFIGS["r1"], node="x", replicas=(*_NAMES, "x"), keys=SymbolicKeys("x"))
    yield "vote of a stranger", proofs.sign_vote(stranger, 1, proofs.block_digest(_FIRST)), False
    yield "vote in another's name", attrs.evolve(vote, source="r2"), False
    own = proofs.sign_timeout(_CONFIGS["r1"], 1, _GENESIS, vote)
    yield "time-out with a vote", own, True
    foreign = attrs.evolve(own, vote=attrs.evolve(vote, source="r2"))
    yield "time-out with another's vote", foreign, False
    yield "time-out of another view", attrs.evolve(own, view=4), False


def _snapshots() -> Iterator[tuple[str, hotstuff.Snapshot, bool]]:
    """The name of a snapshot, the snapshot, and whether it proves that its block is committed."""
    state = State((("c", 1, "c"),))

    def sealed(**changed: Any) -> hotstuff.Snapshot:
        parts: dict[str, Any] = {"head": (_FIRST, _SECOND, _THIRD), "certificate": _certificate(_THIRD)}
        made = hotstuff.Snapshot(**{**parts, **changed}, state=state, source="r1")
        return signed(made, SymbolicKeys("r1"))

    yield "snapshot", sealed(), True
    yield "snapshot without signature", attrs.evolve(sealed(), signature=b""), False
    yield "snapshot certified one block early", sealed(certificate=_certificate(_SECOND)), False
    gap = _block(4, _certificate(_SECOND))
    yield "snapshot with a gap", sealed(head=(_FIRST, _SECOND, gap), certificate=_certificate(gap)), False
    other = (_block(1, _GENESIS, "other"), _SECOND, _THIRD)
    yield "snapshot of another first block", sealed(head=other), False
    yield "snapshot of no chain", sealed(head=(_FIRST, _FIRST, _THIRD)), False


def _is_taken(message: Any) -> bool:
    _, effects = hotstuff.step(hotstuff.first_start(_OWN), Receive(message))
    return not any(isinstance(effect, Refused) for effect in effects)


def _played(
    *messages: Any, inp: hotstuff.Input | None = None, config: hotstuff.Config = _OWN
) -> tuple[hotstuff.Node, list[Any]]:
    """A replica that has been handed these messages, and then an input, and what it did."""
    node = hotstuff.first_start(config)
    done: list[Any] = []
    inputs: list[hotstuff.Input] = [*map(Receive, messages), *([] if inp is None else [inp])]
    for each in inputs:
        node, effects = hotstuff.step(node, each)
        done += effects
    return node, done


def _behaviour() -> Iterator[tuple[str, bool]]:
    """The effects of messages on a replica."""
    twice = _block(1, _GENESIS, batch=_FIRST.batch * 2)
    middle = _block(2, _certificate(twice))
    last = _block(3, _certificate(middle))
    node, _ = _played(*(hotstuff.Blocks((each,)) for each in (twice, middle, last)), _certificate(last))
    yield "three blocks in a row commit the first", node.durable.committed == proofs.block_digest(twice)
    yield "blocks behind the last committed one are kept", proofs.block_digest(middle) in node.durable.blocks
    yield "a request that is in a block twice is executed once", node.durable.state.value == (("c", 1, "c"),)
    _, done = _played(Proposal(block=_FIRST), inp=hotstuff.TimerFired())
    sent = [each.message for each in done if isinstance(each, hotstuff.Send)]
    votes = [each.vote for each in sent if isinstance(each, hotstuff.Timeout)]
    yield "a time-out brings the last vote along", any(vote is not None for vote in votes)
    _, done = _played(_certificate(_FIRST))
    sent = [each.message for each in done if isinstance(each, hotstuff.Send)]
    yield "who lacks a certified block asks for it", any(isinstance(each, hotstuff.Fetch) for each in sent)
    durable = attrs.evolve(hotstuff.first_start(_OWN).durable, voted=5, timed=7)
    yield "a replica comes back no lower than it gave up", hotstuff.recover(_OWN, durable).view >= 7
    hidden = not rules.has_new_views(_OWN, durable, 3, ())
    yield "a leader waits while a higher certificate may be hidden from it", hidden
    voted = [Proposal(block=_block(1, _GENESIS, client)) for client in "abcd"]
    yield "few blocks of one view are kept", len(_played(*voted)[0].durable.blocks) <= _OWN.variants_max
    other = hotstuff.Config("r1", _NAMES, SymbolicKeys("r1"), cluster="other")
    foreign = proofs.sign_vote(other, 1, proofs.block_digest(_FIRST))
    yield "a vote of another cluster is refused", not _is_taken(foreign)


def _misshapen(part: Any) -> Iterator[Any]:
    """Copies of a message of which one part, at any depth, is no value at all, or a number too low."""
    for field in attrs.fields(type(part)):
        held = getattr(part, field.name)
        yield attrs.evolve(part, **{field.name: object()})
        if type(held) is int and field.name != "result":
            is_from_zero = isinstance(part, Certificate) or field.name == "above"
            yield attrs.evolve(part, **{field.name: -1 if is_from_zero else 0})
        inner, rest = (held[:1], held[1:]) if isinstance(held, tuple) else ((held,), None)
        for broken in (each for one in inner if attrs.has(type(one)) for each in _misshapen(one)):
            yield attrs.evolve(part, **{field.name: broken if rest is None else (broken, *rest)})


def _shapes() -> Iterator[tuple[str, Any, bool]]:
    """The name of a message, the message, and whether its parts are of the right types and sizes."""
    request, entry, vote = _FIRST.batch[0], _entry(2), proofs.sign_vote(_OWN, 1, proofs.block_digest(_FIRST))
    timeout = proofs.sign_timeout(_OWN, 2, _certificate(_FIRST), vote)
    proposal, blocks = Proposal(block=_THIRD, entry=entry), hotstuff.Blocks((_THIRD, _SECOND))
    fetch = hotstuff.Fetch(block=_SECOND.parent, above=0, source="r1")
    state = State((), (Answered(client="c", timestamp=1, result=1),))
    _, snapshot, _ = next(_snapshots())
    snapshot = attrs.evolve(snapshot, state=state)
    for good in (request, entry, vote, timeout, proposal, blocks, fetch, snapshot):
        yield f"a {type(good).__name__}", good, True
        for number, bad in enumerate(_misshapen(good)):
            yield f"misshapen {type(good).__name__} {number}", bad, False
    two: Any = snapshot.head[:2]
    four: Any = (*snapshot.head, _THIRD)
    most = attrs.evolve(_FIRST, batch=(request,) * _OWN.batch_max)
    yield from (
        ("no blocks", hotstuff.Blocks(()), False),
        ("many blocks", hotstuff.Blocks((_FIRST,) * _OWN.fetch_max), True),
        ("too many blocks", hotstuff.Blocks((_FIRST,) * (_OWN.fetch_max + 1)), False),
        ("a full batch", Proposal(block=most), True),
        ("a batch too large", Proposal(block=attrs.evolve(most, batch=(*most.batch, request))), False),
        ("a head of two", attrs.evolve(snapshot, head=two), False),
        ("a head of four", attrs.evolve(snapshot, head=four), False),
        ("a high view below 0", attrs.evolve(entry, high_views=(-1, 0, 0)), False),
        ("a reply", Reply(view=1, client="c", timestamp=1, result=1, source="r1"), True),
        ("no high views", attrs.evolve(entry, high_views=()), False),
        ("five high views", attrs.evolve(entry, high_views=(0,) * 5), False),
        ("five signatures", attrs.evolve(entry, signatures=(b"",) * 5), False),
        ("a bitmap too long", attrs.evolve(entry, signers=bytes(2)), False),
        ("no bitmap", attrs.evolve(entry, signers=b""), True),
        ("a large operation", attrs.evolve(request, operation="x" * (1 << 16)), False),
    )


def _limits() -> Iterator[tuple[str, bool]]:
    """The name of a limit of what a replica takes, and whether it keeps to it."""
    (request,), digest = _FIRST.batch, proofs.block_digest(_FIRST)
    for what, batch, why in (
        ("an unsigned request", (attrs.evolve(request, signature=b""),), Why.FORGED),
        ("too many requests", (request,) * (_OWN.batch_max + 1), Why.MALFORMED),
        ("a block out of turn", (request,), Why.USELESS),
    ):
        _, (refused,) = hotstuff.step(hotstuff.first_start(_OWN), hotstuff.Propose(batch))
        yield f"{what} is no block", isinstance(refused, Refused) and refused.why == why
    second = signed(Request(client="d", timestamp=1, operation="d"), SymbolicKeys("d"))
    node, _ = _played(request, second, config=attrs.evolve(_OWN, waiting_max=1))
    yield "one client waits", list(node.waiting) == ["c"]
    far = [hotstuff.Blocks((_block(view, _GENESIS),)) for view in (6, 10, 14)]
    node, told = _played(*far)
    yield "blocks of views that have not begun are few", len(node.durable.blocks) == _OWN.variants_max
    yield "they are refused for want of room", isinstance(told[-1], Refused) and told[-1].why == Why.FULL
    node, _ = _played(*far, Proposal(block=_FIRST), Proposal(block=_SECOND), hotstuff.Blocks((_THIRD,)))
    yield "they take no room from a view that has begun", proofs.block_digest(_THIRD) in node.durable.blocks
    chain = [_FIRST, _SECOND, _THIRD]
    for view in (4, 5):
        chain.append(_block(view, _certificate(chain[-1])))
    held = (hotstuff.Blocks((block,)) for block in (chain[-1], chain[2], *chain[:1:-1]))
    node, _ = _played(_certificate(chain[-1]), *held)
    yield "blocks below the wanted one are held", {each.view for each in node.orphans.values()} == {3, 4, 5}
    views = zip(("r1", "r2", "r3"), (2, 1, 1), strict=True)
    votes = [proofs.sign_vote(_CONFIGS[name], view, digest) for name, view in views]
    node, _ = _played(Proposal(block=_FIRST), *votes)
    yield "votes of two views make no certificate", node.durable.high == _GENESIS
    timeouts = {name: proofs.sign_timeout(_CONFIGS[name], 3, _GENESIS, None) for name in ("r1", "r2", "r3")}
    node = attrs.evolve(hotstuff.first_start(_OWN), view=4, timeouts=timeouts)
    _, done = hotstuff.step(node, hotstuff.Propose(()))
    yield "time-outs of a quorum are enough", any(isinstance(each, hotstuff.Proposed) for each in done)


def _can_be(changed: dict[str, Any]) -> bool:
    try:
        attrs.evolve(_OWN, **changed)
    except InvalidConfig:
        return False
    return True


def _configurations() -> Iterator[tuple[str, bool]]:
    """Configurations that can be, and others that cannot."""
    limits = ("batch_max", "request_bytes_max", "waiting_max", "retained", "variants_max", "fetch_max")
    least = dict.fromkeys((*limits, "multiplier_max"), 1)
    yield "each limit may be 1", _can_be(least)
    wrong: tuple[dict[str, Any], ...] = ({"node": "x"}, {"replicas": ()}, {"replicas": _NAMES * 2})
    for changed in (*wrong, {"f": -1}, {"f": 2}, *({name: 0} for name in least)):
        yield f"a configuration with {changed} is refused", not _can_be(changed)
    eight = attrs.evolve(_OWN, replicas=tuple(f"r{place}" for place in range(8)))
    yield "a bitmap of eight has one byte", eight.bitmap_bytes == 1


def _trees() -> Iterator[tuple[str, bool]]:
    """Facts about the blocks that a replica has."""
    empty = hotstuff.first_start(_OWN).durable
    yield "genesis is of view 0", tree.view_of(empty, _OWN.genesis) == 0
    yield "genesis is its own parent", tree.parent_certificate(_OWN, empty, _OWN.genesis) == _GENESIS
    yield "genesis is an ancestor of all", tree.is_ancestor(_OWN, empty, _GENESIS, "a" * 64)
    chain = [_FIRST, _SECOND, _THIRD]
    for view in (4, 5, 7):
        chain.append(_block(view, _certificate(chain[-1])))
    fork = _block(6, _certificate(_SECOND))
    stored = [hotstuff.Blocks((block,)) for block in (*chain[:4], fork, *chain[4:])]
    node, _ = _played(*stored, _certificate(chain[4]), _certificate(chain[5]))
    yield "the third is committed", node.durable.committed == proofs.block_digest(_THIRD)
    first, third = _certificate(_FIRST), proofs.block_digest(_THIRD)
    yield "a block is an ancestor of its grandchild", tree.is_ancestor(_OWN, node.durable, first, third)
    for name, snapshot, is_right in _snapshots():
        _, done = _played(_certificate(_FIRST), snapshot)
        refused = [each for each in done if isinstance(each, Refused)]
        yield f"{name} is taken: {is_right}", (not refused) == is_right
    yield "forks behind it are dropped", proofs.block_digest(fork) not in node.durable.blocks
    made = sync.snapshot_of(node)
    yield "its state is proved", made is not None and proofs.snapshot_flaw(_OWN, made) == ""
    node, _ = _played(*stored, _certificate(chain[4]), config=attrs.evolve(_OWN, retained=1))
    after, _ = hotstuff.step(node, Receive(hotstuff.Blocks(tuple(chain[4:0:-1]))))
    yield "blocks that were dropped are not kept again", after.durable.blocks == node.durable.blocks


def _locks() -> Iterator[tuple[str, bool]]:
    """Blocks for which a locked replica may vote, and one for which it may not."""
    locked, later, earlier = _block(2, _GENESIS, "a"), _block(3, _GENESIS, "b"), _block(1, _GENESIS, "c")
    for parent, is_safe in ((locked, True), (later, True), (earlier, False)):
        block = _block(4, _certificate(parent))
        known = {proofs.block_digest(each): each for each in (locked, later, earlier, block)}
        durable = attrs.evolve(
            hotstuff.first_start(_OWN).durable, lock=_certificate(locked), blocks=known, voted=3
        )
        found = rules.safe_node(_OWN, durable, proofs.block_digest(block), block.justify)
        yield f"a lock of view 2, a parent of view {parent.view}: safe is {is_safe}", found == is_safe


def _chains() -> Iterator[tuple[str, bool]]:
    """The commits of blocks in a row, and the higher one of two certificates."""
    fourth, late = _block(4, _certificate(_THIRD)), _block(5, _certificate(_THIRD))
    first = _block(3, _certificate(_FIRST))
    skips = _block(4, _certificate(first))
    named = {
        each: proofs.block_digest(each) for each in (_FIRST, _SECOND, _THIRD, fourth, late, first, skips)
    }
    durable = attrs.evolve(
        hotstuff.first_start(_OWN).durable, blocks={digest: block for block, digest in named.items()}
    )
    for block, commits in (
        (_SECOND, None), (_THIRD, named[_FIRST]), (fourth, named[_SECOND]), (late, None), (skips, None),
    ):  # fmt: skip
        found = rules.commit_for(durable, named[block])
        yield f"the block of view {block.view} commits {commits}", found == commits
    one, later = _certificate(_FIRST), _certificate(_SECOND)
    other = attrs.evolve(one, signers=bytes([0b1110]))
    highest = (rules.higher(one, other), rules.higher(one, later), rules.higher(later, one))
    yield "of two certificates of one view the first is kept, else the later", highest == (one, later, later)


def _views() -> Iterator[tuple[str, bool]]:
    """The rules by which views begin, each on both sides of its bounds. n = 4, f = 1."""
    durable = hotstuff.first_start(_OWN).durable
    highs = {0: _GENESIS, 1: _certificate(_FIRST), 2: _certificate(_SECOND)}

    def told(*views: tuple[str, int, int]) -> dict[NodeId, hotstuff.Timeout]:
        """The time-outs of these replicas: of which view, with a certificate of which view."""
        return {
            name: proofs.sign_timeout(_CONFIGS[name], view, highs[high], None) for name, view, high in views
        }

    for given_up, joins in (
        ((), 0),
        ((("r1", 5, 0),), 0),
        ((("r0", 9, 0), ("r1", 5, 0)), 0),
        ((("r1", 5, 0), ("r2", 4, 0)), 4),
        ((("r1", 3, 0), ("r2", 7, 0), ("r3", 5, 0)), 5),
        ((("r0", 9, 0), ("r1", 3, 0), ("r2", 7, 0), ("r3", 5, 0)), 5),
    ):
        yield (
            f"after {given_up} a replica joins view {joins}",
            rules.view_to_join(_OWN, told(*given_up), "r0") == joins,
        )

    for high, view, begins in ((0, 1, True), (1, 2, True), (1, 3, False), (2, 2, False)):
        known = attrs.evolve(durable, high=highs[high])
        yield (
            f"with a certificate of view {high} alone, view {view} begins: {begins}",
            rules.has_new_views(_OWN, known, view, ()) is begins,
        )
    for entry_view, tops, begins in (
        (4, (0, 1, 0), True),
        (4, (1, 0, 2), False),
        (4, (2, 0, 0), False),
        (3, (0, 0, 0), False),
        (5, (0, 0, 0), False),
    ):
        entry = attrs.evolve(_entry(entry_view), high_views=tops)
        known = attrs.evolve(durable, high=highs[1], entry=entry)
        yield (
            f"with time-outs of view {entry_view} that know {tops}, view 5 begins: {begins}",
            rules.has_new_views(_OWN, known, 5, ()) is begins,
        )
    for given_up, begins in (
        ((("r1", 4, 0), ("r2", 4, 1), ("r3", 4, 1)), True),
        ((("r0", 4, 0), ("r1", 4, 0), ("r2", 4, 1), ("r3", 4, 1)), True),
        ((("r1", 4, 0), ("r2", 4, 1)), False),
        ((("r1", 4, 0), ("r2", 4, 1), ("r3", 4, 2)), False),
        ((("r1", 4, 0), ("r2", 4, 1), ("r3", 3, 1)), False),
        ((("r1", 4, 0), ("r2", 4, 1), ("r3", 5, 1)), False),
    ):
        known = attrs.evolve(durable, high=highs[1])
        yield (
            f"after {given_up} a leader of view 5 that knows view 1 may propose: {begins}",
            rules.has_new_views(_OWN, known, 5, told(*given_up).values()) is begins,
        )
    twice = list(told(("r1", 4, 0), ("r2", 4, 0)).values())
    yield (
        "one that says it twice counts once",
        not rules.has_new_views(_OWN, attrs.evolve(durable, high=highs[1]), 5, [*twice, twice[0]]),
    )
    yield "the next leader collects the votes", rules.leads_next(_OWN, _SECOND) == _OWN.leader(3)


def _facts() -> Iterator[tuple[str, bool]]:
    """All that is to be so, and whether it is."""
    for told in (_behaviour, _configurations, _locks, _chains, _views, _limits, _trees):
        yield from told()
    flaws: tuple[tuple[Callable[[], Iterator[tuple[str, Any, bool]]], Callable[[Any], bool]], ...] = (
        (_shapes, lambda made: SHAPES.rejection(_OWN, made) == ""),
        (_certificates, lambda made: proofs.certificate_flaw(_OWN, made) == ""),
        (_snapshots, lambda made: proofs.snapshot_flaw(_OWN, made) == ""),
        (_messages, _is_taken),
    )
    for made, is_taken in flaws:
        yield from (
            (f"{name} is taken: {is_right}", is_taken(each) == is_right) for name, each, is_right in made()
        )


def near_misses(context: Context) -> Outcome:
    """Whatever differs by one part from what proves something is refused."""
    context.progress("near misses")
    facts = list(_facts())
    wrong = [f"not so: {what}" for what, is_so in facts if not is_so]
    figures = {"tried": len(facts), "wrong": len(wrong)}
    if wrong:
        return Outcome(
            verdict=Verdict.violated("NearMisses", wrong[0]), figures=figures, message="\n".join(wrong)
        )
    return Outcome(verdict=Verdict.sampled(len(facts), context.seed), figures=figures)
