"""What may happen to a PBFT cluster: clients, time, faults and what traitors are up to, drawn from a seed.

`endure` plays so many steps of it, and lets all faults but the traitors' end again and again in between: then the
cluster must make progress. It is the run of a soak (`soak.py`) and of the checks of `verify`.
"""

from collections.abc import Mapping
from typing import Final

from impl import pbft
from property_tests.enduring import Endured, endured
from property_tests.moves import Moves
from property_tests.pbft.adapter import PbftSystem
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.journal import Journal
from property_tests.pbft.recording import recorded
from property_tests.pbft.strategies import STRATEGIES

__all__ = ["ACTIONS", "CALM", "INTERESTING", "MOVES", "Script", "endure"]

#: The actions of the spec, all of which runs that are held against it must take, together.
ACTIONS: Final = tuple(PbftSystem.declaration.actions)

#: The situations that runs must meet, all together, or they say nothing.
INTERESTING: Final = (
    "a batch is executed",
    "a checkpoint is stable",
    "a view is entered",
    "a traitor begins a view",
    "a view change carries a batch over",
    "a null batch fills a gap",
    "a state is transferred",
    "a timer fires",
    "a replica comes back from a crash",
    "a step is lost in a crash",
    "all faults end and the cluster makes progress",
    "refused: MALFORMED",
    "refused: FORGED",
    "refused: STRANGER",
    "refused: UNPROVEN",
    "refused: EQUIVOCATION",
    "refused: OLD_VIEW",
    "refused: OUTSIDE_WINDOW",
    *(f"strategy: {name}" for name in STRATEGIES),
)

#: What may happen next -> how often.
MOVES: Final = {
    "time_passes": 60,
    "clients_ask": 40,
    "a_client_asks_one_replica": 6,
    "a_traitor_thinks_again": 3,
    "traitors_conspire": 3,
    "some_lose_patience": 3,
    "a_message_is_lost": 4,
    "a_message_is_doubled": 4,
    "a_message_is_early": 3,
    "a_message_is_late": 4,
    "the_network_is_bad": 1,
    "the_network_parts": 3,
    "a_link_is_cut": 3,
    "the_network_heals": 8,
    "a_replica_crashes": 3,
    "a_replica_crashes_in_a_step": 4,
    "a_replica_comes_back": 8,
    "a_replica_pauses": 2,
    "a_replica_resumes": 5,
}

#: The same where only messages are late and traitors are at work.
CALM: Final = {
    "time_passes": 60,
    "clients_ask": 40,
    "a_traitor_thinks_again": 1,
    "traitors_conspire": 3,
    "a_message_is_doubled": 4,
    "a_message_is_early": 3,
    "a_message_is_late": 1,
}

#: How likely a client asks again for what it asked before.
_AGAIN: Final = 0.2


def endure(
    seed: int,
    *,
    steps: int,
    setting: Setting | None = None,
    rest_every: int = 2_500,
    only: frozenset[str] | None = None,
    against_spec: bool = False,
    command: str = "",
) -> Endured:
    """One run under all faults, with traitors; the same for the same seed.

    Args:
        seed: decides all that happens.
        steps: how many steps correct replicas take at least.
        setting: which cluster.
        rest_every: after so many steps all faults but the traitors' end, and the cluster must make progress; so it must at
            the end of the run.
        only: which properties end the run; all if None.
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
    script = Script(cluster, seed)

    def play() -> None:
        while cluster.steps < steps:
            until = min(steps, cluster.steps + rest_every)
            while cluster.steps < until:
                script.move()
            cluster.heal_and_expect_progress()
        if journal is not None:
            journal.finish()

    return endured(cluster, journal, play, seed=seed)


class Script(Moves[Cluster]):
    """What may happen to a cluster; each does nothing where it cannot.

    Args:
        cluster: the cluster.
        seed: decides what happens.
        clients: how many clients there are.
        once: whether each client asks for one thing only, and then for the same again.
        moves: what may happen, and how often.
        split: how likely traitors choose the strategy that could lead to two decisions.
    """

    def __init__(
        self,
        cluster: Cluster,
        seed: int,
        *,
        clients: int = 6,
        once: bool = False,
        moves: Mapping[str, int] | None = None,
        split: float = 0.25,
    ) -> None:
        super().__init__(cluster, seed, moves or MOVES)
        self._once = once
        self._split = split
        self._asked: dict[str, pbft.Request] = {}
        self._clients = [f"c{number}" for number in range(clients)]
        self.traitors_conspire()

    # --- clients and traitors

    def clients_ask(self) -> None:
        for client in self._rng.sample(self._clients, self._rng.choice((1, 1, 2, 4))):
            self._ask(client)

    def a_client_asks_one_replica(self) -> None:
        self._ask(self._rng.choice(self._clients), (self._rng.choice(self._cluster.setting.names),))

    def _ask(self, client: str, replicas: tuple[str, ...] | None = None) -> None:
        """A client asks for something new; now and then, or if it asks once only, for the same again."""
        known = self._asked.get(client)
        if known is not None and (self._once or self._rng.random() < _AGAIN):
            self._cluster.ask_again(known, replicas)
        else:
            self._asked[client] = self._cluster.ask(client, self._rng.randrange(1_000), replicas)

    def strategy(self) -> str:
        """Any strategy; more often than others the one that could lead to two decisions."""
        return "split proposals" if self._rng.random() < self._split else self._rng.choice(STRATEGIES)

    def some_lose_patience(self) -> None:
        """Timers of a few replicas fire too early, or those of most."""
        names = self._cluster.correct
        for name in self._rng.sample(names, self._rng.choice((1, len(names) - 1, len(names)))):
            self._cluster.lose_patience(name)
