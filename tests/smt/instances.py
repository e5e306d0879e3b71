"""Instances of models: small clusters with named elements."""

from tlacheck.smt import Expression, TransitionSystem

__all__ = ["elements"]


def elements(system: TransitionSystem) -> dict[str, Expression]:
    """The named elements (replicas, terms, views, ...) of an instance."""
    sorts = {sort for variable in system.variables for sort in variable.arguments}
    return {str(element): element for sort in sorts for element in sort.elements or ()}
