"""What may happen to a cluster of the hybrid: clients, time, faults, attacks that begin and end, drawn from a seed.

`endure` plays so many steps of it, in rounds. In each round traitors do anything for a while; then they attack loudly, so that
the level goes up to the top and the cluster changes to BFT; then they do anything again. At the end of the round all faults
end, and the cluster must serve whatever the traitors do; then they become quiet, and it must return to Raft and serve. It is
the run of a soak (`soak.py`) and of the checks of `verify`.
"""

from collections.abc import Mapping
from typing import Final

from impl import hybrid, pbft
from property_tests.enduring import Endured, endured
from property_tests.hybrid.cluster import Cluster, Setting
from property_tests.hybrid.journal import Journal
from property_tests.hybrid.recording import recorded
from property_tests.hybrid.strategies import LOUD, QUIET, STRATEGIES
from property_tests.moves import Moves

__all__ = [
    "EACH_RUN",
    "INTERESTING",
    "MOVES",
    "THERE_AND_BACK",
    "Endured",
    "Script",
    "endure",
]

#: What each run must do, or it says nothing of switches.
THERE_AND_BACK: Final = "a run switches there and back"
EACH_RUN: Final = ("switch: raft to bft", "switch: bft to raft")

#: The situations that runs must meet, all together, or they say nothing.
INTERESTING: Final = (
    THERE_AND_BACK,
    *EACH_RUN,
    "switch: raft to raft",
    "level: LOW",
    "level: MEDIUM",
    "level: HIGH",
    "level: CRITICAL",
    "level: NONE",
    "stopped: threat",
    "stopped: standstill",
    "stopped: long",
    "stopped: joined",
    "an operation is believed by a seal",
    "an operation is believed in the book",
    "a close takes over a chain",
    "a replica learns from a close what it did not hold",
    "a tentative execution is undone",
    "a replica skips an epoch",
    "a leader is elected",
    "a view is entered",
    "a state is transferred",
    "a traitor is proved faulty",
    "a replica comes back from a crash",
    "a replica comes back stopped",
    "a step is lost in a crash",
    "all faults end and the cluster makes progress",
    "the attack ends and a Raft epoch serves",
    *(f"strategy: {name}" for name in STRATEGIES),
)

#: What may happen next -> how often.
MOVES: Final = {
    "time_passes": 60,
    "clients_ask": 40,
    "a_client_lies": 2,
    "a_traitor_thinks_again": 2,
    "traitors_conspire": 2,
    "a_traitor_stands_for_election": 4,
    "a_stranger_makes_noise": 1,
    "some_lose_patience": 2,
    "a_message_is_lost": 4,
    "a_message_is_doubled": 4,
    "a_message_is_early": 3,
    "a_message_is_late": 4,
    "the_network_is_bad": 1,
    "the_network_parts": 2,
    "a_link_is_cut": 2,
    "the_network_heals": 8,
    "a_replica_crashes": 2,
    "a_replica_crashes_in_a_step": 3,
    "a_replica_comes_back": 8,
    "a_replica_pauses": 1,
    "a_replica_resumes": 5,
}

#: What happens while traitors attack: nothing else that would hold the level down.
_STORM: Final = {"time_passes": 60, "clients_ask": 30, "a_message_is_doubled": 2, "a_message_is_late": 2}

#: Of each round the part before the attack, and how long that lasts at most, virtual milliseconds.
_BEFORE: Final = 0.4
_STORM_MS: Final = 6_000

#: How often one is left behind after an attack, and for how long, virtual milliseconds.
_BEHIND: Final = 0.25
_BEHIND_MS: Final = 1_500

#: How often views change in a row after an attack, and what traitors do then, of which one sees little elsewhere.
_VIEWS: Final = 0.25
_OF_PRIMARIES: Final = ("pbft: stale certificates", "pbft: wrong new views", "pbft: tampered batches")


def endure(
    seed: int,
    *,
    steps: int,
    setting: Setting | None = None,
    rest_every: int = 2_500,
    only: frozenset[str] | None = None,
    strategy: str = "",
    against_spec: bool = False,
    command: str = "",
) -> Endured:
    """One run under all faults, with traitors; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps correct replicas take at least.
        setting: which cluster.
        rest_every: how many steps a round has.
        only: which properties end the run; all if None.
        strategy: what traitors do outside of attacks and quiet times; anything if empty.
        against_spec: whether each step must be one that the spec allows, besides.
        command: the command that makes this run again, for the trace.

    Raises:
        ConfigError: the spec has no configuration for such a cluster.
    """
    setting = setting or Setting()
    journal: Journal | None = None
    if against_spec:
        cluster, journal = recorded(setting, seed=seed, only=only, command=command)
    else:
        cluster = Cluster(setting, seed=seed, only=only)
    script = Script(cluster, seed, strategy=strategy)

    def play() -> None:
        while cluster.steps < steps:
            script.round(min(steps, cluster.steps + rest_every))
        cluster.judge_history()

    run = endured(cluster, journal, play, seed=seed)
    run.sometimes[THERE_AND_BACK] = all(run.sometimes[name] for name in EACH_RUN)
    return run


