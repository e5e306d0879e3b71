"""The stateful test of voting: Hypothesis chooses what happens to correct voters and counters, and what liars say.

Liars sign anything in their own names, each counter something else; they are silent, replay, alter and recombine what
anybody ever signed. In the end an honest coordinator opens a round, and there must be a verdict.
"""

from collections import Counter
from typing import Any, ClassVar, Final

import attrs
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from impl import vote
from property_tests.vote.world import Broken, World
from tlacheck.harness.seeded import run_seeded
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["INTERESTING", "VoteMachine", "run_machine", "stateful"]

#: What a run of many examples must meet, or it says nothing.
INTERESTING: Final = (
    "decided APPROVE",
    "decided REJECT",
    "decided after a retry",
    "no consensus",
    "a liar is convicted",
    "bound",
    "free again",
    "a voter refuses",
    "finished",
)

_ANY: Final = st.integers(0, 1 << 16)
_CHOICE: Final = st.sampled_from(vote.CHOICES)
_KIND: Final = st.sampled_from([vote.Vote, vote.Vote, vote.Confirm, vote.Retry])


def _picked(items: Any, number: int) -> Any:
    several = tuple(items)
    return several[-1 - number % len(several)]


class VoteMachine(RuleBasedStateMachine):
    """A ballot of four to seven voters with as many liars as may be."""

    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(4, frozenset({"v3"}))

    @initialize(n=st.sampled_from([4, 4, 5, 7]), first=_ANY)
    def begin(self, n: int, first: int) -> None:
        chosen = {f"v{first % n}"} if n < 7 else {f"v{first % n}", f"v{(first + 3) % n}"}
        self.world = World(n, frozenset(chosen))

    # --- correct voters, counters, the network

    @rule(choice=_CHOICE, other=_ANY)
    def all_vote(self, choice: str, other: int) -> None:
        """All want the same but one; each votes for what it is bound to if it is."""
        for name, voter in list(self.world.voters.items()):
            own = vote.REJECT if name == _picked(self.world.voters, other) else choice
            self.world.take(name, vote.Cast(voter.durable.bound or own))

    @rule(who=_ANY, choice=_CHOICE)
    def one_votes(self, who: int, choice: str) -> None:
        self.world.take(_picked(self.world.voters, who), vote.Cast(choice))

    @rule(who=_ANY)
    def all_to_one_counter(self, who: int) -> None:
        """A counter hears all that was sent, latest last."""
        number = who % len(self.world.counters)
        for message in list(self.world.sent):
            self.world.tell(number, message)

    @rule(who=_ANY, which=_ANY)
    def one_message_to_a_counter(self, who: int, which: int) -> None:
        if self.world.sent:
            self.world.tell(who % len(self.world.counters), _picked(self.world.sent, which))

    @rule(who=st.sets(_ANY, max_size=6), kind=st.sampled_from([vote.Certificate, vote.Opening]), which=_ANY)
    def voters_hear_of_counters(self, who: set[int], kind: type[Any], which: int) -> None:
        """Some hear a certificate or an opening that some counter has made."""
        if made := self.world.of(kind):
            for name in sorted({_picked(self.world.voters, number) for number in who}):
                self.world.take(name, vote.Receive(_picked(made, which)))

    @rule(which=_ANY)
    def all_hear_the_last(self, which: int) -> None:
        """All but one hear the last certificate and the last opening."""
        spared = _picked(self.world.voters, which)
        for kind in (vote.Opening, vote.Certificate):
            if made := self.world.of(kind):
                for name in list(self.world.voters):
                    if name != spared:
                        self.world.take(name, vote.Receive(made[-1]))

    @rule(who=st.sets(_ANY, min_size=1, max_size=6))
    def some_give_up(self, who: set[int]) -> None:
        for name in sorted({_picked(self.world.voters, number) for number in who}):
            self.world.take(name, vote.GiveUp())

    @rule(who=_ANY)
    def all_give_up_but_one(self, who: int) -> None:
        spared = _picked(self.world.voters, who)
        for name in list(self.world.voters):
            if name != spared:
                self.world.take(name, vote.GiveUp())

    @rule(who=_ANY, counter=_ANY)
    def crash(self, who: int, counter: int) -> None:
        self.world.restart(_picked(self.world.voters, who))
        self.world.restart_counter(counter % len(self.world.counters))

    # --- liars

    @rule(who=_ANY, counter=_ANY, kind=_KIND, choice=_CHOICE, number=st.integers(1, 5), lock=_ANY)
    def liar_says(
        self, who: int, counter: int, kind: type[Any], choice: str, *, number: int, lock: int
    ) -> None:
        """To one counter something that it keeps from the others; of a real certificate, or a made-up one."""
        locks = [None, *self.world.of(vote.Certificate)]
        made = self.world.lie(
            _picked(sorted(self.world.liars), who), kind, number, choice, _picked(locks, lock)
        )
        self.world.tell(counter % len(self.world.counters), made)

    @rule(number=st.integers(1, 4))
    def liars_help_differently(self, number: int) -> None:
        """To one counter all liars approve and confirm that, to another they reject."""
        for counter, choice in enumerate(vote.CHOICES):
            for kind in (vote.Vote, vote.Confirm):
                for source in sorted(self.world.liars):
                    self.world.tell(counter, self.world.lie(source, kind, number, choice))

    @rule(which=_ANY, changed=st.sampled_from(["choice", "round", "source", "ballot", "signature"]), who=_ANY)
    def somebody_alters(self, which: int, changed: str, who: int) -> None:
        """What was signed, with a field changed, under the old signature."""
        signed = [each for each in self.world.sent if isinstance(each, vote.Vote | vote.Confirm | vote.Retry)]
        if not signed:
            return
        said: Any = _picked(signed, which)
        values = {
            "choice": vote.REJECT if getattr(said, "choice", "") == vote.APPROVE else vote.APPROVE,
            "round": said.round + 1,
            "source": _picked(self.world.ballots, who),
            "ballot": "another",
            "signature": b"no",
        }
        if hasattr(said, changed):
            self.world.tell(who % len(self.world.counters), attrs.evolve(said, **{changed: values[changed]}))

    @rule(who=_ANY, number=st.integers(1, 4), choice=_CHOICE, mode=st.integers(0, 4), kind=st.booleans())
    def lying_counter(self, who: int, number: int, choice: str, mode: int, *, kind: bool) -> None:
        """A counter carries what proves nothing: too few, of several rounds, for several choices, the same twice."""
        votes: list[Any] = [
            *(each for each in self.world.of(vote.Vote) if mode == 3 or each.choice == choice),
            *(self.world.lie(source, vote.Vote, number, choice) for source in sorted(self.world.liars)),
        ]
        if mode != 2:
            votes = [each for each in votes if each.round == number]
        if mode == 1:
            votes += [
                self.world.lie(source, vote.Vote, number, choice) for source in sorted(self.world.liars)
            ]
        if mode in (3, 2, 0):
            votes = list({each.source: each for each in votes}.values())
        made: Any = vote.Certificate(tuple(votes[: self.world.public.n]))
        name = _picked(self.world.voters, who)
        if kind:
            source = _picked(sorted(self.world.liars), who)
            held = {each.source: each for each in self.world.of(vote.Retry) if each.round == number + 1}
            held[source] = self.world.lie(source, vote.Retry, number + 1, choice, made)
            made = vote.Opening(tuple(held.values()))
        self.world.take(name, vote.Receive(made))

    @rule(who=_ANY, number=st.integers(1, 4), choice=_CHOICE, mode=st.integers(0, 2))
    def lying_verdict(self, who: int, number: int, choice: str, mode: int) -> None:
        """Somebody shows a verdict of too few confirmations, of several rounds, or of votes."""
        of_kind = self.world.of(vote.Vote if mode == 2 else vote.Confirm)
        confirms: list[Any] = [
            *(each for each in of_kind if each.choice == choice and (mode == 1 or each.round == number)),
            *(self.world.lie(source, vote.Confirm, number, choice) for source in sorted(self.world.liars)),
        ]
        one_each = {each.source: each for each in confirms}
        self.world.tell(who % len(self.world.counters), vote.Verdict(tuple(one_each.values())))

    @rule(who=_ANY, which=_ANY, other=_ANY)
    def false_accusation(self, who: int, which: int, other: int) -> None:
        """Two statements of one voter that were signed are shown as a contradiction."""
        said = [each for each in self.world.sent if isinstance(each, vote.Vote | vote.Confirm | vote.Retry)]
        if said:
            first = _picked(said, which)
            second = _picked([each for each in said if each.source == first.source], other)
            self.world.tell(who % len(self.world.counters), vote.Equivocation(first, second))

    def teardown(self) -> None:
        """Now all hear each other, and are of one mind."""
        self.world.finish()
        type(self).met.update(self.world.met)


