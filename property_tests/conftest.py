"""Settings of the property tests: their JVMs run for seconds."""

import os


def pytest_configure() -> None:
    """Have Java compile quickly instead of well: a test asks its oracle too little for the other to pay."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
