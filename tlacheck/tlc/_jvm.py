"""The JVM of this process and copies of TLC's classes.

A JVM starts once a process and stays. TLC keeps its state in static fields, so two specs in one
class loader answer wrongly: every oracle and every run gets a `TlcClasses` of its own, which shares
nothing but the JVM with the others, or one whose static state has been restored (`_copies`).
"""

import atexit
import functools
import gc
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import _jpype
import jpype
import jpype.config

from tlacheck.engine import Engine, Jvm, find_jvm
from tlacheck.errors import SetupError
from tlacheck.tlc._static_state import OPENED

__all__ = ["STATUS_WHEN_FULL", "WORDS_WHEN_FULL", "TlcClasses", "is_heap_filling", "start_jvm"]

#: The status with which a JVM ends its process when the heap is full, if told to.
STATUS_WHEN_FULL = 3
#: Its message before that.
WORDS_WHEN_FULL = "Terminating due to java.lang.OutOfMemoryError"
#: The fraction of the heap that earlier runs may hold on to.
_HELD_MAX = 0.25


def start_jvm(
    *,
    memory_mb: int | None = None,
    folder: Path | None = None,
    ends_when_full: bool = False,
    light: bool = False,
) -> None:
    """Start the JVM of this process, unless it runs already.

    Args:
        memory_mb: the largest heap. None leaves it to the JVM: a quarter of the machine.
        folder: where TLC unpacks its standard modules. None makes one that goes when Python ends.
        ends_when_full: whether the process ends, with status `STATUS_WHEN_FULL`, when the heap is full. For
            processes that hold nothing else: TLC limps on for long, and nothing it says then is worth much.
        light: whether Java compiles quickly instead of well: for many small runs, whose classes are all new.

    Raises:
        SetupError: there is no JVM, or it does not start.
    """
    if jpype.isJVMStarted():
        return
    jvm = find_jvm()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="tlacheck-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # TLC reports its use over the network unless this file says no.
    settings = folder / ".tlaplus"
    settings.mkdir(exist_ok=True)
    (settings / "esc.txt").write_text("NO_STATISTICS\n", encoding="utf-8")
    # TLC leaves threads that never end; an orderly shutdown would wait for them forever.
    jpype.config.destroy_jvm = False
    try:
        options = _options(jvm, memory_mb, folder)
        if ends_when_full:
            # A heap is full when nine tenths of the time go into freeing less than a tenth of it.
            options += ["-XX:+ExitOnOutOfMemoryError", "-XX:GCTimeLimit=90", "-XX:GCHeapFreeLimit=10"]
            # Every run loads TLC's classes anew, and verifying them takes a quarter of a small run. They come
            # from one jar, whose checksum is known or which the user named; a spec cannot bring classes of
            # its own.
            options += ["-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"]
            # Nor is all garbage collected each time that their number doubles.
            options.append("-XX:MetaspaceSize=512m")
            options += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        if light:
            options.append("-XX:TieredStopAtLevel=1")
        jpype.startJVM(str(jvm.library), *options, convertStrings=False)
    except (OSError, RuntimeError, jpype.JVMNotFoundException) as error:
        message = f"the JVM of {jvm.home} does not start: {error}. Set JAVA_HOME to a Java 11 or newer"
        raise SetupError(message) from error
    # JPype asks Java to collect garbage, all of it, whenever Python has; Java knows better when. With TLC's
    # classes loaded anew by every run this was a third of the time of small ones.
    collect = _jpype._collect  # noqa: SLF001 - there is no setting
    gc.callbacks[:] = [callback for callback in gc.callbacks if callback is not collect]
    # JPype frees Python objects from a Java thread. If that thread wakes while Python ends, the process
    # aborts ("exception not rethrown"), so the thread is stopped first.
    queue = jpype.JClass("org.jpype.ref.JPypeReferenceQueue")
    atexit.register(lambda: queue.getInstance().stop())