def run_machine(
    *, seed: int, examples: int, steps: int = 40, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)
) -> Counter[str]:
    """Play so many ballots.

    Returns:
        How often what was met.

    Raises:
        Broken: something has happened that must not.
    """
    played = type("Played", (VoteMachine,), {"met": Counter()})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )
    run_seeded(played, seed=seed, limits=chosen)
    met: Counter[str] = played.met  # type: ignore[attr-defined]  # a class that is made here
    return met


def stateful(context: Context, *, examples: int = 150, steps: int = 40) -> Outcome:
    """No counters disagree and no correct voter contradicts itself, whatever liars say; and in the end there is a verdict.

    A run that fails is shown shrunk, in the message.
    """
    try:
        met = run_machine(seed=context.seed, examples=examples, steps=steps)
    except Broken as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        return Outcome(verdict=Verdict.violated("Voting", str(error)), message=notes)
    except Exception as raised:  # noqa: BLE001 - a step of a voter or counter is total
        return Outcome(verdict=Verdict.violated("Total", f"{type(raised).__name__}: {raised}"))
    figures = {"examples": examples, **{name.replace(" ", "_"): met[name] for name in INTERESTING}}
    if missing := [name for name in INTERESTING if not met[name]]:
        return Outcome(verdict=Verdict.unknown(f"never met: {', '.join(missing)}"), figures=figures)
    return Outcome(verdict=Verdict.sampled(examples, context.seed), figures=figures)
