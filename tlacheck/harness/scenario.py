"""Scenario tests: a run of a protocol as a text file, of directives and what they print (docs/scenarios.md).

| noun             | is                                                                              |
|------------------|---------------------------------------------------------------------------------|
| `Directive`      | a kind of line: `tlacheck.harness.directives`, and those that a protocol declares |
| `Scene`          | the run that a file's directives act on, and what it prints                      |
| `ScenarioResult` | the file as this run would write it, how that differs, and which demands failed  |

Every step is judged by the spec and the invariants, as in a soak test. A violation ends the run and fails the
scenario, unless the next directive is `expect violated NAME`. What `expect` demands must hold in a rewrite,
too.
"""

import difflib
import re
import unittest
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import attrs

from tlacheck.errors import ConfigError
from tlacheck.harness.directives import DIRECTIVES
from tlacheck.harness.protocol import Protocol
from tlacheck.harness.scene import Scene
from tlacheck.harness.soak import load_protocol, processes
from tlacheck.harness.syntax import Block, read_blocks, write_blocks
from tlacheck.trace import Trace

__all__ = ["ScenarioResult", "run_scenario", "run_scenarios", "scenario_files", "scenarios_of"]


#: Steps of nodes, steps and variables of the spec, and what stands for no output: nothing that an unjudged
#: run has to print.
_STEP: Final = re.compile(r"(\d+ ms: )?\S+ (takes|receives|restarts as) |  spec: |\w+ = |ok$")


@attrs.frozen(kw_only=True)
class ScenarioResult:
    """Result of one file.

    Attributes:
        path: the file.
        text: the file as this run would write it.
        difference: a unified diff of the file and `text`; empty if they are equal.
        failures: what must hold and does not, as `FILE:LINE: …`: demands of `expect`, violations that nobody
            expected.
        steps: how many steps nodes took.
        actions: how many steps of the spec they stand for.
        trace: the run up to the last violation that nobody expected; None if there is none.
    """

    path: Path
    text: str
    difference: tuple[str, ...]
    failures: tuple[str, ...]
    steps: int
    actions: int
    trace: Trace | None = None

    @property
    def is_right(self) -> bool:
        """True if the file says what happened, and nothing failed."""
        return not self.difference and not self.failures

    def report(self, target: str) -> tuple[str, ...]:
        """Failures, the difference, and the command that accepts it, for people."""
        rewrite = f"if this run is right: tlacheck scenario {target} {self.path} --rewrite"
        return (*self.failures, *self.difference, *((rewrite,) if self.difference else ()))


def run_scenario(protocol: Protocol, path: Path, *, judged: bool = True) -> ScenarioResult:
    """Run the scenario of one file. The file is left as it is.

    Args:
        protocol: the declaration.
        path: the file.
        judged: False to leave the spec out, which is quicker. Then only what does not depend on it is
            compared: effects, and what directives print, but no steps.

    Raises:
        ConfigError: the file cannot be read, or a line makes no sense; the message has file and line.
        SpecError: the spec cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no scenario can be read from here: {error}") from error
    known = {**DIRECTIVES, **{each.name: each for each in protocol.scenario_syntax.directives}}
    blocks = read_blocks(text, path)
    lines = [line for block in blocks for line in block.directives]
    if not lines:
        raise ConfigError(f"{path}: there is no directive in this file")
    for line in lines:
        if line.name not in known:
            near = difflib.get_close_matches(line.name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise line.error(f"there is no directive {line.name}: {hint}")
        known[line.name].check(line)
    scene = Scene(protocol, judged=judged)
    written: list[Block] = []
    for block in blocks:
        output = [each for line in block.directives for each in scene.carry_out(line, known[line.name])]
        written.append(attrs.evolve(block, output=tuple(output)))
    scene.end()
    found = write_blocks(written)
    old, new = (
        [row for row in each.splitlines() if judged or not _STEP.match(row)] for each in (text, found)
    )
    difference = difflib.unified_diff(old, new, f"{path}", f"{path} (this run)", lineterm="")
    return ScenarioResult(
        path=path,
        text=found,
        difference=tuple(difference),
        failures=tuple(scene.failures),
        steps=scene.steps,
        actions=scene.actions,
        trace=scene.trace,
    )


def scenario_files(folder: Path) -> list[Path]:
    """The scenarios of a folder: its `.txt` files, by name.

    Raises:
        ConfigError: there is none.
    """
    found = sorted(folder.glob("*.txt"))
    if not found:
        raise ConfigError(f"{folder} holds no scenario: a scenario is a file *.txt")
    return found


def run_scenarios(
    target: str, paths: Iterable[Path], *, mutant: str | None = None, judged: bool = True
) -> Iterable[ScenarioResult]:
    """Run the scenarios of these files, one after the other; in a process of its own, if there is a mutant.

    Args:
        target: the declaration, `package.module:NAME`.
        paths: the files.
        mutant: the name of the declaration's mutant that is put in the core's place.
        judged: False to leave the spec out.

    Raises:
        ConfigError, SpecError: as `run_scenario`; or there is no such declaration or mutant.
    """
    protocol = load_protocol(target)
    if mutant is None:
        yield from (run_scenario(protocol, path, judged=judged) for path in paths)
        return
    with processes(protocol.mutant(mutant), 1) as pool:
        yield from pool.map(_run_here, [(target, path, judged) for path in paths])


def _run_here(work: tuple[str, Path, bool]) -> ScenarioResult:
    target, path, judged = work
    return run_scenario(load_protocol(target), path, judged=judged)


def scenarios_of(target: str, folder: Path) -> type[unittest.TestCase]:
    """The tests of all scenarios of a folder, one a file; pytest and unittest collect what this returns.

    >>> TestScenarios = scenarios_of("examples.lock.protocol:LOCK", Path(__file__).parent / "scenarios")

    Args:
        target: the declaration, `package.module:NAME`.
        folder: the folder of the files.

    Raises:
        ConfigError: there is no scenario in it.
    """
    tests = {f"test_{path.stem.replace('-', '_')}": _test_of(target, path) for path in scenario_files(folder)}
    return type("Scenarios", (unittest.TestCase,), {**tests, "__doc__": f"Scenarios of {target}."})


def _test_of(target: str, path: Path) -> Callable[[unittest.TestCase], None]:
    def test(case: unittest.TestCase) -> None:
        result = run_scenario(load_protocol(target), path)
        if not result.is_right:
            case.fail("\n".join(result.report(target)))

    return test
