"""The table of a campaign, as lines of text and as JSON data, and its exit status."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tlacheck.campaign.result import Campaign

__all__ = ["campaign_lines", "campaign_to_json", "doubts", "first_met", "status_of"]

#: So many groups of failures, and unfinished cases, are told.
_TOLD_MAX: Final = 10
#: So many actions of a shrunk run are told.
_ACTIONS_MAX: Final = 20


def first_met(campaign: Campaign) -> dict[str, tuple[int, str]]:
    """Coverage goal -> how many cases met it, and the first that did; 0 and an empty text if none did."""
    met: Counter[str] = Counter()
    first: dict[str, str] = {}
    for row in campaign.rows:
        for name, count in row.done.goals.items():
            met[name] += bool(count)
            if count:
                first.setdefault(name, row.case)
    return {name: (count, first.get(name, "")) for name, count in sorted(met.items())}


def status_of(campaign: Campaign) -> int:
    """The exit status: 1 if something was broken; 3 if the campaign says too little to tell; else 0."""
    if campaign.failed:
        return 1
    return 3 if campaign.missing or campaign.unfinished or campaign.mismatches or not campaign.rows else 0


def campaign_lines(campaign: Campaign) -> Iterator[str]:
    """The table: what was done, goals with the cases that met them, failures in groups, what is doubtful."""
    head = campaign.head
    done = len(campaign.rows)
    yield f"{head.name}: {done} cases, {campaign.steps:,} steps, {campaign.seconds:.1f} s of CPU"
    yield f"campaign {head.key}, commit {head.version.commit[:12] or 'none'}, digest {campaign.digest[:16]}"
    agree = len(campaign.repeated) - len(campaign.mismatches)
    yield f"{len(campaign.repeated)} repeated by other processes, {agree} with the same digest"
    met = first_met(campaign)
    if met:
        yield f"{'met':>10} {'cases':>8} {'first':>8}  goal"
    for name, (cases, first) in met.items():
        yield f"{campaign.goals[name]:>10,} {cases:>8,} {first or '-':>8}  {name}"
    yield from _failures(campaign)
    yield from doubts(campaign)
    for name in () if campaign.failed else campaign.missing:
        yield f"never met: {name}; go on with more cases"


def doubts(campaign: Campaign) -> Iterator[str]:
    """Lines on repetitions that differ, cases that could not be done, and workers that were refused."""
    for row, other in campaign.mismatches:
        yield (
            f"case {row.case}: {row.worker} and {other.worker} got different runs: look for hash order, "
            f"clocks, randomness; {row.done.command}"
        )
    for case, why in list(campaign.unfinished.items())[:_TOLD_MAX]:
        yield f"case {case} could not be done: {why}"
    if len(campaign.unfinished) > _TOLD_MAX:
        yield f"{len(campaign.unfinished) - _TOLD_MAX} more could not be done"
    for worker, lines in campaign.refused.items():
        yield f"{worker} did nothing, it is of another version: {'; '.join(lines)}"


def _failures(campaign: Campaign) -> Iterator[str]:
    groups = campaign.groups
    if groups:
        plural = "s" if len(groups) > 1 else ""
        yield f"{len(campaign.failed)} failed, {len(groups)} group{plural} by property and shrunk actions:"
    for group in groups[:_TOLD_MAX]:
        first = group.rows[0]
        more = len(group.actions) - _ACTIONS_MAX
        actions = ", ".join(group.actions[:_ACTIONS_MAX]) + (f", and {more} more" if more > 0 else "")
        yield f"{len(group.rows):>8}x {group.property}"
        if actions:
            yield f"          actions: {actions}"
        yield from (f"          {line}" for line in first.done.explanation)
        yield from (f"          file:    {path}" for path in first.paths)
        if first.done.command:
            yield f"          repeat:  {first.done.command}"
    if len(groups) > _TOLD_MAX:
        yield f"{len(groups) - _TOLD_MAX} more groups"


def campaign_to_json(campaign: Campaign) -> dict[str, Any]:
    """The table as JSON data."""
    head = campaign.head
    return {
        "name": head.name,
        "key": head.key,
        "configuration": dict(head.configuration),
        "version": head.version.to_json(),
        "digest": campaign.digest,
        "cases": len(campaign.rows),
        "steps": campaign.steps,
        "seconds": round(campaign.seconds, 3),
        "repeated": len(campaign.repeated),
        "mismatches": [row.case for row, _ in campaign.mismatches],
        "unfinished": dict(campaign.unfinished),
        "goals": {
            name: {"met": campaign.goals[name], "cases": cases, "first": first or None}
            for name, (cases, first) in first_met(campaign).items()
        },
        "groups": [
            {
                "property": group.property,
                "actions": list(group.actions),
                "cases": [row.case for row in group.rows],
                "explanation": list(group.rows[0].done.explanation),
                "files": list(group.rows[0].paths),
                "command": group.rows[0].done.command,
            }
            for group in campaign.groups
        ],
    }
