"""Memory and time to stream the state graph of Raft, beside TLC's own dump of it to a file.

The model is `elections.cfg`, with its VIEW and SYMMETRY: about a quarter of a million states and 1.2
million steps. TLC, in a process of its own, writes `-dump dot,actionlabels`; it checks the same
configuration without its properties. Memory is the peak of resident memory, of both processes of ours.
"""

import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from benchmarks._machine import ROOT, begin, java, sized
from tlacheck.engine import Engine
from tlacheck.tlc.graph import Graph, GraphStream
from tlacheck.tlc.graph_file import write_graph
from tlacheck.tlc.spec import Spec

SPECS = ROOT / "specs" / "raft"
#: The heap of our worker and of TLC.
MEMORY_MB = 512


@attrs.frozen
class Cost:
    """The cost of a run.

    Attributes:
        name: what ran.
        seconds: how long.
        edges: steps that were listed.
        nodes: states.
        parent_mb: the peak memory of this process so far.
        worker_mb: that of the process with the JVM.
    """

    name: str
    seconds: float
    edges: int
    nodes: int
    parent_mb: float
    worker_mb: float

    def show(self) -> None:
        """Print it."""
        print(
            f"{self.name:<34} {self.nodes:>9,} nodes {self.edges:>10,} edges {self.seconds:>7.1f} s "
            f"{self.edges / self.seconds:>8,.0f} edges/s   {self.parent_mb:>5,.0f} MB here, "
            f"{self.worker_mb:>5,.0f} MB in the JVM's process",
            flush=True,
        )


def peak_mb(pid: int | str) -> float:
    """Return the largest resident memory so far of a process, in MB; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def watched(pid: Callable[[], int | None], work: Callable[[], object]) -> float:
    """Do the work; return the peak memory meanwhile of the process that `pid` names."""
    done, peak = threading.Event(), 0.0

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            number = pid()
            if number is not None:
                peak = max(peak, peak_mb(number))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return peak


def ours(spec: Spec, engine: Engine, name: str, use: Callable[[GraphStream], object]) -> Cost:
    """Stream the graph."""
    started = time.perf_counter()
    with GraphStream(spec, engine=engine, memory_mb=MEMORY_MB) as stream:
        worker = watched(lambda: stream.worker_pid, lambda: use(stream))
        summary = stream.summary
    parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if str(summary.verdict) != "exhausted":
        raise SystemExit(f"{name}: {summary.verdict}")
    return Cost(name, time.perf_counter() - started, summary.edges, summary.nodes, parent, worker)


def plain(engine: Engine, spec: Spec, folder: Path) -> Cost:
    """Measure TLC's own dump, by the plain command."""
    for path in SPECS.glob("*.tla"):
        shutil.copy(path, folder)
    text = re.sub(r"(?s)\n(INVARIANTS|PROPERTIES).*", "\n", spec.configuration)
    (folder / "Plain.cfg").write_text(text, encoding="utf-8")
    command = [java(), "-XX:+UseParallelGC", f"-Xmx{MEMORY_MB}m", "-cp", engine.jar, "tlc2.TLC"]
    command += ["-workers", "1", "-deadlock", "-dump", "dot,actionlabels", folder / "graph.dot"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command), "-config", "Plain.cfg", spec.path.name],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    worker = watched(lambda: process.pid, lambda: said.append(process.communicate()[0]))
    spent = time.perf_counter() - started
    found = re.findall(r"([\d,]+) states generated, ([\d,]+) distinct", said[0])
    if not found:
        raise SystemExit(f"TLC said nothing of states:\n{said[0][-2000:]}")
    with (folder / "graph.dot").open(encoding="utf-8") as file:
        edges = sum(" -> " in line for line in file)
    print(f"# TLC's dump has {(folder / 'graph.dot').stat().st_size / 1e6:,.0f} MB")
    nodes = int(found[-1][1].replace(",", ""))
    return Cost("plain java -dump dot,actionlabels", spent, edges, nodes, 0.0, worker)


def main() -> None:
    """Measure and print."""
    config = sys.argv[1] if sys.argv[1:] else sized("elections.cfg", "steady.cfg")
    engine = begin(f"The state graph of Raft, {config}, JVMs with {MEMORY_MB} MB of heap")
    spec = Spec.load(SPECS / "MCRaft.tla", SPECS / config)

    def consume(stream: GraphStream) -> None:
        for _ in stream:
            pass

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def write(stream: GraphStream) -> None:
            with write_graph(folder / "graph.ndjson", "ndjson", stream) as writer:
                for part in stream:
                    writer.add(part)

        consumed = ours(spec, engine, "streamed, each part looked at", consume)
        consumed.show()
        written = ours(spec, engine, "streamed to a file, ndjson", write)
        written.show()
        print(f"# the file has {(folder / 'graph.ndjson').stat().st_size / 1e6:,.0f} MB")
        baseline = plain(engine, spec, folder)
        baseline.show()
    ours(spec, engine, "all of it in memory", Graph).show()
    print(
        f"graph_memory: edges={written.edges} edges_per_second={written.edges / written.seconds:.0f} "
        f"parent_mb={written.parent_mb:.0f} worker_mb={written.worker_mb:.0f} "
        f"plain_seconds={baseline.seconds:.0f} ratio={written.seconds / baseline.seconds:.2f}"
    )


if __name__ == "__main__":
    main()
