"""Numbers of a replica in the text format of Prometheus, version 0.0.4."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from impl.common.identities import NodeId

__all__ = ["Named", "exposition"]

#: A field -> the metric's name without its prefix, and what it is.
Named: TypeAlias = Mapping[str, tuple[str, str]]


def exposition(
    prefix: str,
    node: NodeId,
    gauges: tuple[Named, Any],
    counters: tuple[Named, Any],
    reasons: type[enum.Enum],
) -> str:
    """Gauges of a replica's state, and counters of its effects.

    Args:
        prefix: of all names: the protocol.
        node: the replica.
        gauges: the names of fields, and the object that has them.
        counters: the same of counters, which also has `sent`, by type of message, and `refused`, by reason.
        reasons: for which an input is refused.
    """
    lines: list[str] = []
    of_node = ("node", node)
    for kind, (named, held) in (("gauge", gauges), ("counter", counters)):
        for field, (name, what) in named.items():
            value = int(getattr(held, field))
            lines += _metric(f"{prefix}_{name}", kind, what, [((of_node,), value)])
    sent, refused = counters[1].sent, counters[1].refused
    by_type = [((of_node, ("type", kind)), count) for kind, count in sorted(sent.items())]
    by_reason = [((of_node, ("why", why.name.lower())), refused.get(why, 0)) for why in reasons]
    for name, what, samples in (
        ("messages_sent_total", "Messages that were sent, by type.", by_type),
        ("refused_total", "Inputs that were refused, by kind of reason.", by_reason),
    ):
        lines += _metric(f"{prefix}_{name}", "counter", what, samples)
    return "".join(f"{line}\n" for line in lines)


def _metric(
    name: str, kind: str, what: str, samples: Iterable[tuple[tuple[tuple[str, str], ...], int]]
) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
        yield f"{name}{{{shown}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
