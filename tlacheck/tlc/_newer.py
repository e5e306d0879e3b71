"""Features of TLC that its released versions 2.15 and 2.18 lack, and sentences that say which TLC has them.

The TLC of TLA+ 1.8.0, a release that its authors go on replacing, has all of them. No registry holds it, so a
user names its jar.
"""

from collections.abc import Iterable
from typing import Final

from tlacheck.engine import Engine

__all__ = [
    "COMMUNITY_MODULES",
    "HAS_IT",
    "MODULES",
    "SECTIONS",
    "SETTINGS",
    "WRITING",
    "advice",
    "require_option",
]

#: The second half of each sentence: which TLC has it, and how to choose that one.
HAS_IT: Final = (
    "the TLC of TLA+ 1.8.0 and newer ones do: choose its jar with `tlacheck engine use FILE` or TLACHECK_JAR"
)

#: Sections of configurations.
SECTIONS: Final = ("ALIAS", "POSTCONDITION")

#: Standard modules.
MODULES: Final = frozenset(
    {
        "Json",
        "TLCExt",
        "_DotTrace",
        "_JsonTrace",
        "_Possible",
        "_TLAPlusCounterExample",
        "_TLCActionTrace",
        "_TLCTESpec",
        "_TLCTrace",
        "_TLCTracePlain",
    }
)

#: Those among them whose Java code writes files. A spec may come from strangers, so it does not get them
#: unless a jar is trusted, or a counterexample is wanted in a format that TLC writes by them.
WRITING: Final = MODULES - {"TLCExt", "_Possible"}

#: Modules of the community, which have a jar of their own.
COMMUNITY_MODULES: Final = frozenset(
    {
        "BagsExt", "Bitwise", "CSV", "Combinatorics", "DifferentialEquations", "DyadicRationals",
        "FiniteSetsExt", "Folds", "Functions", "GraphViz", "Graphs", "HTML", "IOUtils", "Json", "Relation",
        "SVG", "SequencesExt", "ShiViz", "Statistics", "UndirectedGraphs", "VectorClocks",
    }
)  # fmt: skip

#: What `TLCGet` can be asked for.
SETTINGS: Final = frozenset({"action", "all", "config", "generated", "revision", "spec", "stats"})

#: Options of the command line.
_OPTIONS: Final = (
    "-dumpTrace",
    "-generate",
    "-inv",
    "-invlevel",
    "-loadTrace",
    "-messagesAsErrors",
    "-noGenerateSpecTE",
    "-noTE",
    "-postCondition",
    "-suppressMessages",
    "-teSpecOutDir",
)


def require_option(engine: Engine, option: str) -> str | None:
    """Return why `engine` cannot be given an option of the command line; None if it knows the option."""
    if engine.knows(option):
        return None
    return f"TLC {engine.version} does not know {option}; {HAS_IT}"


def advice(engine: Engine, arguments: Iterable[str]) -> str | None:
    """Return which of TLC's `arguments` only newer engines know; None if this one knows them all."""
    lacking = (require_option(engine, each) for each in _OPTIONS if each in set(arguments))
    return next((why for why in lacking if why), None)