class Script(Moves[Cluster]):
    """What may happen to a cluster; each does nothing where it cannot.

    Args:
        cluster: the cluster.
        seed: decides what happens.
        moves: what may happen, and how often.
        strategy: what traitors do outside of attacks and quiet times; anything if empty.
    """

    def __init__(
        self, cluster: Cluster, seed: int, *, moves: Mapping[str, int] | None = None, strategy: str = ""
    ) -> None:
        super().__init__(cluster, seed, moves or MOVES)
        self._only = strategy
        self._lies = 0
        self.traitors_conspire()

    # --- a round

    def round(self, until: int) -> None:
        """One round, up to so many steps of the run or a few more.

        Raises:
            Violated: a property does not hold.
        """
        cluster = self._cluster
        before = cluster.steps + int(_BEFORE * (until - cluster.steps))
        while cluster.steps < before:
            self.move()
        self.attack()
        drawn = self._rng.random()
        if drawn < _BEHIND:
            self.leave_one_behind()
        elif drawn < _BEHIND + _VIEWS:
            self.change_views()
        self.traitors_conspire()
        while cluster.steps < until:
            self.move()
        cluster.heal()
        cluster.expect_progress()
        quiet = self._rng.choice(QUIET)
        for traitor in sorted(cluster.den.traitors):
            cluster.betray(traitor, quiet)
        cluster.expect_return()

    def attack(self) -> None:
        """Traitors are loud, and strangers too, until all correct replicas are at the highest level; for some time at most."""
        cluster = self._cluster
        cluster.heal()
        loud = self._rng.choice(LOUD)
        for traitor in sorted(cluster.den.traitors):
            cluster.betray(traitor, loud)
        until_ms = cluster.world.now_ms + _STORM_MS
        while cluster.world.now_ms < until_ms:
            self.move(_STORM)
            self.a_stranger_makes_noise()
            nodes = [cluster.node(name) for name in cluster.correct]
            if all(hybrid.threat_level(node) == "CRITICAL" and node.is_bft for node in nodes):
                return

    def leave_one_behind(self) -> None:
        """PBFT goes on without a correct replica, which then must be told the state; traitors tell it another one."""
        cluster = self._cluster
        for traitor in sorted(cluster.den.traitors):
            cluster.betray(traitor, self._only or "pbft: wrong states")
        cluster.inflict("partition", island=[self._victim()])
        for for_ms in (_BEHIND_MS, _BEHIND_MS // 2):
            until_ms = cluster.world.now_ms + for_ms
            while cluster.world.now_ms < until_ms:
                self.move(_STORM)
            cluster.heal()

    def change_views(self) -> None:
        """Views of PBFT change in a row while batches are on their way, until each replica was primary once."""
        cluster = self._cluster
        strategy = self._only or self._rng.choice(_OF_PRIMARIES)
        for traitor in sorted(cluster.den.traitors):
            cluster.betray(traitor, strategy)
        for _ in cluster.setting.names:
            for _ in range(self._rng.randint(1, 3)):
                self.clients_ask()
                self.time_passes()
            for name in cluster.correct:
                cluster.lose_patience(name, hybrid.ViewTimeout())
            self.time_passes()

    # --- clients, strangers and traitors

    def clients_ask(self) -> None:
        names = self._cluster.setting.clients
        for client in self._rng.sample(names, self._rng.choice((1, 1, 2, len(names)))):
            self._cluster.ask(client, self._operation())

    def _operation(self) -> pbft.Value:
        rng, key = self._rng, self._rng.choice(("a", "b"))
        item = rng.randrange(4)
        return rng.choice((("get", key), ("put", key, item), ("cas", key, item, rng.randrange(4))))

    def a_client_lies(self) -> None:
        """A client signs what it likes: other operations under one sequence, sequences left out, to some replicas only."""
        rng, names = self._rng, self._cluster.setting.names
        self._lies += rng.choice((0, 1, 5))
        what: pbft.Value = ("put", "x", rng.randrange(1_000))
        sequence = rng.choice((1, 2, self._lies + 1, 1 << 40))
        request = pbft.Request(
            client="x0" if sequence < 1 << 40 else f"x{self._lies}",
            timestamp=self._lies + 1,
            operation=("operate", sequence, what),
        )
        request = pbft.signed(request, pbft.SymbolicKeys(request.client))
        self._cluster.give(request, rng.sample(names, rng.randint(1, len(names))))

    def a_stranger_makes_noise(self) -> None:
        """Somebody sends nonsense to a few."""
        for name in self._rng.sample(self._cluster.correct, self._cluster.configs["r0"].f + 1):
            self._cluster.disturb(name, "nonsense")

    def traitors_conspire(self) -> None:
        """All traitors follow the same strategy; one of them would like to lead."""
        super().traitors_conspire()
        self.a_traitor_stands_for_election()

    def a_traitor_stands_for_election(self) -> None:
        """Many of the lies are a leader's."""
        if traitors := sorted(self._cluster.den.traitors):
            self._cluster.lose_patience(self._rng.choice(traitors), hybrid.ElectionTimeout())

    def strategy(self) -> str:
        """Any strategy, or the one that there is."""
        return self._only or self._rng.choice(STRATEGIES)

    def some_lose_patience(self) -> None:
        """Timers of a few replicas fire too early, or those of most."""
        names = self._cluster.correct
        timer = self._rng.choice((hybrid.ViewTimeout(), hybrid.ElectionTimeout(), hybrid.ElectionTimeout()))
        for name in self._rng.sample(names, self._rng.choice((1, 1, len(names) - 1, len(names)))):
            self._cluster.lose_patience(name, timer)
