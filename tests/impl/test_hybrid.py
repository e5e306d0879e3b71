"""The hybrid as its user sees it: a client proposes alike under either protocol (THREAT-6).

The host is minimal: every message arrives at once, in order, and clocks tick together.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import attrs
import pytest

from impl import guard, hotstuff, hybrid, threat
from impl.common import InvalidConfig, SymbolicKeys, Value, signed
from impl.common.requests import Request
from impl.hotstuff import Block, proofs

NAMES: Final = ("r0", "r1", "r2", "r3")


def _config(name: str, protocol: str) -> hybrid.Config:
    """A configuration whose threat level falls fast, so that the switch back comes soon."""
    level = threat.Config(name, NAMES, decay=5, dwell_ticks=3, calm_ticks=6, restate_ticks=2)
    keys = SymbolicKeys(name)
    return hybrid.Config(name, NAMES, keys, cooldown_ticks=6, bft_protocol=protocol, threat=level)


class Host:
    """Four replicas and a client on a perfect network."""

    def __init__(self, protocol: str) -> None:
        self.nodes = {name: hybrid.first_start(_config(name, protocol)) for name in NAMES}
        self.client = hybrid.Client(name="c0", replicas=NAMES, f=1, keys=SymbolicKeys("c0"))
        self.accepted: list[hybrid.Accepted] = []

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
                self.client, accepted = hybrid.hear(self.client, message)
                self.accepted += [accepted] if accepted is not None else []

    def happen(self, inp: hybrid.Input, names: Iterable[str] = NAMES) -> None:
        """The same input at each of these replicas."""
        for name in names:
            self.carry_out(name, hybrid.step(self.nodes[name], inp))

    def propose(self, what: Value) -> hybrid.Accepted:
        """Propose a value as the client, and return the accepted result."""
        self.client, request = hybrid.ask(self.client, what)
        before = len(self.accepted)
        for name in NAMES:
            self.carry_out(name, hybrid.propose_with_threat_detection(self.nodes[name], request))
        self.time_passes(1)
        assert len(self.accepted) == before + 1
        return self.accepted[-1]

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


@pytest.fixture(params=["pbft", "hotstuff"])
def host(request: pytest.FixtureRequest) -> Host:
    return Host(request.param)


def test_a_client_proposes_alike_before_during_and_after_an_attack(host: Host) -> None:
    host.elect()
    before = host.propose("before")
    assert (host.protocols, host.levels) == ({"raft"}, {"NONE"})
    assert before.term == 1, "a quorum held it under a QC of Raft's first term"

    while host.protocols != {"bft"}:
        host.happen(hybrid.Receive("what no replica would say"))
        host.time_passes(1)
    assert host.levels <= {"HIGH", "CRITICAL"}
    during = host.propose("during")
    assert (during.epoch, during.term) == (1, 0), "the BFT protocol decided it"

    while host.protocols != {"raft"}:
        host.time_passes(1)
    assert host.levels <= {"NONE", "LOW", "MEDIUM"}
    host.elect()
    after = host.propose("after")
    assert after.epoch == 2
    assert after.term > 0
    assert [done.result for done in host.accepted] == [1, 2, 3], "the ledger counts all three, once each"


def test_a_request_proposed_twice_is_executed_once(host: Host) -> None:
    host.elect()
    first = host.propose("only once")
    host.client, request = hybrid.ask_again(host.client)
    for name in NAMES:
        host.carry_out(name, hybrid.propose_with_threat_detection(host.nodes[name], request))
    host.time_passes(2)
    assert host.propose("another").result == 2
    assert first.result == 1


def test_a_bft_protocol_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="no BFT protocol 'paxos': use hotstuff or pbft"):
        _config("r0", "paxos")


def test_a_wrong_size_is_told_whichever_the_bft_protocol() -> None:
    for protocol in ("pbft", "hotstuff"):
        with pytest.raises(InvalidConfig, match="3 replicas cannot tolerate f = 1"):
            hybrid.Config("r0", NAMES[:3], SymbolicKeys("r0"), 1, bft_protocol=protocol)


# --- evidence on HotStuff -------------------------------------------------------------------------


def _block(host: Host, what: str) -> Block:
    """A block of view 1 by its leader, whatever else that proposed."""
    config = _settings(host, "r1")
    genesis = host.nodes["r1"].bft.durable.high
    request = signed(Request(client="x", timestamp=1, operation=("operate", 1, what)), SymbolicKeys("x"))
    block = Block(view=1, parent=genesis.block, batch=(request,), justify=genesis, proposer="r1")
    return proofs.sign_block(config, block)


def _proposal(host: Host, what: str) -> hybrid.Input:
    return hybrid.Receive(hotstuff.Proposal(block=_block(host, what)), "r1")


def _settings(host: Host, name: str) -> hotstuff.Config:
    config = host.nodes[name].config.bft.config
    assert isinstance(config, hotstuff.Config)
    return config


def test_two_blocks_of_a_view_convict_their_leader_everywhere() -> None:
    host = Host("hotstuff")
    host.happen(_proposal(host, "one"), ["r0"])
    assert host.nodes["r0"].guard.proved == ()
    host.happen(_proposal(host, "other"), ["r0"])
    for name in ("r0", "r2", "r3"):
        node = host.nodes[name]
        assert node.guard.proved == ("r1",)
        assert node.threat.durable.proved.keys() == {"r1"}
        assert guard.from_json(guard.to_json(node.guard.proofs[0])) == node.guard.proofs[0]
    _, effects = hybrid.step(host.nodes["r0"], _proposal(host, "third"))
    assert any("proof against its sender" in each.reason for each in effects if hasattr(each, "reason"))


@pytest.mark.parametrize(
    "wrong", ["the same block", "another view", "another signer", "one block", "no block"]
)
def test_evidence_on_hotstuff_that_proves_nothing_is_refused(wrong: str) -> None:
    host = Host("hotstuff")
    config = _settings(host, "r0")
    one, other = (_block(host, what) for what in ("one", "other"))
    messages: dict[str, tuple[Any, ...]] = {
        "the same block": (one, one),
        "another view": (one, attrs.evolve(other, view=2)),
        "another signer": (one, attrs.evolve(other, signature=b"x" * 16)),
        "one block": (one,),
        "no block": (one, "block"),
    }
    found = guard.Evidence(accused="r1", messages=messages[wrong])
    assert guard.verify(found, config) != ""
    assert guard.verify(guard.Evidence(accused="r1", messages=(one, other)), config) == ""
    host.happen(hybrid.Receive(found, "r2"), ["r0"])
    assert host.nodes["r0"].guard.proved == ()
