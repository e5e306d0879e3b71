"""The TLC jar and the JVM that tlacheck runs on: found on this machine, or fetched.

`find_engine` and `find_jvm` only look; `ensure_engine` may fetch. None of them starts a JVM. Each
returns a plain value that a verdict can record. All errors are `SetupError`s whose message says what to
do.
"""

from tlacheck.engine._jar import VERSIONS, Engine, ensure_engine, find_engine, installed_engines
from tlacheck.engine._jvm import Jvm, find_jvm

__all__ = ["VERSIONS", "Engine", "Jvm", "ensure_engine", "find_engine", "find_jvm", "installed_engines"]
