"""The adapter of `impl/threat` to `specs/threat`: the one file that knows both vocabularies.

One replica, Self, is the system. An action of the spec is one input, and `Restart` is a crash: the machine
comes back with what it asked to be persisted, and with nothing else. What the spec calls `stated` is what the
last `State` said.
"""

import copy
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import attrs
from immutabledict import immutabledict

from impl import threat
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["PROOFS", "SPECS", "SUSPICIONS", "Setting", "ThreatSystem", "spec_for", "to_spec"]

SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "threat"

SUSPICIONS: Final = {
    "signature": threat.Suspicion.SIGNATURE,
    "refused": threat.Suspicion.REFUSED,
    "tampering": threat.Suspicion.TAMPERING,
    "timing": threat.Suspicion.TIMING,
}
PROOFS: Final = {
    "tampering": threat.ProofKind.TAMPERING,
    "equivocation": threat.ProofKind.EQUIVOCATION,
}
_NOTHING: Final = "nothing"


def spec_for(replicas: int) -> Spec:
    """The unbounded spec of one of so many replicas, for the oracle."""
    return Spec.load(SPECS / "MCThreat.tla", SPECS / f"Oracle{replicas}.cfg")


def to_spec(machine: threat.Threat) -> dict[str, Any]:
    """The variables of the spec that a machine stands for; all but `stated`, which is its host's."""
    durable, config = machine.durable, machine.config
    names = {known: word for word, known in PROOFS.items()}
    others = [name for name in config.replicas if name != config.node]
    proved = durable.proved
    return {
        "level": int(threat.level(machine)),
        "calm": machine.calm,
        "evidence": machine.evidence,
        "timing": machine.timing,
        "score": immutabledict((ModelValue(name), machine.scores.get(name, 0)) for name in others),
        "heard": immutabledict((ModelValue(name), durable.heard.get(name, 0)) for name in others),
        "number": durable.number,
        "unstated": machine.unstated,
        "proved": immutabledict(
            (ModelValue(name), names[proved[name].kind] if name in proved else _NOTHING)
            for name in config.replicas
        ),
    }


@attrs.frozen(kw_only=True)
class Setting:
    """The constants of a configuration.

    Attributes:
        replicas: all of them; the first is Self.
        f: `MaxFaulty`.
        decay: `Decay`.
        dwell: `Dwell`.
        calm: `Calm`.
        restate: `Restate`.
    """

    replicas: tuple[str, ...] = ("r0", "r1", "r2", "r3")
    f: int = 1
    decay: int = 1
    dwell: int = 2
    calm: int = 3
    restate: int = 2

    def config(self) -> threat.Config:
        """The same for the implementation, with the thresholds and weights of MCThreat.tla."""
        return threat.Config(
            self.replicas[0],
            self.replicas,
            self.f,
            score_max=6,
            up=(2, 3, 5, 6),
            down=(1, 2, 4, 5),
            weights=threat.Weights(signature=2, refused=1, tampering=5, timing=2),
            timing_max=3,
            decay=self.decay,
            dwell_ticks=self.dwell,
            calm_ticks=self.calm,
            restate_ticks=self.restate,
        )


class ThreatSystem(Adapter):
    """The machine of one replica with its disk.

    Args:
        setting: the constants of the spec.

    Attributes:
        machine: the machine.
    """

    unobserved: ClassVar = {
        "since": "history, which no rule reads",
        "quiet": "history, which no rule reads",
    }

    def __init__(self, setting: Setting) -> None:
        self._config = setting.config()
        self._others = setting.replicas[1:]
        self.machine = threat.first_start(self._config)
        self._disk = self.machine.durable
        self._stated = 0

    def reset(self, initial: State) -> None:
        """Start for the first time."""
        if set(initial["score"]) != {ModelValue(name) for name in self._others}:
            raise NotPossible(f"the others here are {', '.join(self._others)}; the trace has others")
        self.machine = threat.first_start(self._config)
        self._disk = self.machine.durable
        self._stated = 0

    @action("Observe")
    def observe_suspicion(self, kind: Value) -> None:
        """It sees something suspicious."""
        self._step(threat.Observed(SUSPICIONS[kind]))

    @action("Hear")
    def hear(self, reporter: Value, number: Value, score: Value) -> None:
        """A statement of another replica arrives."""
        self._step(threat.Statement(reporter.name, number, score))

    @action("Prove")
    def prove(self, kind: Value, accused: Value) -> None:
        """Somebody brings a proof."""
        self._step(threat.Proof(PROOFS[kind], accused.name, f"{kind} of {accused.name}"))

    @action("Tick")
    def tick(self) -> None:
        """Time goes by."""
        self._step(threat.Tick())

    @action("Restart")
    def restart(self) -> None:
        """It crashes, and comes back with what is on its disk."""
        self.machine = threat.recover(self._config, self._disk)

    @variable(
        "level", "calm", "evidence", "timing", "score", "heard", "number", "stated", "unstated", "proved"
    )
    def shown(self) -> State:
        """The spec state that the machine stands for."""
        return immutabledict({**to_spec(self.machine), "stated": self._stated})

    def fork(self) -> Self:
        """A machine in the same state."""
        return copy.copy(self)

    def _step(self, inp: threat.Input) -> None:
        self.machine, effects = threat.step(self.machine, inp)
        for effect in effects:
            match effect:
                case threat.Persist(durable=durable):
                    self._disk = durable
                case threat.State(score=score):
                    self._stated = score
