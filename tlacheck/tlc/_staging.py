"""Preparation of a spec for TLC: a copy of its classes and a place for the configuration.

TLC looks for a configuration by its bare name beside the spec. The folder of a spec is the user's, so
the configuration is copied into a private folder, and TLC's file resolver knows both.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jpype

from tlacheck.engine import Engine
from tlacheck.errors import SetupError, spelt_out
from tlacheck.tlc._configuration import without_deadlock
from tlacheck.tlc._jvm import TlcClasses
from tlacheck.tlc._newer import WRITING
from tlacheck.tlc._protocol import STAGED_CONFIG, Kind, Message
from tlacheck.tlc.spec import Spec

__all__ = ["Stage"]

_DELIMITED = re.compile(r"\A@!@!@STARTMSG (-?\d+):(\d+) @!@!@\n(.*?)\n?@!@!@ENDMSG \1 @!@!@\s*\Z", re.DOTALL)


class Stage:
    """A spec prepared for one copy of TLC.

    Attributes:
        classes: TLC's classes, in a loader of their own.
        module: the name of the root module.
        resolver: TLC's way from a module's name to its file.
        deadlock: whether the configuration allows the check for deadlock; True if TLC reads that itself.
    """

    def __init__(
        self,
        spec: Spec,
        engine: Engine,
        folder: Path,
        *,
        writing: bool = False,
        classes: TlcClasses | None = None,
    ) -> None:
        """Prepare `spec` in `folder`, which is private and exists until TLC has read the spec.

        If it is not `writing`, and no jar is trusted, TLC's own modules that write files are not found.
        Without `classes`, the copy of TLC is a fresh one.

        Raises:
            SetupError: the JVM cannot see the spec's file.
        """
        if spec.path.is_file() and not jpype.JClass("java.io.File")(str(spec.path.absolute())).isFile():
            hint = (
                "its name is not ASCII, and the locale does not say how names are encoded: set LC_ALL=C.UTF-8"
            )
            raise SetupError(f"the JVM does not find {spec.path}: {hint}")
        self.classes = classes or TlcClasses(engine, spec.trusted_jars)
        self.spec_folder = str(spec.path.parent.absolute())
        self.module = spec.module
        self.root = str(spec.path.absolute().with_suffix(""))
        configuration, self.deadlock = spec.configuration, True
        if not hasattr(self.classes["tlc2.tool.impl.ModelConfig"], "getCheckDeadlock"):  # 2.15
            configuration, self.deadlock = without_deadlock(configuration)
        (folder / f"{STAGED_CONFIG}.cfg").write_text(configuration, encoding="utf-8")
        folders = jpype.JString[:]([self.spec_folder, *map(str, spec.libraries), str(folder)])
        withheld = frozenset() if writing or spec.trusted_jars else WRITING
        files = _Files(self.classes["util.SimpleFilenameToStream"](folders), withheld, spec)
        self.resolver = jpype.JProxy(self.classes["util.FilenameToStream"], inst=files)
        self._output = self.classes["util.ToolIO"]
        self._output.setMode(1)  # messages are kept in memory, away from the process's own output
        options = self.classes["tlc2.TLCGlobals"]
        options.tool = True  # messages carry their numbers
        options.enumBound = 2**31 - 1  # a bound on printing only: print lazy sets in full

    def messages(self) -> Iterator[Message]:
        """Yield TLC's messages so far."""
        return map(_message, self._output.getAllMessages())

    def drain(self, take: Callable[[Message], None]) -> None:
        """Return TLC's messages since the last call, and forget them.

        TLC's threads wait meanwhile if they have more to say, so frequent calls bound the memory used.
        May be called from any thread.
        """
        # The lock of `ToolIO`'s streams; its own methods use another one, which does not keep writers out.
        with jpype.synchronized(self._output.out.getClass()):
            for raw in self._output.getAllMessages():
                take(_message(raw))
            self._output.reset()

    def variables(self, tool: Any) -> tuple[str, ...]:
        """Return the spec's variables in the order of their declarations, those of extended modules first."""
        found: list[tuple[bool, str, int, int, str]] = []
        processor = tool.getSpecProcessor()
        root = str(processor.getRootModule().getName())
        for node in processor.getVariablesNodes():
            place = node.getLocation()
            module = str(place.source())
            found.append(
                (module == root, module, place.beginLine(), place.beginColumn(), str(node.getName()))
            )
        return tuple(name for *_, name in sorted(found))

    def strangers(self, tool: Any) -> tuple[str, ...]:
        """Return the configured constants that no module declares; TLC does not report them.

        `r1 = r1` makes a model value, which other constants may be made of, and needs no declaration.
        """
        pairs = tool.getModelConfig().getConstants()
        assigned = [pairs.elementAt(index) for index in range(pairs.size())]
        named = [
            str(pair.elementAt(0)) for pair in assigned if str(pair.elementAt(0)) != str(pair.elementAt(1))
        ]
        if not named:
            return ()
        module = tool.getSpecProcessor().getRootModule()
        declared = {str(node.getName()) for node in module.getConstantDecls()}
        return tuple(name for name in named if name not in declared and module.getOpDef(name) is None)


class _Files:
    """TLC's access to files, restricted to modules and configurations; implements its `FilenameToStream`.

    TLC also asks for `Module.class`, and would run Java code found under that name beside a spec.
    """

    def __init__(self, files: Any, withheld: frozenset[str], spec: Spec) -> None:
        self._files = files
        self._withheld = frozenset(name for name in withheld if spec.module_path(name) is None)

    def resolve(self, name: Any, is_module: Any) -> Any:
        if not is_module and not str(name).endswith((".tla", ".cfg")):
            return None
        found = self._files.resolve(name, is_module)
        # A file that is not there is told as missing by every TLC; one without a file only by newer ones.
        is_withheld = (
            str(name).removesuffix(".tla") in self._withheld and found is not None and found.exists()
        )
        return None if is_withheld else found

    def getFullPath(self) -> Any:  # noqa: N802 - TLC's name
        return self._files.getFullPath()

    def isStandardModule(self, name: Any) -> Any:  # noqa: N802 - TLC's name
        return self._files.isStandardModule(name)

    def isLibraryModule(self, name: Any) -> Any:  # noqa: N802 - TLC's name
        return self._files.isLibraryModule(name)


def _message(raw: Any) -> Message:
    text = str(raw)
    match = _DELIMITED.match(text)
    if match is None:
        return Message(None, Kind.INFORMATION, spelt_out(text.strip("\n")))
    return Message(int(match[1]), int(match[2]), match[3])
