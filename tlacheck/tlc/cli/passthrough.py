"""The command `tlacheck tlc`: TLC itself, with its own options, output and exit status.

A drop-in for `java -cp tla2tools.jar tlc2.TLC ARGS` that finds the jar and the Java. This process
becomes the JVM, so standard streams, signals and status are TLC's, and nothing is left to clean up.

TLC's exit statuses, measured (`tests/tlc/test_passthrough.py` compares):

    0    no error            14   assertion (2.18; 75 in 2.15)     150  no parse
    10   assumption          75   step or initial state            151  unusable configuration
    11   deadlock                 that cannot be evaluated         255  unreadable file
    12   invariant           76   invariant that cannot be         1    unusable option
    13   property                 evaluated

Several at once: TLC unpacks the standard modules into Java's temporary folder and deletes them when it
ends, even under another TLC that reads them there ("source file 'Naturals.tla' has apparently been
deleted", status 150). Each needs its own folder, by -Djava.io.tmpdir in JDK_JAVA_OPTIONS; the checkers
of `tlacheck check` have one each.

TLC reports its use over the network only where `~/.tlaplus/esc.txt` asks for it, as without tlacheck.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence

import click

from tlacheck.engine import Engine, Jvm, find_engine, find_jvm
from tlacheck.errors import SetupError
from tlacheck.tlc._newer import advice

__all__ = ["tlc_command"]

#: The values of `--tool` -> the class in the jar.
_TOOLS = {
    "tlc": "tlc2.TLC",
    "sany": "tla2sany.SANY",
    "pluscal": "pcal.trans",
    "latex": "tla2tex.TLA",
    "repl": "tlc2.REPL",
}
#: Where `java` looks for more options.
_VARIABLES = ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")
_COLLECTOR = re.compile(r"-XX:\+Use\w*GC\b")


@click.command("tlc", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--tool",
    type=click.Choice([*_TOOLS]),
    default="tlc",
    show_default=True,
    help=(
        "Another tool of the jar: the parser, the PlusCal translator, the typesetter, the REPL of newer jars."
    ),
)
@click.option(
    "--memory",
    type=click.IntRange(min=64),
    metavar="MB",
    help="Heap of the JVM; Java's own choice unless given.",
)
@click.option(
    "--classpath",
    metavar="JARS",
    help="More jars, such as the community modules. Their Java code runs: name only what you trust.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[--] ARGS...")
def tlc_command(*, tool: str, memory: int | None, classpath: str | None, arguments: Sequence[str]) -> None:
    """Run TLC with its own ARGS; exits with TLC's own exit status.

    For `java -jar tla2tools.jar ARGS` write `tlacheck tlc -- ARGS`. The jar and the Java are those that
    `tlacheck engine` shows. JDK_JAVA_OPTIONS may hold more options for Java, such as -DTLA-Library=DIR.
    The garbage collector is the parallel one, as TLC recommends, unless those options say another.
    Several at once need -Djava.io.tmpdir=DIR there, a DIR each: TLC deletes what it unpacks when it ends.
    `tlacheck tlc -- -h` shows TLC's options; `--tool pluscal -- FILE` translates PlusCal.
    """
    engine, jvm = find_engine(), find_jvm()
    command = _command(engine, jvm, tool=tool, memory_mb=memory, classpath=classpath, environment=os.environ)
    command += arguments
    if tool == "tlc" and (why := advice(engine, arguments)):
        click.echo(f"tlacheck: {why}", err=True)  # TLC itself says only that it does not know the option
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":  # there a process cannot become another one
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


def _command(
    engine: Engine,
    jvm: Jvm,
    *,
    tool: str,
    memory_mb: int | None,
    classpath: str | None,
    environment: Mapping[str, str],
) -> list[str]:
    """Return the command up to the tool's own arguments.

    Raises:
        SetupError: the jar has no such tool.
    """
    name = _TOOLS[tool]
    with zipfile.ZipFile(engine.jar) as archive:
        if f"{name.replace('.', '/')}.class" not in archive.namelist():
            raise SetupError(f"{engine.label} has no {tool}: name a newer tla2tools.jar in TLACHECK_JAR")
    options = [*jvm.options]
    if not any(_COLLECTOR.search(environment.get(variable, "")) for variable in _VARIABLES):
        options.append("-XX:+UseParallelGC")
    if memory_mb is not None:
        options.append(f"-Xmx{memory_mb}m")
    path = os.pathsep.join([str(engine.jar), *filter(None, [classpath])])
    return [str(jvm.executable), *options, "-cp", path, name]
