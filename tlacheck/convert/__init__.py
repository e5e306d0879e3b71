"""Conversion of traces from and to other formats.

Everything that shows a behaviour becomes a `tlacheck.trace.Trace`, and then every tool reads it: the
page, the terminal, replay, shrinking, `tlacheck trace diff`.

* `read_traces` reads a file, whatever it is of what `READ` lists: it looks at what the file holds, not
  at its name.
* `written` gives a trace as text, in a format of `WRITTEN`.
* `trace_from_z3` reads the unrolling of a bounded model check out of a solver's model.
* `trace_from_run` and `run_from_trace` go between traces and logs of runs with whole states.
* `traces_of_failure` finds the traces that a failed test carries, below whatever raised it.

`losses` lists what a format cannot hold, so nothing vanishes silently.
"""

from tlacheck.convert._failures import traces_of_failure
from tlacheck.convert._formats import READ, WRITTEN, format_of, losses, read_traces, traces_in, written
from tlacheck.convert._runs import run_from_trace, trace_from_run
from tlacheck.convert._tlc_json import trace_from_tlc_json
from tlacheck.convert._z3 import Members, trace_from_z3

__all__ = [
    "READ",
    "WRITTEN",
    "Members",
    "format_of",
    "losses",
    "read_traces",
    "run_from_trace",
    "trace_from_run",
    "trace_from_tlc_json",
    "trace_from_z3",
    "traces_in",
    "traces_of_failure",
    "written",
]
