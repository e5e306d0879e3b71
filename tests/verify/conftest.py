"""A toy project: a counter with models that hold, must fail or cannot run, and checks in Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COUNTER = r"""---- MODULE Counter ----
(* x goes up to Top, y follows: (Top + 1) (Top + 2) / 2 states, the deepest 2 Top steps away. *)
EXTENDS Naturals
CONSTANT Top
VARIABLES x, y
Init == x = 0 /\ y = 0
Up == x < Top /\ x' = x + 1 /\ y' = y
Follow == y < x /\ y' = y + 1 /\ x' = x
Next == Up \/ Follow
Ordered == y <= x
NeverThree == x # 3
NeverTwo == x # 2
NeverMany == x # 99
====
"""

#: Configuration -> the largest x, the invariant.
CONFIGS = {
    "holds": (9, "Ordered"),
    "broken": (9, "NeverThree"),
    "reached": (9, "NeverTwo"),
    "unreached": (9, "NeverMany"),
    "wrong": (9, "NeverTwo"),
    "unusable": (9, "NoSuchInvariant"),
    "endless": (10_000_000, "Ordered"),
}

MANIFEST = """\
# The counter's models.

[[model]]
spec = "Counter.tla"
config = "holds.cfg"
what = "y never overtakes x"
expect = "exhausted"
generated = 9_1  # the first, 45 by Up, 45 by Follow
distinct = 55
depth = 19

[[model]]
spec = "Counter.tla"
config = "broken.cfg"
what = "the bound is too tight"
expect = "violated"
violates = "NeverThree"
steps = 3
base = "holds.cfg"

[[model]]
spec = "Counter.tla"
config = "reached.cfg"
what = "two is reached"
expect = "witness"
violates = "NeverTwo"
# nothing pinned yet

[[model]]
spec = "Counter.tla"
config = "unreached.cfg"
what = "many are reached"
expect = "witness"
violates = "NeverMany"

[[model]]
spec = "Counter.tla"
config = "wrong.cfg"
what = "claims too much"

[[model]]
spec = "Counter.tla"
config = "unusable.cfg"
what = "names an invariant that is not there"

[[model]]
spec = "Counter.tla"
config = "endless.cfg"
what = "has more states than anybody can wait for"
budget = "deep"
timeout = 60
"""

CHECKS = """\
import os
import subprocess
import sys
import time

from immutabledict import immutabledict

from tlacheck import itf
from tlacheck.trace import Origin, Step, Trace, Violation
from tlacheck.verdict import Verdict
from tlacheck.verify import Outcome


def proved(context):
    return Outcome(verdict=Verdict.proved(), figures={"claims": 12})


def sampled(context, *, examples):
    context.progress(f"example 1 of {examples}")
    print("a line of its own", flush=True)
    print("PYTHONHASHSEED", os.environ["PYTHONHASHSEED"])
    print("JAVA_TOOL_OPTIONS", os.environ.get("JAVA_TOOL_OPTIONS", ""))
    return Outcome(verdict=Verdict.sampled(examples, context.seed), figures={"examples": examples})


def violated(context):
    trace = Trace(
        initial=immutabledict(x=0),
        steps=(Step("Up", immutabledict(), immutabledict(x=1)),),
        origin=Origin(source="toy", seed=context.seed, command=context.command),
        violation=Violation(property="StaysZero", step=1),
    )
    path = context.folder / "run.itf.json"
    itf.write(trace, path)
    return Outcome(
        verdict=Verdict.violated("StaysZero", "x is 1"), trace=path, message="first line\\nsecond line [n1]"
    )


def raising(context):
    raise RuntimeError("the cluster [n1] did not start")


def hanging(context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (context.folder / "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def dying(context):
    os._exit(7)


def nothing(context):
    return True


def traceless(context):
    return Outcome(verdict=Verdict.violated("P"), trace=context.folder / "none.itf.json")
"""

PLAN = """\
[verify]
budget = "ci"

[[models]]
manifest = "specs/counter/manifest.toml"

[[check]]
name = "toy/proved"
layer = "Z3"
call = "toy.checks:proved"
expect = "proved"
budget = "smoke"

[[check]]
name = "toy/sampled"
layer = "stateful"
call = "toy.checks:sampled"
with = { examples = 10, ci = { examples = 20 } }

[[check]]
name = "toy/violated"
layer = "stateful"
call = "toy.checks:violated"

[[check]]
name = "toy/mutant"
layer = "stateful"
call = "toy.checks:violated"
expect = "violated"

[[check]]
name = "toy/survivor"
layer = "stateful"
call = "toy.checks:proved"
expect = "violated"

[[check]]
name = "toy/weaker"
layer = "Z3"
call = "toy.checks:sampled"
expect = "proved"
with = { examples = 1 }

[[check]]
name = "toy/raising"
layer = "replay"
call = "toy.checks:raising"

[[check]]
name = "toy/hanging"
layer = "replay"
call = "toy.checks:hanging"
timeout = 1

[[check]]
name = "toy/dying"
layer = "replay"
call = "toy.checks:dying"

[[check]]
name = "toy/nothing"
layer = "replay"
call = "toy.checks:nothing"

[[check]]
name = "toy/traceless"
layer = "replay"
call = "toy.checks:traceless"

[[check]]
name = "toy/missing"
layer = "replay"
call = "toy.nowhere:check"

[[check]]
name = "toy/patient"
layer = "replay"
call = "toy.checks:hanging"
budget = "deep"
"""


def make_project(root: Path) -> Path:
    """Write the toy project into `root`."""
    folder = root / "specs" / "counter"
    folder.mkdir(parents=True)
    (folder / "Counter.tla").write_text(COUNTER)
    for name, (top, invariant) in CONFIGS.items():
        (folder / f"{name}.cfg").write_text(
            f"INIT Init\nNEXT Next\nCONSTANT Top = {top}\nINVARIANT {invariant}\n"
        )
    (folder / "manifest.toml").write_text(MANIFEST)
    (root / "toy").mkdir()
    (root / "toy" / "checks.py").write_text(CHECKS)
    (root / "verify.toml").write_text(PLAN)
    return root


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Make a fresh copy of the toy project."""
    return lambda: make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def tlacheck() -> "Tlacheck":
    """Run the command as from a shell without a terminal."""
    return Tlacheck()


class Tlacheck:
    """`tlacheck(root, "verify", ...)`: the command in a separate process."""

    def start(self, root: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start the command; the caller reads its output."""
        return subprocess.Popen(
            [sys.executable, "-c", "from tlacheck.cli import main; main(prog_name='tlacheck')", *arguments],
            cwd=root,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, root: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end."""
        process = self.start(root, *arguments, **environment)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)
