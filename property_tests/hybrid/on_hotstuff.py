"""The hybrid on HotStuff under test: as `property_tests.hybrid.protocol`, with the other engine.

    tlacheck soak property_tests.hybrid.on_hotstuff:ON_HOTSTUFF --seeds 20 --steps 4000

The spec is the same: BFT is its `controlLog`, whichever protocol agrees on it.
"""

from typing import Any, Final

import attrs

from impl import hotstuff, hybrid
from property_tests.hybrid.adversary import STRATEGIES_ON_HOTSTUFF, Adversary, behaviours
from property_tests.hybrid.engine_mutants import MUTANTS
from property_tests.hybrid.host import Hosted, HybridCore, configs_of, replica_step
from property_tests.hybrid.invariants import Linearizable, Safety
from property_tests.hybrid.protocol import GOALS, HYBRID, AttackSchedule
from property_tests.hybrid.recorder import HybridRecorder
from tlacheck.harness import Byzantine, Size, SpecRun, counted, sometimes_in_step
from tlacheck.mutants import Layer
from tlacheck.sim import Fault, StepRecord

__all__ = ["ON_HOTSTUFF"]


#: How long a replica is left behind in each of two BFT epochs, at most, in virtual milliseconds.
_BEHIND_MS: Final = 9_000


def _configs(size: Size) -> dict[str, hybrid.Config]:
    return configs_of(size, bft_protocol="hotstuff")


def _recorder(size: Size, run: SpecRun) -> HybridRecorder:
    return HybridRecorder(size, run, next(iter(_configs(size).values())))


def _behaviours(size: Size) -> Any:
    return behaviours(Adversary(_configs(size), size.byzantine))


class Schedule(AttackSchedule):
    """Rounds as for PBFT, except that who is left behind can no longer fetch what it missed.

    HotStuff keeps the last blocks whatever happens, and PBFT only those since a checkpoint.
    """

    def leave_one_behind(self) -> None:
        """Let the others forget what one correct replica misses, and switch twice without it."""
        victim = self.random.choice(sorted(self._correct()))
        self._all_behave(["hotstuff: withholding", "silence"])
        self.run.inflict(Fault.of("partition", group=[victim]))
        for noise, is_over in (
            (True, lambda: all(self._lacks(other, victim) for other in self._correct() if other != victim)),
            (False, lambda: all(not node.is_bft for node in self._others(victim))),
            (True, lambda: all(node.is_bft for node in self._others(victim))),
        ):
            self._storm(_BEHIND_MS, noise=noise, is_over=is_over)
        self.run.stabilise()
        self._storm(_BEHIND_MS // 12)

    def _correct(self) -> dict[str, hybrid.Node]:
        return {name: host.node for name, host in self.run.view.items() if isinstance(host, Hosted)}

    def _others(self, victim: str) -> list[hybrid.Node]:
        return [node for name, node in self._correct().items() if name != victim]

    def _lacks(self, name: str, victim: str) -> bool:
        """Return whether a replica no longer has the first block that another one lacks."""
        nodes = self._correct()
        place, engine = nodes[victim].config.bft.executed(nodes[victim].bft), nodes[name].config.bft
        return engine.executed(nodes[name].bft) > place and not engine.decided(nodes[name].bft, place)


# --- goals


def _nodes(record: StepRecord) -> tuple[hotstuff.Node, hotstuff.Node] | None:
    """HotStuff's part of a replica before and after a step."""
    taken = replica_step(record)
    if taken is None:
        return None
    before, after = taken.before.bft, taken.after.bft
    if not isinstance(before, hotstuff.Node) or not isinstance(after, hotstuff.Node):
        raise TypeError(f"{taken.name} runs on {taken.after.config.bft_protocol}")
    return before, after


def _enters_by_timeouts(record: StepRecord) -> bool:
    nodes = _nodes(record)
    return nodes is not None and nodes[0].durable.entry != nodes[1].durable.entry


def _installs(record: StepRecord) -> bool:
    """A state came in place of the batches before it."""
    nodes = _nodes(record)
    if nodes is None or nodes[0].durable.committed == nodes[1].durable.committed:
        return False
    return isinstance(record.input, hybrid.Receive) and isinstance(record.input.message, hotstuff.Snapshot)


_OF_PBFT: Final = ("a view is entered", "a state is transferred", "behaviour: pbft: ")

ON_HOTSTUFF: Final = attrs.evolve(
    HYBRID,
    name="hybrid on HotStuff",
    core=lambda size: HybridCore(_configs(size)),
    recorder=_recorder,
    schedule=Schedule,
    judges=[lambda size: Safety(size, _configs(size)), Linearizable],
    goals=(
        *(goal for goal in GOALS if not goal.name.startswith(_OF_PBFT)),
        sometimes_in_step("a view is entered by time-outs", _enters_by_timeouts),
        sometimes_in_step("a state is transferred", _installs),
        *counted(
            *(f"behaviour: {name}" for name in STRATEGIES_ON_HOTSTUFF if name.startswith("hotstuff: ")),
            needs_byzantine=True,
        ),
    ),
    byzantine=Byzantine(_behaviours, share=0.08, together=0.5),
    mutants=MUTANTS,
    layers=(
        Layer("scenes", "property_tests.hybrid.engine_scenes:told"),
        Layer(
            "soak",
            "tlacheck.harness.checks:soaked",
            {
                "protocol": "property_tests.hybrid.on_hotstuff:ON_HOTSTUFF",
                "seeds": 3,
                "steps": 3_000,
                "judged": False,
                "goals": (),
            },
        ),
    ),
)