def _options(jvm: Jvm, memory_mb: int | None, folder: Path) -> list[str]:
    options = [
        "-XX:+UseParallelGC",
        "-Xss16m",
        f"-Djava.io.tmpdir={folder}",
        f"-Duser.home={folder}",
        "-Dfile.encoding=UTF-8",  # as everywhere in tlacheck; Java before 18 goes by the locale
    ]
    if memory_mb is not None:
        options.append(f"-Xmx{memory_mb}m")
    major = jvm.version.partition(".")[0]
    if major.isdecimal() and int(major) >= 22:  # JPype is native code; from 22 on Java warns unless told
        options.append("--enable-native-access=ALL-UNNAMED")
    if major.isdecimal() and int(major) >= 23:  # TLC's fingerprint set uses Unsafe; from 23 on the same
        options.append("--sun-misc-unsafe-memory-access=allow")
    return options


def is_heap_filling() -> bool:
    """Return whether leftovers of earlier runs fill so much of the heap that the next run would suffer."""
    runtime = jpype.JClass("java.lang.Runtime").getRuntime()
    limit = _HELD_MAX * runtime.maxMemory()
    if runtime.totalMemory() - runtime.freeMemory() < limit:
        return False
    jpype.JClass("java.lang.System").gc()
    return bool(runtime.totalMemory() - runtime.freeMemory() >= limit)


@functools.lru_cache
def _alone(jar: Path) -> Path:
    """Return a name of the jar with no other jar beside it.

    TLC's jar names `CommunityModules.jar` as part of itself. If one lay beside it, every spec could run
    commands and write files through its modules.
    """
    folder = Path(tempfile.mkdtemp(prefix="tlacheck-jar-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / jar.name
    try:
        link.symlink_to(jar.absolute())
    except OSError:  # Windows asks for a privilege
        shutil.copyfile(jar, link)
    return link


class TlcClasses:
    """The classes of one TLC jar in a class loader of their own: `classes["tlc2.TLC"]`.

    Args:
        engine: whose jar.
        trusted_jars: jars whose classes TLC finds as well.

    Raises:
        SetupError: (on look-up) the jar lacks the class, so it is no TLC of a known version.

    Attributes:
        made: how many copies this process has made. JPype never lets go of the classes that it has seen.
    """

    made: ClassVar[int] = 0

    def __init__(self, engine: Engine, trusted_jars: Iterable[Path] = ()) -> None:
        TlcClasses.made += 1
        self._engine = engine
        self._known: dict[str, Any] = {}
        file = jpype.JClass("java.io.File")
        urls = [file(str(jar)).toURI().toURL() for jar in (_alone(engine.jar), *trusted_jars)]
        platform = jpype.JClass("java.lang.ClassLoader").getPlatformClassLoader()
        # The platform loader as parent keeps any TLC on the class path of this process out.
        self._loader = jpype.JClass("java.net.URLClassLoader")(
            jpype.JClass("java.net.URL")[:](urls), platform
        )

    def __getitem__(self, name: str) -> Any:
        found = self._known.get(name)
        if found is None:
            try:
                found = self._known[name] = jpype.JClass(self._loader.loadClass(name))
            except jpype.JException as error:
                raise SetupError(
                    f"{self._engine.jar} has no class {name}: it is no TLC that tlacheck knows"
                ) from error
        return found

    def initialised(self, name: str) -> Any | None:
        """Initialise a class and return Java's object of it; None if it needs a library that is not there."""
        try:
            return jpype.JClass("java.lang.Class").forName(name, True, self._loader)
        except jpype.JException:
            return None

    def any_initialised(self, names: Iterable[str]) -> bool:
        """Return whether any of these classes has been initialised in this copy, and has static fields."""
        find = jpype.JClass("java.lang.ClassLoader").class_.getDeclaredMethod(
            "findLoadedClass", jpype.JClass("java.lang.String").class_
        )
        find.setAccessible(True)
        is_waiting = jpype.JClass("jdk.internal.misc.Unsafe").getUnsafe().shouldBeInitialized
        is_static = jpype.JClass("java.lang.reflect.Modifier").isStatic
        loaded = (find.invoke(self._loader, name) for name in names)
        return any(
            is_static(field.getModifiers())
            for kind in loaded
            if kind is not None and not is_waiting(kind)
            for field in kind.getDeclaredFields()
        )
