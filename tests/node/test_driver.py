"""The driver of one server, without a network: order of effects, clients that go, disks that fail."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from impl import machine
from node.disk import SimulatedDisk
from node.driver import Driver
from node.engine import Timing, Unanswered
from node.errors import NodeError
from node.events import NoEvents
from node.points import POINTS, FailPoint, armed
from node.proposals import proposal_of
from node.raft_core import RaftCore
from node.raft_engine import RaftEngine
from node.storage import Storage
from node.wal import Identity

LIMIT_S = 20


class Noted(FailPoint):
    """A fail point at which nothing ends; it notes what is reached."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[str] = []

    def reach(self, name: str) -> None:
        self.reached.append(name)


class Outbox:
    """Takes what is sent."""

    def send(self, frame: bytes) -> bool:
        return bool(frame)


def with_driver(
    talk: Callable[[Driver], Awaitable[Any]],
    *,
    founders: tuple[str, ...] = ("n1",),
    disk: SimulatedDisk | None = None,
    point: FailPoint | None = None,
) -> Any:
    """Return what `talk` returns, while a server runs."""

    async def run() -> Any:
        core = RaftCore("n1", founders)
        driver = Driver(
            RaftEngine(core, Timing(heartbeat_ms=10, election_ms=30), random.Random(0)),
            Storage(core, disk or SimulatedDisk(), Identity("cluster", "n1")),
            {name: Outbox() for name in founders},
            events=NoEvents(),
            point=point or FailPoint(),
        )
        task = asyncio.create_task(driver.run())
        try:
            found = await talk(driver)
            driver.stop()
            await task
        finally:
            task.cancel()
        return found

    return asyncio.run(asyncio.wait_for(run(), LIMIT_S))


async def leads(driver: Driver) -> None:
    while not driver.engine.is_ready:  # noqa: ASYNC110 - a driver tells nobody
        await asyncio.sleep(0.01)


async def answers(driver: Driver) -> None:
    await leads(driver)
    await driver.ask(proposal_of(machine.Register(), nonce="before"))


REGISTER = proposal_of(machine.Register(), nonce="1")


def test_a_single_server_answers_what_it_has_persisted() -> None:
    disk = SimulatedDisk()

    async def talk(driver: Driver) -> machine.Answer:
        await leads(driver)
        answer: machine.Answer = await driver.ask(REGISTER)
        return answer

    answer = with_driver(talk, disk=disk)
    assert isinstance(answer, machine.Registered)
    durable = Storage(RaftCore("n1", ("n1",)), disk, Identity("cluster", "n1")).durable
    assert durable is not None
    assert REGISTER in [entry.value for entry in durable.log]


def test_a_proposal_is_persisted_applied_and_answered_in_order() -> None:
    point = Noted()

    async def talk(driver: Driver) -> None:
        await answers(driver)
        point.reached.clear()
        await driver.ask(REGISTER)

    with_driver(talk, point=point)
    wanted = ["before persist", "after persist", "before apply", "after apply", "before answer"]
    assert point.reached[:5] == wanted


@pytest.mark.parametrize("what", ["propose", "read"])
def test_a_client_that_goes_before_it_is_refused_does_no_harm(what: str) -> None:
    """Its future is cancelled by then; once this ended the node."""

    async def talk(driver: Driver) -> str:
        asked = driver.ask(REGISTER if what == "propose" else "case/1")
        task = asyncio.create_task(asked)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(Unanswered, match="does not lead"):
            await driver.ask(REGISTER)
        return driver.engine.role

    assert with_driver(talk, founders=("n1", "n2", "n3")) != "Leader"


def test_a_disk_that_fails_ends_the_server() -> None:
    class Fails(SimulatedDisk):
        is_full = False

        def sync(self, name: str) -> None:
            if self.is_full:
                raise OSError(28, "No space left on device")
            super().sync(name)

    disk = Fails()

    async def talk(driver: Driver) -> None:
        await leads(driver)
        disk.is_full = True
        task = asyncio.create_task(driver.ask(REGISTER))
        await asyncio.sleep(0.2)
        assert not task.done()
        task.cancel()

    with pytest.raises(OSError, match="No space left"):
        with_driver(talk, disk=disk)


def test_a_server_that_stops_tells_who_waits_that_nobody_knows() -> None:
    async def talk(driver: Driver) -> None:
        task = asyncio.create_task(driver.ask(REGISTER))
        await asyncio.sleep(0)
        driver.stop()
        with pytest.raises(Unanswered):
            await task

    with_driver(talk, founders=("n1", "n2", "n3"))


@pytest.mark.parametrize("text", ["nowhere:1", "after persist", "after persist:0", "after persist:x"])
def test_a_wrong_fail_point_is_told_with_the_right_ones(text: str) -> None:
    with pytest.raises(NodeError, match=POINTS[2]):
        armed(text)
