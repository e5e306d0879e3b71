"""Constants to which a configuration gives a value although no module declares them, found before a search.

TLC does not report them, and in most specs they are slips of the pen. Only SANY knows for certain what is
declared. Its answer costs a tenth of a second, so it is asked only if a name seems to be declared nowhere in
the files of the spec.
"""

import re
from collections.abc import Iterator
from typing import Final

import jpype

from tlacheck.errors import TlacheckError
from tlacheck.tlc._configuration import assigned
from tlacheck.tlc._files import texts
from tlacheck.tlc._protocol import STAGED_CONFIG
from tlacheck.tlc._staging import Stage
from tlacheck.tlc.spec import Spec

__all__ = ["seem_undeclared", "undeclared"]

_COMMENT: Final = re.compile(r"\(\*.*?\*\)|\\\*[^\n]*", re.DOTALL)
#: A name that is defined, or the names after CONSTANTS, up to what follows them.
_DEFINED: Final = re.compile(r"(\w+)\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)\s*)?==")
_DECLARED: Final = re.compile(
    r"\bCONSTANTS?\b(.*?)(?:==|-{4}|={4}|\b(?:VARIABLES?|ASSUME|ASSUMPTION|AXIOM)\b|\Z)", re.DOTALL
)


def seem_undeclared(spec: Spec) -> tuple[str, ...]:
    """Return the constants with a value that seem to be declared nowhere, model values `r1 = r1` apart."""
    named = [name for name, value in assigned(spec.configuration) if value.lstrip("=").strip() != name]
    if not named:
        return ()
    known = set(_known(spec))
    return tuple(name for name in named if name not in known)


def undeclared(stage: Stage) -> tuple[str, ...]:
    """Return the constants of the stage's configuration that no module declares, by a reading of its own.

    The stage must not have been used yet, and cannot be afterwards. Empty if TLC refuses the spec, for it
    will say why.
    """
    try:
        make = stage.classes["tlc2.tool.impl.FastTool"]
        return stage.strangers(make(stage.spec_folder, stage.module, STAGED_CONFIG, stage.resolver))
    except (jpype.JException, TlacheckError):
        return ()


def _known(spec: Spec) -> Iterator[str]:
    for text in texts(spec.path, spec.libraries):
        bare = _COMMENT.sub(" ", text)
        yield from _DEFINED.findall(bare)
        for stretch in _DECLARED.findall(bare):
            yield from re.findall(r"\w+", stretch)
