"""Expositions of metrics for Prometheus, read strictly."""

import re
from typing import Final

__all__ = ["samples"]

SAMPLE: Final = re.compile(r'^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (-?\d+)$')


def samples(text: str) -> dict[tuple[str, str], int]:
    """The samples of an exposition, which must follow the format line by line."""
    found: dict[tuple[str, str], int] = {}
    declared = ""
    for line in text.splitlines():
        if help_ := re.match(r"^# HELP ([a-z_]+) \S.*\.$", line):
            declared = help_[1]
            continue
        if line.startswith("# TYPE "):
            assert re.match(rf"^# TYPE {declared} (counter|gauge)$", line), line
            assert declared.endswith("_total") == line.endswith(" counter"), line
            continue
        sample = SAMPLE.match(line)
        assert sample, line
        assert sample[1] == declared
        assert (sample[1], sample[2]) not in found
        found[sample[1], sample[2]] = int(sample[3])
    return found
