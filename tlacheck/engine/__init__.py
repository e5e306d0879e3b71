"""What tlacheck runs on: a TLC jar and a JVM, found on this machine or brought to it.

`find_engine` and `find_jvm` only look; `ensure_engine` may fetch. None of them starts a JVM. What
each finds is a plain value that a verdict can record. All complaints are `SetupError`s whose
message says what to do.
"""

from tlacheck.engine._jar import VERSIONS, Engine, ensure_engine, find_engine, installed_engines
from tlacheck.engine._jvm import Jvm, find_jvm

__all__ = ["VERSIONS", "Engine", "Jvm", "ensure_engine", "find_engine", "find_jvm", "installed_engines"]
