"""HotStuff behind the hybrid's interface: two scenes for what soak tests meet too seldom.

* Three replicas of four execute a request, whether or not the fourth says anything: a leader's own vote and
  time-out count.
* Messages that arrive twice make nobody suspicious.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from immutabledict import immutabledict

from impl import hybrid
from impl.common import SymbolicKeys, signed
from impl.common.requests import Request
from property_tests.hybrid.adapter import Telling
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["told"]

_NAMES: Final = ("r0", "r1", "r2", "r3")
#: So many rounds of timers suffice: each replica leads once, and three in a row.
_ROUNDS: Final = 12


class _Replicas:
    """Three replicas of four; each message arrives so many times."""

    def __init__(self, copies: int) -> None:
        self.nodes = {
            name: hybrid.first_start(
                hybrid.Config(name, _NAMES, SymbolicKeys(name), service=Telling(), bft_protocol="hotstuff")
            )
            for name in _NAMES[:3]
        }
        self._copies = copies

    def happen(self, inp: hybrid.Input) -> None:
        """The same input at all, and all that follows from it."""
        for name in self.nodes:
            self._deliver(name, inp)

    def _deliver(self, name: str, inp: hybrid.Input) -> None:
        inputs: deque[tuple[str, hybrid.Input]] = deque([(name, inp)])
        while inputs:
            name, one = inputs.popleft()
            self.nodes[name], effects = hybrid.step(self.nodes[name], one)
            inputs.extend(self._sent(name, effects))

    def _sent(self, name: str, effects: Iterable[hybrid.Effect]) -> Iterator[tuple[str, hybrid.Input]]:
        for effect in effects:
            if isinstance(effect, hybrid.Send):
                dests = [other for other in _NAMES if other != name] if effect.to is None else [effect.to]
                arrived = hybrid.Receive(effect.message, name)
                yield from ((dest, arrived) for dest in dests * self._copies if dest in self.nodes)


def _executed(copies: int) -> _Replicas:
    """Replicas that ordered a command of r0."""
    cluster = _Replicas(copies)
    request: Any = signed(Request(client="r0", timestamp=1, operation=("nothing",)), SymbolicKeys("r0"))
    cluster.happen(hybrid.Receive(request))
    for _ in range(_ROUNDS):
        cluster.happen(hybrid.ViewTimeout())
    return cluster


def told(context: Context) -> Outcome:
    """Play both scenes."""
    context.progress("two scenes")
    behind = [
        name
        for name, node in _executed(1).nodes.items()
        if node.config.bft.state(node.bft.durable).last_answer("r0") is None
    ]
    if behind:
        return _violated("Progress", f"{', '.join(behind)} executed nothing, and three of four are correct")
    suspicious = [name for name, node in _executed(2).nodes.items() if node.threat.evidence]
    if suspicious:
        return _violated("HonestIsTaken", f"{', '.join(suspicious)} suspects whose messages arrived twice")
    return Outcome(verdict=Verdict.sampled(2, 0), figures=immutabledict(scenes=2))


def _violated(name: str, why: str) -> Outcome:
    verdict = Verdict.violated(name, "the scenes of the engine")
    return Outcome(verdict=verdict, figures=immutabledict(scenes=2), message=why)
