"""The driver of a replica: one task owns the core, and carries out its effects in order.

What comes in (messages, timers, requests of clients) waits in a queue. The driver takes all that waits,
steps the core for each, and carries out the effects of this *batch*:

1. the event log is told the steps,
2. the disk is asked to hold the durable changes, in a thread, with one sync for the batch (group commit);
   meanwhile the queue fills,
3. the event log is told that they are safe,
4. messages leave, then what is committed is applied and clients are answered, in the order of the steps.

Nothing of a batch leaves before step 4, so a node that is killed at any time forgets only what nobody knows.
A sync that fails ends the process. Timers belong to the process, not to the outside: they run at once.

Of protocols it knows what `node.engine` says.
"""

import asyncio
import concurrent.futures
from collections.abc import Hashable, Mapping
from typing import Any, Final, Protocol

import attrs

from node.engine import Counts, Effects, Engine, Unanswered, fail
from node.events import NoEvents
from node.points import FailPoint
from node.stamps import Reached, Stamp, Stamped
from node.storage import Storage
from node.transport import FRAME_BYTES_MAX, framed

__all__ = ["Driver", "Outbox"]

#: So many messages and requests may wait for the core; a message on top is lost, a request refused.
QUEUE_MAX: Final = 4096


class Outbox(Protocol):
    """Sends frames to other nodes."""

    def send(self, frame: bytes) -> bool:
        """Send a frame. False if it is lost."""


@attrs.frozen
class _Fired:
    """A timer fired."""

    due: Hashable


@attrs.frozen
class _Asked:
    """A request of a client."""

    what: Any
    answer: asyncio.Future[Any]


class Driver:
    """Runs a replica until `stop`. It is the `node.engine.Host` of its engine.

    Args:
        engine: of the protocol.
        storage: the replica's durable state.
        links: peer -> where messages to it go.
        events: is told each step.
        point: where the process is to end, for tests.

    Attributes:
        engine: the engine; its state is ahead of the disk by the batch at work.
        counts: what it counted.
        point: as given.
    """

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        links: Mapping[str, Outbox],
        *,
        events: NoEvents,
        point: FailPoint,
    ) -> None:
        self.engine = engine
        self.counts = Counts()
        self.point = point
        self._core = engine.core
        self._storage = storage
        self._links = links
        self._events = events
        self._is_first = storage.durable is None
        self._held: Any = storage.durable
        engine.state = self._core.first() if self._is_first else self._core.recovered(storage.durable)
        engine.host = self
        self._queue: list[Stamped | _Fired | _Asked] = []
        self._wake = asyncio.Event()
        self._timers: dict[Hashable, asyncio.TimerHandle] = {}
        self._batch: list[tuple[int, Effects]] = []
        self._is_stopping = False
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="disk")

    # --- from outside, in the loop's thread

    def receive(self, message: Stamped) -> None:
        """Take a message of a peer, or lose it if too much waits."""
        if len(self._queue) < QUEUE_MAX:
            self._put(message)
        else:
            self.counts.messages_lost += 1

    async def ask(self, what: Any) -> Any:
        """Return the answer to a request of a client, as the engine has it.

        Raises:
            Unanswered: it was refused, or this node will never know.
        """
        if len(self._queue) >= QUEUE_MAX or self._is_stopping:
            why = "the server stops" if self._is_stopping else "too many requests wait: ask again later"
            raise Unanswered(why, may_happen=False)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(_Asked(what, answer))
        return await answer

    def stop(self) -> None:
        """End after the batch at work."""
        self._is_stopping = True
        self._wake.set()

    @property
    def reached(self) -> Reached:
        """The last step that it took."""
        return Reached(self._core.node, self._events.start, self.counts.steps)

    # --- the loop

    async def run(self) -> None:
        """Run until `stop`.

        Raises:
            OSError: the disk failed; the process must end.
        """
        self._events.started(self._core, self.engine.durable, is_first=self._is_first)
        await self._persist()
        self._events.out(0)
        self.engine.begin()
        while not self._is_stopping:
            await self._wake.wait()
            self._wake.clear()
            queue, self._queue = self._queue, []
            for item in queue:
                self._take(item)
            self.engine.settle()
            await self._release()
        self._end()

    def _end(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        gone = Unanswered("the server stops", may_happen=True)
        self.engine.end(gone)
        for item in self._queue:
            if isinstance(item, _Asked):
                fail(item.answer, str(gone), may_happen=True)
        self._events.stopped(self.counts.steps)
        self._thread.shutdown()

    def _put(self, item: Stamped | _Fired | _Asked) -> None:
        self._queue.append(item)
        self._wake.set()

    def _take(self, item: Stamped | _Fired | _Asked) -> None:
        self.engine.before_input()
        match item:
            case Stamped(stamp=stamp, message=message):
                self._step(self._core.received(message), stamp)
                self.engine.heard(message)
            case _Fired(due=due):
                self.engine.fire(due)
            case _Asked(what=what, answer=future):
                self.engine.ask(what, future)

    # --- for the engine

    def give(self, inp: Any) -> Effects:
        """Step the core, and return what it asks for; it is carried out once the disk holds the batch."""
        return self._step(inp, None)

    def set_timer(self, due: Hashable, after_s: float) -> None:
        """Let a timer fire after so many seconds, in place of when it would have."""
        self.stop_timer(due)
        self._timers[due] = asyncio.get_running_loop().call_later(after_s, self._put, _Fired(due))

    def stop_timer(self, due: Hashable) -> None:
        """Let a timer not fire."""
        if timer := self._timers.pop(due, None):
            timer.cancel()

    def start_number(self) -> int:
        """Return which start of the node this is, from 1."""
        return self._events.start

    # --- one step

    def _step(self, inp: Any, stamp: Stamp | None) -> Effects:
        engine = self.engine
        effects: Effects
        engine.state, effects = self._core.step(engine.state, inp)
        self.counts.steps += 1
        self._events.step(self._core, self.counts.steps, inp, stamp, (engine.state, effects))
        engine.stepped(effects)
        self._batch.append((self.counts.steps, effects))
        return effects

    # --- effects, in order: persist, send, apply, answer

    async def _persist(self) -> None:
        self._events.flush()
        durable = self.engine.durable
        if durable is not self._held:
            self._storage.stage(self._held, durable)
            self._held = durable
        if self._storage.is_staged:
            loop = asyncio.get_running_loop()
            self.point.reach("before persist")
            begun = loop.time()
            await loop.run_in_executor(self._thread, self._storage.commit)
            self.counts.sync_seconds += loop.time() - begun
            self.point.reach("after persist")

    async def _release(self) -> None:
        if not self._batch:
            return
        await self._persist()
        batch, self._batch = self._batch, []
        self.counts.batches += 1
        self._events.out(self.counts.steps)
        self._send_all(batch)
        for _, effects in batch:
            self.engine.carry_out(effects)

    def _send_all(self, batch: list[tuple[int, Effects]]) -> None:
        for number, effects in batch:
            for position, (dest, message) in enumerate(self._core.sends(effects)):
                stamp = Stamp(self._core.node, self._events.start, number, position)
                self._send(dest, Stamped(stamp, message))

    def _send(self, dest: str, message: Stamped) -> None:
        if dest == self._core.node:
            self.receive(message)
            return
        self.point.reach("before send")
        link = self._links.get(dest)
        body = self._core.codec.encode(message)
        is_sent = link is not None and len(body) <= FRAME_BYTES_MAX and link.send(framed(body))
        self.counts.messages_lost += not is_sent
        self.point.reach("after send")
