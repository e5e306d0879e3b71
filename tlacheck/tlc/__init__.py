"""TLC, the model checker of TLA+, as a library.

`check` explores a spec's states in a worker process; a `Checker` keeps that worker warm for many
checks, a `Pool` keeps several, and `sweep` checks a spec at many sizes. `simulate` draws random
behaviours, `stream_graph` lists states and steps, `parse` lists a module's definitions, `evaluate`
evaluates an expression. `SpecOracle` enumerates, in this process and step by step, the steps that a
spec allows.
"""

from tlacheck.tlc._protocol import Progress
from tlacheck.tlc.check import Checker, CheckResult, Counterexample, check
from tlacheck.tlc.cover import edge_cover
from tlacheck.tlc.coverage import Coverage
from tlacheck.tlc.distributed import check_distributed
from tlacheck.tlc.evaluate import Evaluator, evaluate
from tlacheck.tlc.explain import Explanation
from tlacheck.tlc.graph import Edge, Graph, GraphStream, GraphSummary, Node, stream_graph
from tlacheck.tlc.legal import check_behaviour, demanded
from tlacheck.tlc.oracle import OracleState, SpecOracle, Successor
from tlacheck.tlc.parse import Action, Definition, Module, Parser, parse
from tlacheck.tlc.pool import Checked, Pool, Task, check_all
from tlacheck.tlc.simulate import Simulation, SimulationResult, simulate
from tlacheck.tlc.spec import Spec
from tlacheck.tlc.sweep import Point, Sweep, sweep

__all__ = [
    "Action",
    "CheckResult",
    "Checked",
    "Checker",
    "Counterexample",
    "Coverage",
    "Definition",
    "Edge",
    "Evaluator",
    "Explanation",
    "Graph",
    "GraphStream",
    "GraphSummary",
    "Module",
    "Node",
    "OracleState",
    "Parser",
    "Point",
    "Pool",
    "Progress",
    "Simulation",
    "SimulationResult",
    "Spec",
    "SpecOracle",
    "Successor",
    "Sweep",
    "Task",
    "check",
    "check_all",
    "check_behaviour",
    "check_distributed",
    "demanded",
    "edge_cover",
    "evaluate",
    "parse",
    "simulate",
    "stream_graph",
    "sweep",
]
