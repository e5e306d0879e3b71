"""The hybrid as its user sees it: a client proposes alike under either protocol (THREAT-6).

The host is minimal: every message arrives at once, in order, and clocks tick together.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import pytest

from impl import hybrid, pbft, threat

NAMES: Final = ("r0", "r1", "r2", "r3")


def _config(name: str) -> hybrid.Config:
    """A configuration whose threat level falls fast, so that the switch back comes soon."""
    level = threat.Config(name, NAMES, decay=5, dwell_ticks=3, calm_ticks=6, restate_ticks=2)
    return hybrid.Config(name, NAMES, pbft.SymbolicKeys(name), dwell_ticks=6, threat=level)


class Host:
    """Four replicas and a client on a perfect network."""

    def __init__(self) -> None:
        self.nodes = {name: hybrid.first_start(_config(name)) for name in NAMES}
        self.client = hybrid.Client(name="c0", replicas=NAMES, f=1, keys=pbft.SymbolicKeys("c0"))
        self.believed: list[hybrid.Believed] = []

    def carry_out(self, name: str, taken: tuple[hybrid.Node, Iterable[hybrid.Effect]]) -> None:
        """Deliver the messages of a replica's step and all that follow from them."""
        letters: deque[tuple[str, Any, str]] = deque()

        def done(name: str, node: hybrid.Node, effects: Iterable[hybrid.Effect]) -> None:
            self.nodes[name] = node
            for effect in effects:
                if isinstance(effect, hybrid.Send):
                    everybody = [other for other in NAMES if other != name]
                    letters.extend(
                        (to, effect.message, name) for to in ([effect.to] if effect.to else everybody)
                    )

        done(name, *taken)
        while letters:
            to, message, source = letters.popleft()
            if to in self.nodes:
                done(to, *hybrid.step(self.nodes[to], hybrid.Receive(message, source)))
            elif to == self.client.name:
                self.client, believed = hybrid.hear(self.client, message)
                self.believed += [believed] if believed is not None else []

    def happen(self, inp: hybrid.Input, names: Iterable[str] = NAMES) -> None:
        """The same input at each of these replicas."""
        for name in names:
            self.carry_out(name, hybrid.step(self.nodes[name], inp))

    def propose(self, what: pbft.Value) -> hybrid.Believed:
        """Propose a value as the client, and return the accepted result."""
        self.client, request = hybrid.ask(self.client, what)
        before = len(self.believed)
        for name in NAMES:
            self.carry_out(name, hybrid.propose_with_threat_detection(self.nodes[name], request))
        self.time_passes(1)
        assert len(self.believed) == before + 1
        return self.believed[-1]

    def time_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.happen(hybrid.Tick())
            self.happen(hybrid.Retransmit())
            self.happen(hybrid.Heartbeat(), [name for name in NAMES if self.nodes[name].is_leader])

    def elect(self) -> None:
        self.happen(hybrid.ElectionTimeout(), ["r1"])
        self.time_passes(1)
        assert self.nodes["r1"].is_leader

    @property
    def protocols(self) -> set[str]:
        return {hybrid.current_protocol(node) for node in self.nodes.values()}

    @property
    def levels(self) -> set[str]:
        return {hybrid.threat_level(node) for node in self.nodes.values()}


@pytest.fixture
def host() -> Host:
    return Host()


def test_a_client_proposes_alike_before_during_and_after_an_attack(host: Host) -> None:
    host.elect()
    before = host.propose("before")
    assert (host.protocols, host.levels) == ({"raft"}, {"NONE"})
    assert before.term == 1, "a quorum held it under a seal of Raft's first term"

    while host.protocols != {"bft"}:
        host.happen(hybrid.Receive("what no replica would say"))
        host.time_passes(1)
    assert host.levels <= {"HIGH", "CRITICAL"}
    during = host.propose("during")
    assert (during.epoch, during.term) == (1, 0), "PBFT decided it"

    while host.protocols != {"raft"}:
        host.time_passes(1)
    assert host.levels <= {"NONE", "LOW", "MEDIUM"}
    host.elect()
    after = host.propose("after")
    assert after.epoch == 2
    assert after.term > 0
    assert [done.result for done in host.believed] == [1, 2, 3], "the ledger counts all three, once each"


def test_a_request_proposed_twice_is_executed_once(host: Host) -> None:
    host.elect()
    first = host.propose("only once")
    host.client, request = hybrid.ask_again(host.client)
    for name in NAMES:
        host.carry_out(name, hybrid.propose_with_threat_detection(host.nodes[name], request))
    host.time_passes(2)
    assert host.propose("another").result == 2
    assert first.result == 1
