"""`tlacheck verify`: all checks of a project in one command.

`verify.toml` names the checks and the verdict that each must reach. A check written in Python is a
function from a `Context` to an `Outcome`; it needs nothing else from here.
"""

from tlacheck.verify.outcome import Context, Outcome

__all__ = ["Context", "Outcome"]
