"""The stateful test of the guard: Hypothesis chooses what happens to correct replicas, and what f liars say.

Liars sign anything in their own names, to some of the others; they replay, alter and combine what anybody ever
signed; they report evidence made of all that, against anybody. In the end they fall silent, and the others must go on.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import attrs
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from impl.guard import Evidence, Late, Progressed, Reported
from impl.pbft import (
    Checkpoint,
    CheckpointCertificate,
    Commit,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Receive,
    Retransmit,
    State,
    StateResponse,
    SymbolicKeys,
    Timeout,
    ViewChange,
    digest,
    rules,
    signed,
)
from property_tests.guard.world import World, known_batches
from tlacheck.harness.seeded import run_seeded

__all__ = ["INTERESTING", "GuardMachine", "OverrunMachine", "run_machine"]

#: What a run of many examples must meet, or it says nothing.
INTERESTING: Final = (
    "a batch is executed",
    "EnteredView",
    "Transferred",
    "a replica restarts",
    "a liar is quarantined",
    "a message of a quarantined replica is dropped",
    "an accusation of a correct replica",
    "proved: EQUIVOCATION",
    "proved: CONCEALMENT",
    "proved: USURPATION",
    "proved: FALSE_PROOF",
    "refused: FORGED",
    "refused: MALFORMED",
    "refused: EQUIVOCATION",
)

_NUMBERS: Final = st.integers(1, 6)
_VIEWS: Final = st.integers(0, 3)
_ANY: Final = st.integers(0, 1 << 16)
_BOLD: Final = st.sampled_from([False, False, True])
#: By what a liar may give itself away in an example: one that has is no longer heard, which would hide the other ways.
_WAYS: Final = ("out of turn", "contradiction", "concealment", "false proof")
_JUNK: Final = st.sampled_from([None, 0, "", b"x", (), (1,), object(), 0.5, [], {}, "r1", 1 << 70])


def _picked(items: Any, number: int) -> Any:
    """One of them; the later ones are tried first, which are the more interesting ones."""
    several = tuple(items)
    return several[-1 - number % len(several)]


class GuardMachine(RuleBasedStateMachine):
    """A cluster of four or seven with f liars."""

    met: ClassVar[Counter[str]] = Counter()
    overrun: ClassVar[bool] = False
    way = ""

    def __init__(self) -> None:
        super().__init__()
        self.world = World.of(4, ["r3"])

    @initialize(
        n=st.sampled_from([4, 4, 4, 5, 7]), first=_ANY, second=_ANY, way=st.sampled_from(["", *_WAYS])
    )
    def begin(self, n: int, first: int, second: int, way: str) -> None:
        """As many liars as may be, whichever they are; or more, all but one. They lie in all ways, or in one."""
        self.way = way
        if self.overrun:
            self.world = World.of(n, {f"r{k}" for k in range(n)} - {f"r{first % n}", f"r{second % n}"})
            return
        chosen = {f"r{first % n}", f"r{second % n}"} if n == 7 else {f"r{first % n}"}
        self.world = World.of(n, chosen)

    # --- correct replicas, clients, the network -----------------------------------------------------

    @rule(arrive=st.sampled_from([1_000, 1_000, 12]))
    def client_asks(self, arrive: int) -> None:
        """A request reaches all, and is proposed; all that follows arrives, or some of it."""
        self.world.propose()
        self.world.deliver(at_most=arrive)

    @rule(times=st.integers(1, 2))
    def number_is_left_open(self, times: int) -> None:
        """A proposal is lost and the next one is not; then all lose patience: a new view must fill the gap."""
        self.world.propose()
        self.world.in_flight.clear()
        self.world.propose()
        self.world.deliver()
        self.view_is_left(times)

    @rule()
    def messages_arrive(self) -> None:
        """All that is under way arrives, and what comes of it."""
        self.world.deliver()

    @rule(order=_ANY, many=st.integers(1, 40))
    def some_messages_arrive(self, order: int, many: int) -> None:
        """Some of what is under way arrives, in another order."""
        self.world.deliver(lambda length: order % length, many)

    @rule(order=_ANY)
    def messages_are_lost(self, order: int) -> None:
        """A part of what is under way is lost."""
        self.world.in_flight = [
            flight for place, flight in enumerate(self.world.in_flight) if (place + order) % 3
        ]

    @rule(who=st.sets(_ANY, min_size=1, max_size=4))
    def timers_fire(self, who: set[int]) -> None:
        """Some lose patience."""
        for name in sorted({_picked(self.world.nodes, number) for number in who}):
            self.world.take(name, Timeout())

    @rule(times=st.integers(1, 3))
    def views_are_left(self, times: int) -> None:
        """A batch is executed, and then all lose patience together, and again."""
        self.client_asks(1_000)
        self.view_is_left(times)

    def view_is_left(self, times: int) -> None:
        """All lose patience together, and again."""
        for _ in range(times):
            for name in list(self.world.nodes):
                self.world.take(name, Timeout())
            self.world.deliver()

    @rule(who=_ANY)
    def replica_restarts(self, who: int) -> None:
        """A crash, and the return."""
        self.world.restart(_picked(self.world.nodes, who))

    @rule(who=_ANY)
    def replica_repeats_itself(self, who: int) -> None:
        """All that others may have missed."""
        self.world.take(_picked(self.world.nodes, who), Retransmit())

    @rule(who=_ANY, whom=_ANY, by_ms=st.integers(-5, 100_000))
    def somebody_is_late(self, who: int, whom: int, by_ms: int) -> None:
        """Correct ones too are, for the network is slow."""
        late = _picked(self.world.config.replicas, whom)
        self.world.tell(_picked(self.world.nodes, who), Late(late, by_ms))

    @rule(who=_ANY)
    def one_is_left_behind(self, who: int) -> None:
        """The others go on without one for a while, until it needs a state of theirs."""
        world = self.world
        backups = [name for name, node in world.nodes.items() if not node.is_primary]
        behind = _picked(backups or world.nodes, who)
        for _ in range(4):
            world.propose()
            for _ in range(12):
                world.in_flight = [flight for flight in world.in_flight if flight[1] != behind]
                world.deliver(at_most=20)
                world.help()
        for name in list(world.nodes):
            world.take(name, Retransmit())

    # --- what liars say -----------------------------------------------------------------------------

    def _liar(self, number: int) -> str:
        return str(_picked(sorted(self.world.liars), number))

    def _may(self, way: str) -> bool:
        """Return whether liars may give themselves away like this."""
        return self.way in ("", way)

    def _some(self, whom: set[int]) -> set[str] | None:
        return {_picked(self.world.nodes, number) for number in whom} or None

    @rule(who=_ANY, whom=st.sets(_ANY, max_size=2), what=_ANY, view=_VIEWS, seq=_NUMBERS, bold=_BOLD)
    def liar_votes(self, who: int, whom: set[int], what: int, view: int, seq: int, *, bold: bool) -> None:
        """A vote of any kind, for anything; a bold one does not mind its role, which gives it away."""
        liar, batch = self._liar(who), _picked(known_batches(self.world), what // 4)
        leads = self.world.config.primary(view) == liar
        vote: Message
        match what % 4 if bold and self._may("out of turn") else (2, 3, 1 - leads)[what % 3]:
            case 0:
                vote = PrePrepare(view=view, seq=seq, batch=batch, source=liar)
            case 1:
                vote = Prepare(view=view, seq=seq, digest=digest(batch), source=liar)
            case 2:
                vote = Commit(view=view, seq=seq, digest=digest(batch), source=liar)
            case _:
                vote = Checkpoint(seq=2 * seq, digest=digest(batch), source=liar)
        self.world.lie(liar, vote, self._some(whom))

    @rule(who=_ANY, which=_ANY, what=_ANY)
    @precondition(lambda self: self._may("contradiction"))
    def liar_contradicts_itself(self, who: int, which: int, what: int) -> None:
        """What it said, or might have said with good reason, and then the same for another batch."""
        liar = self._liar(who)
        self._see_a_proposal()
        proposals = [each for each in self.world.pool if isinstance(each, PrePrepare) and each.source != liar]
        if proposals:
            real = _picked(proposals, which)
            other = _picked([each for each in known_batches(self.world) if each != real.batch], what)
            vote = Commit(view=real.view, seq=real.seq, digest=digest(real.batch), source=liar)
            self.world.lie(liar, vote)
            self.world.lie(liar, attrs.evolve(vote, digest=digest(other)))

    def _see_a_proposal(self) -> None:
        """Somebody has proposed something: else there is nothing to lie about."""
        if not any(isinstance(each, PrePrepare) for each in self.world.pool):
            self.client_asks(1_000)

    @rule(who=_ANY)
    @precondition(lambda self: self._may("concealment"))
    def liar_conceals(self, who: int) -> None:
        """It commits, and leaves as if it had not."""
        liar, world = self._liar(who), self.world
        world.help()
        world.deliver(at_most=20)
        view = 1 + max(node.durable.view for node in world.nodes.values())
        base = CheckpointCertificate(seq=0, digest=digest(world.config.first_state))
        world.lie(liar, ViewChange(view=view, checkpoint=base, certificates=(), source=liar))

    @rule()
    def liars_help(self) -> None:
        """They vote as they should."""
        self.world.help()

    @rule(
        who=_ANY,
        whom=st.sets(_ANY, max_size=2),
        view=st.integers(1, 3),
        told=st.lists(_ANY, max_size=2),
        bold=_BOLD,
    )
    def liar_leaves(self, who: int, whom: set[int], view: int, told: list[int], *, bold: bool) -> None:
        """A view change with certificates that it picks, or with none; a bold one makes them up."""
        bold = bold and self._may("false proof")
        if bold:
            self._see_a_proposal()
        liar, certificates = self._liar(who), self._certificates(made=bold)
        bases = [CheckpointCertificate(seq=0, digest=digest(self.world.config.first_state))]
        if bold:
            bases += [each.checkpoint for each in self.world.pool if isinstance(each, ViewChange)]
        chosen = [_picked(certificates, number) for number in told] if certificates else []
        if not bold:
            chosen = sorted({each.seq: each for each in chosen}.values(), key=lambda each: each.seq)
        change = ViewChange(
            view=view, checkpoint=_picked(bases, sum(told)), certificates=tuple(chosen), source=liar
        )
        self.world.lie(liar, change, self._some(whom))

    def _certificates(self, *, made: bool) -> list[PreparedCertificate]:
        """Those that somebody told of, or what can be made of votes by who does not care."""
        pool = self.world.pool
        told = [each for change in pool if isinstance(change, ViewChange) for each in change.certificates]
        if not made:
            return told
        return [
            PreparedCertificate(
                pre_prepare=proposal,
                prepares=tuple(
                    vote
                    for vote in pool
                    if isinstance(vote, Prepare) and (vote.view, vote.seq) == (proposal.view, proposal.seq)
                )[: self.world.config.quorum - 1],
            )
            for proposal in pool
            if isinstance(proposal, PrePrepare)
        ]

    @rule(who=_ANY, whom=st.sets(_ANY, max_size=2), view=st.integers(1, 4), bold=_BOLD, skip=_ANY)
    def liar_begins_a_view(self, who: int, whom: set[int], view: int, *, bold: bool, skip: int) -> None:
        """A new view, of view changes that are there, with what follows from them or with nothing."""
        liar = self._liar(who)
        bold = bold and self._may("false proof")
        if not bold:
            view = self.world.config.replicas.index(liar) or self.world.config.n
        changes = [each for each in self.world.pool if isinstance(each, ViewChange) and each.view == view]
        quorum = self.world.config.quorum
        chosen = tuple(changes[skip % (1 + max(0, len(changes) - quorum)) :][:quorum])
        follows = rules.reproposals(chosen) if chosen and not bold else ()
        proposals = tuple(
            signed(PrePrepare(view=view, seq=seq, batch=batch, source=liar), SymbolicKeys(liar))
            for seq, batch in follows
        )
        if not bold and len(chosen) < quorum:
            return
        begun = NewView(view=view, view_changes=chosen, proposals=proposals, source=liar)
        self.world.lie(liar, begun, self._some(whom))

    @rule(who=_ANY, which=_ANY)
    def liar_offers_a_state(self, who: int, which: int) -> None:
        """A state that is not the one of its checkpoint."""
        proofs = [each.checkpoint for each in self.world.pool if isinstance(each, ViewChange | StateResponse)]
        if proofs:
            liar = self._liar(who)
            offered = StateResponse(checkpoint=_picked(proofs, which), state=State(("x",)), source=liar)
            self.world.lie(liar, offered)

    @rule(who=_ANY, what=_ANY, place=_ANY, value=st.one_of(_JUNK, _VIEWS), changed=st.booleans())
    def liar_replays(self, who: int, what: int, place: int, value: Any, *, changed: bool) -> None:
        """What anybody said once is said again, to all, perhaps with another field: that signature holds no more."""
        if self.world.pool:
            message = _picked(self.world.pool, what)
            self.world.send(self._liar(who), _altered(message, place, value) if changed else message)

    @rule(who=_ANY, whom=_ANY, accused=_ANY, several=st.lists(_ANY, max_size=3), how=st.integers(0, 3))
    def liar_accuses(self, who: int, whom: int, accused: int, several: list[int], how: int) -> None:
        """Evidence of what anybody signed, as it is, or altered, or made to look as if it were the accused's."""
        liar, target = self._liar(who), _picked(self.world.config.replicas, accused)
        said = [each for each in self.world.pool if getattr(each, "source", None) == target] if how else []
        pool = said or self.world.pool
        several = several if pool else []
        messages = tuple(_picked(pool, number) for number in several)
        if how == 2:
            messages = tuple(
                _altered(each, number, 3) for each, number in zip(messages, several, strict=True)
            )
        if how == 3:
            messages = tuple(
                signed(_altered(each, number, 3), SymbolicKeys(liar))
                for each, number in zip(messages, several, strict=True)
            )
        if target not in self.world.liars:
            self.world.met["an accusation of a correct replica"] += 1
        evidence = Evidence(accused=target, messages=messages)
        self.world.tell(_picked(self.world.nodes, whom), Reported(evidence, liar))

    @rule(who=_ANY, whom=_ANY, vote=_ANY, what=_ANY)
    def liar_frames(self, who: int, whom: int, vote: int, what: int) -> None:
        """A vote of a correct replica, beside one that it never gave, and a view change: the liar signs these itself."""
        liar, name = self._liar(who), _picked(self.world.nodes, whom)
        if others := [other for other in self.world.nodes if other != name]:
            view = 1 + self.world.nodes[name].durable.view
            base = CheckpointCertificate(seq=0, digest=digest(self.world.config.first_state))
            leaves = ViewChange(view=view, checkpoint=base, certificates=(), source=_picked(others, vote))
            self.world.take(name, Receive(signed(leaves, SymbolicKeys(liar))), liar)
        votes = [
            each
            for each in self.world.pool
            if isinstance(each, Prepare | Commit | Checkpoint) and each.source in self.world.nodes
        ]
        if votes:
            real = _picked(votes, vote)
            made = attrs.evolve(real, digest=digest(_picked(known_batches(self.world), what)))
            evidence = Evidence(accused=real.source, messages=(real, signed(made, SymbolicKeys(liar))))
            self.world.met["an accusation of a correct replica"] += 1
            self.world.tell(name, Reported(evidence, liar))
            self.world.send(liar, signed(made, SymbolicKeys(liar)))

    @rule(who=_ANY, whom=_ANY, junk=_JUNK, second=_JUNK)
    def liar_talks_nonsense(self, who: int, whom: int, junk: Any, second: Any) -> None:
        """What has no shape at all."""
        liar, name = self._liar(who), _picked(self.world.nodes, whom)
        self.world.tell(name, Reported(Evidence(accused=junk, messages=second), liar))
        self.world.tell(name, Reported(junk, liar))
        self.world.tell(name, Progressed(junk, second))
        self.world.take(name, Receive(junk), liar)

    # --- what must hold -----------------------------------------------------------------------------

    @invariant()
    def no_correct_replica_is_taken_for_faulty(self) -> None:
        """The property: whatever happened before."""
        self.world.check()

    def teardown(self) -> None:
        """What is under way arrives. All that was ever signed convicts liars only; and without them the others go on."""
        self.world.deliver()
        self.world.check()
        self.world.check_at_the_end()
        GuardMachine.met.update(self.world.met)
        if self.world.is_overrun:
            return
        self.world.heal()
        self.world.check()
        self.world.check_at_the_end()


def _altered(message: Message, place: int, value: Any) -> Any:
    """A message with another value in a field, and the signature that it had."""
    field = _picked(attrs.fields(type(message)), place)
    old = getattr(message, field.name)
    if value == old:
        return message
    alike = type(value) is type(old) or not isinstance(old, int)
    return attrs.evolve(message, **{field.name: value if alike else old + 1})


class OverrunMachine(GuardMachine):
    """The same with all but one or two replicas as liars: agreement is lost, and yet nobody is framed by signatures."""

    overrun = True


def run_machine(
    *,
    seed: int,
    examples: int,
    steps: int = 30,
    phases: Iterable[Phase] = tuple(Phase),
    machine: type[GuardMachine] = GuardMachine,
) -> Counter[str]:
    """Run the machine, and say how often what happened.

    Raises:
        AssertionError: `world.Broken` if a run shows what must not be.
    """
    GuardMachine.met = Counter()
    run_seeded(
        machine,
        seed=seed,
        limits=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=tuple(phases),
            deadline=None,
            database=None,
            derandomize=False,  # the profile for CI would ignore the seed
            report_multiple_bugs=False,
            suppress_health_check=tuple(HealthCheck),
        ),
    )
    return GuardMachine.met
