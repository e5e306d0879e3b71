"""The commands `tlacheck trace ...`: look at traces, compare them, make something else of them."""

from tlacheck.trace_cli._group import trace_command

__all__ = ["trace_command"]
