"""A node with a seeded bug: `python buggy_node.py BUG run FOLDER NAME ...`.

Each is one mistake that people make in the host of a correct core.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from impl import machine, raft
from impl.common import ed25519, signed
from impl.common.requests import Reply
from node import api, bft_core, bft_engine, disk, driver, raft_core, raft_engine
from node.__main__ import main
from node.proposals import command_of


def sync_left_out() -> None:
    """The log is written, and never synced."""

    def left_out(self: disk.ForgetfulDisk, name: str) -> None:
        del self, name

    disk.ForgetfulDisk.sync = left_out  # type: ignore[method-assign]  # that is the bug


def sent_before_persisted() -> None:
    """Messages leave before the disk holds what they say."""

    async def released(self: driver.Driver) -> None:
        batch, self._batch = self._batch, []
        self._events.flush()
        self._events.out(self.counts.steps)
        self._send_all(batch)
        await asyncio.sleep(0.005)
        await self._persist()
        for _, effects in batch:
            self.engine.carry_out(effects)

    driver.Driver._release = released  # type: ignore[method-assign]  # that is the bug


def vote_not_persisted() -> None:
    """The log is persisted, the vote is not."""
    records = raft_core.records_between

    def without_votes(before: raft.Durable, after: raft.Durable) -> list[raft_core.Record]:
        return [each for each in records(before, after) if not isinstance(each, raft_core.Voted)]

    raft_core.records_between = without_votes


def certificate_not_checked() -> None:
    """Any peer may say who it is."""

    def believed(core: Any, body: bytes, sender: str) -> Any:
        del sender
        return core.codec.decode(body)

    async def handle(self: api.Api, connection: Any) -> None:
        if connection.holder.role == "client" and connection.holder.name != "forger":
            await self._serve_client(connection)
        else:
            await self._hear_peer(connection)

    api.peer_message = believed
    api.Api.handle = handle  # type: ignore[method-assign]  # that is the bug


def answered_before_committed() -> None:
    """A client is answered as soon as its entry is in the leader's log."""
    propose = raft_engine.RaftEngine._propose

    def answered(self: raft_engine.RaftEngine, proposal: Any, future: Any) -> None:
        propose(self, proposal, future)
        if not future.done():
            state = self.machine
            self.machine, answer = machine.apply(state, command_of(proposal))
            self.machine = state
            future.set_result(answer)

    raft_engine.RaftEngine._propose = answered  # type: ignore[method-assign]  # that is the bug


def truncation_forgotten() -> None:
    """Entries that another leader replaced stay in the log on disk."""
    records = raft_core.records_between

    def without_truncation(before: raft.Durable, after: raft.Durable) -> list[raft_core.Record]:
        return [
            raft_core.Appended(max(each.after, before.last_index), each.entries)
            if isinstance(each, raft_core.Appended)
            else each
            for each in records(before, after)
        ]

    raft_core.records_between = without_truncation


def certificate_not_persisted() -> None:
    """A prepared certificate of PBFT stays in memory: after a crash the replica has forgotten it."""
    _only_at_first("prepared")


def lock_not_persisted() -> None:
    """The lock of HotStuff stays in memory: a replica comes back with that of its first start."""
    _only_at_first("lock")


def last_vote_not_persisted() -> None:
    """The view of the last vote of HotStuff stays in memory: after a crash a replica may vote again in it."""
    _only_at_first("voted")


def _only_at_first(name: str) -> None:
    """Persist an attribute of a Byzantine protocol's state at the first start only."""
    changes = bft_core.BftCore.changes

    def without(self: bft_core.BftCore, before: Any, after: Any) -> list[bft_core.Record]:
        return [each for each in changes(self, before, after) if before is None or each.name != name]

    bft_core.BftCore.changes = without  # type: ignore[method-assign]  # that is the bug


def signature_not_checked() -> None:
    """Any bytes are a signature."""

    def believed(self: ed25519.Ed25519Keys, signer: str, content: bytes, signature: bytes) -> bool:
        del self, signer, content, signature
        return True

    ed25519.Ed25519Keys.verify = believed  # type: ignore[method-assign]  # that is the bug
    certificate_not_checked()


def answered_before_executed() -> None:
    """A replica answers a client as soon as it has its request."""
    ask = bft_engine.BftEngine.ask

    def answered(self: bft_engine.BftEngine, what: Any, future: Any) -> None:
        ask(self, what, future)
        if not future.done():
            _, result = self.core.config.service.apply(self.state.durable.state.value, what)
            reply = Reply(
                view=self.numbers()["view"],
                client=what.client,
                timestamp=what.timestamp,
                result=result,
                source=self.core.node,
            )
            future.set_result(signed(reply, self.core.config.keys))

    bft_engine.BftEngine.ask = answered  # type: ignore[method-assign]  # that is the bug


BUGS: Final[dict[str, Callable[[], None]]] = {
    "none": lambda: None,
    "sync-left-out": sync_left_out,
    "sent-before-persisted": sent_before_persisted,
    "vote-not-persisted": vote_not_persisted,
    "certificate-not-checked": certificate_not_checked,
    "answered-before-committed": answered_before_committed,
    "truncation-forgotten": truncation_forgotten,
    "certificate-not-persisted": certificate_not_persisted,
    "lock-not-persisted": lock_not_persisted,
    "last-vote-not-persisted": last_vote_not_persisted,
    "signature-not-checked": signature_not_checked,
    "answered-before-executed": answered_before_executed,
}


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    main()
