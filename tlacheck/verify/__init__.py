"""`tlacheck verify`: everything that a project claims, checked in one command.

`verify.toml` names the checks and the verdict that each must reach. A check written in Python is a
function from a `Context` to an `Outcome`; these two are all that it needs from here.
"""

from tlacheck.verify.outcome import Context, Outcome

__all__ = ["Context", "Outcome"]
