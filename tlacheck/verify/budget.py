"""Budgets: the time that a run has. Each includes the ones before it."""

__all__ = ["BUDGETS", "DEFAULT", "includes"]

#: From the shortest to the longest.
BUDGETS = ("smoke", "ci", "deep")

DEFAULT = "ci"


def includes(budget: str, other: str) -> bool:
    """Return whether a run of `budget` does the checks of budget `other`."""
    return BUDGETS.index(other) <= BUDGETS.index(budget)
