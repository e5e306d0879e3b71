"""The TLC versions that the tests run on."""

import os

from tlacheck.engine import VERSIONS, installed_engines
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
