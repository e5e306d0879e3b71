"""The TLC versions that the tests run on."""

import os
from pathlib import Path

from tlacheck.engine import VERSIONS, Engine, installed_engines
from tlacheck.engine._jar import cache_folder


def test_only_an_engine_whose_download_failed_may_be_missing() -> None:
    """A machine without Maven has only TLC 2.15 and a note saying why; CI must have both."""
    missing = set(VERSIONS) - {engine.version for engine in installed_engines()}

    assert not (missing and os.environ.get("CI")), (
        f"CI must exercise TLC {', '.join(sorted(missing))} as well"
    )
    for version in missing:
        note = cache_folder() / f"tlc-{version}.failed"
        assert note.is_file(), f"TLC {version} is not here, and no failed fetch says why"


def test_the_tests_are_repeated_on_every_jar_that_is_named(engine: Engine) -> None:
    """A jar of one's own is examined like an installed one, and has the options that only newer ones have."""
    assert engine.jar.is_file()
    assert engine.knows("-simulate")
    assert not engine.knows("-simul")
    if engine.version not in VERSIONS:
        named = os.environ["TLACHECK_TEST_JARS"].split(os.pathsep)
        assert engine.jar.resolve() in {Path(jar).resolve() for jar in named}
        assert engine.knows("-dumpTrace")
    else:
        assert not engine.knows("-dumpTrace")
    assert engine.compares_translations == (engine.version != "2.15")
