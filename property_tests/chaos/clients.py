"""Clients of a campaign: over TLS, each with a session, and all that they see as one history.

The model is `kv`:

| request                          | noted as                        | carried out if                  |
|----------------------------------|---------------------------------|---------------------------------|
| `Custom(NAME, n)`                | `cas(record/NAME, n - 1, n)`    | the record has version n - 1    |
| `DeployOverlay(NEW, SPEC, BASE)` | `cas(overlay/SPEC, BASE, NEW)`  | BASE is the latest one          |
| a read                           | `get(key)`                      | always                          |

A client that gave up leaves its operation unknown and goes on with a new session.
"""

import asyncio
import random
from collections import Counter
from typing import Any, Final

from impl import machine
from node.client import Client, Unknown
from node.cluster import Cluster
from node.quorum_client import client_of
from property_tests.chaos.answers import Answered
from tlacheck.histories import Recorder

__all__ = ["KEYS", "Clients"]

#: The keys that clients change: few, so that they meet.
KEYS: Final = ("record/a", "record/b", "overlay/s", "overlay/t")
_NO: Final = frozenset({"OVERLAY_EXISTS", "OTHER_BASE", "OTHER_VERSION"})
_READS: Final = 0.4
_PAUSE_S: Final = 0.05
_PATIENCE_S: Final = 3.0
_ATTEMPT_S: Final = 0.7


class Clients:
    """The clients of one campaign.

    Args:
        cluster: the cluster; it knows them as c1, c2, ..., and the client admin.
        count: how many they are.
        seed: of what they ask.

    Attributes:
        recorder: what they saw.
        met: how many operations ended how.
        answered: the requests that were answered, and by whom.
    """

    def __init__(self, cluster: Cluster, count: int, seed: int) -> None:
        self.recorder = Recorder()
        self.met: Counter[str] = Counter()
        self.answered: list[Answered] = []
        self._cluster = cluster
        self._count = count
        self._seed = seed
        self._is_over = False
        self._believed: dict[str, Any] = dict.fromkeys(KEYS)

    async def run(self) -> None:
        """Ask, until `end`."""
        await asyncio.gather(*(self._ask_on(number) for number in range(1, self._count + 1)))

    def end(self) -> None:
        """Ask nothing new."""
        self._is_over = True

    async def read_all(self, within_s: float) -> float:
        """Read each key once, at the end, and return how many seconds the first answer took.

        Raises:
            Unknown: the cluster did not serve within that time.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        first = 0.0
        credentials = self._cluster.client()
        async with client_of(
            self._cluster.settings, credentials, patience_s=within_s, attempt_s=_ATTEMPT_S
        ) as client:
            for key in KEYS:
                await self._read(client, "final", key, raises=True)
                first = first or loop.time() - begun
        return first

    async def _ask_on(self, number: int) -> None:
        rng = random.Random(f"{self._seed} {number}")  # noqa: S311 - a reproducible run, no secret
        name = f"c{number}"
        async with client_of(
            self._cluster.settings,
            self._cluster.client(name),
            patience_s=_PATIENCE_S,
            attempt_s=_ATTEMPT_S,
            answered=lambda asked, reached: self.answered.append(Answered(asked, reached)),
        ) as client:
            while not self._is_over:
                key = rng.choice(KEYS)
                if rng.random() < _READS:
                    await self._read(client, name, key)
                else:
                    await self._change(client, name, key)
                await asyncio.sleep(rng.uniform(0, 2 * _PAUSE_S))

    async def _read(self, client: Client, name: str, key: str, *, raises: bool = False) -> None:
        call = self.recorder.invoke(name, "get", key=key)
        try:
            value = await client.read(key)
        except Unknown:
            self._give_up(call)
            if raises:
                raise
            return
        self.recorder.answer(call, value)
        self.met["reads"] += 1
        self._believed[key] = value

    async def _change(self, client: Client, name: str, key: str) -> None:
        try:
            await client.session()
        except Unknown:
            self.met["no session"] += 1
            return
        operation, old, new = _change(key, self._believed[key], f"o{self.recorder.calls}")
        call = self.recorder.invoke(name, "cas", key=key, old=old, new=new)
        try:
            answer = await client.propose(operation)
        except Unknown:
            self._give_up(call)
            return
        reason = answer.get("Refused", {}).get("reason")
        if reason is None:
            self.recorder.answer(call, True)
            self.met["changes"] += 1
            self._believed[key] = new
        elif reason in _NO:
            self.recorder.answer(call, False)
            self.met["refused changes"] += 1
        else:
            self._give_up(call)

    def _give_up(self, call: int) -> None:
        self.recorder.give_up(call)
        self.met["unknown"] += 1


def _change(key: str, believed: Any, name: str) -> tuple[machine.Operation, Any, Any]:
    """An operation on a key that is believed to have a value, with the values before and after it.

    `name` is one that no other overlay has.
    """
    kind, _, which = key.partition("/")
    if kind == "record":
        version = (believed or 0) + 1
        return machine.Custom(which, version), believed, version
    return machine.DeployOverlay(name, which, believed or ""), believed, name
