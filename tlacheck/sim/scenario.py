"""A scenario: a cluster, its faults and its clients, as one value that can be run again.

The same scenario gives the same log, to the byte, in every process. The scenario reproduces a failure;
its `text` explains it to a reader.
"""

import hashlib
from collections import Counter
from typing import Any

import attrs
from immutabledict import immutabledict

from tlacheck.sim._text import text_of
from tlacheck.sim.byzantine import Behaviour
from tlacheck.sim.cluster import Cluster, Core
from tlacheck.sim.faults import FaultPlan
from tlacheck.sim.simulation import Request
from tlacheck.sim.world import Network

__all__ = ["Scenario", "ScenarioRun"]


@attrs.frozen(kw_only=True)
class ScenarioRun:
    """The result of a scenario.

    Attributes:
        cluster: the cluster as it is at the end.
        log: the log, an entry a line.
        met: how often each fault found something to do; a fault that is not here was never met.
    """

    cluster: Cluster[Any, Any, Any]
    log: str
    met: Counter[str]

    @property
    def fingerprint(self) -> str:
        """A short digest of the log: two runs with the same one went the same way."""
        return hashlib.sha256(self.log.encode()).hexdigest()[:16]


@attrs.frozen(kw_only=True)
class Scenario:
    """A complete description of a run.

    Attributes:
        nodes: the names of the nodes.
        seed: decides all that is drawn.
        until_ms: when it ends, in virtual milliseconds.
        network: what the network does by itself.
        plan: which faults come when.
        workload: which inputs clients give when.
        behaviours: the ways not to follow the protocol, by the names that the plan calls them.
    """

    nodes: tuple[str, ...]
    seed: int
    until_ms: int
    network: Network = attrs.field(factory=Network)
    plan: FaultPlan = attrs.field(factory=FaultPlan)
    workload: tuple[Request, ...] = ()
    behaviours: immutabledict[str, Behaviour] = attrs.field(factory=immutabledict)

    def run(self, core: Core[Any, Any, Any]) -> ScenarioRun:
        """Run it from the beginning, with a fresh cluster."""
        cluster = Cluster(core, self.nodes, seed=self.seed, network=self.network, behaviours=self.behaviours)
        cluster.play(self.plan, until_ms=self.until_ms, workload=self.workload)
        return ScenarioRun(cluster=cluster, log=cluster.simulation.log_text, met=cluster.simulation.met)

    @property
    def text(self) -> str:
        """Describe the scenario for a reader: everything but defaults, and the faults line by line."""
        lines = [f"{', '.join(self.nodes)}; seed {self.seed}; to {self.until_ms} ms", text_of(self.network)]
        lines += [
            f"{request.at_ms:>6} ms  {request.node}: {text_of(request.input)}" for request in self.workload
        ]
        return "\n".join([*lines, *filter(None, [str(self.plan)])])
