"""Properties of a ballot in every view, judged without the spec from signed messages and counters."""

from collections import Counter
from collections.abc import Iterator

from impl import vote
from property_tests.vote.host import CounterHost, VoterHost
from tlacheck.harness import Invariant, View

__all__ = ["INVARIANTS", "counters_in", "voters_in"]


def voters_in(view: View) -> dict[str, VoterHost]:
    """The voters in a view, by name."""
    return {name: state for name, state in view.items() if isinstance(state, VoterHost)}


def counters_in(view: View) -> dict[str, vote.Counter]:
    """The counters in a view, by name."""
    return {name: state.counter for name, state in view.items() if isinstance(state, CounterHost)}


def _verdicts(view: View) -> Iterator[tuple[str, vote.Verdict]]:
    for name, counter in counters_in(view).items():
        if counter.verdict is not None:
            yield name, counter.verdict


def _agreement(view: View) -> str | None:
    found = dict(_verdicts(view))
    if len({verdict.choice for verdict in found.values()}) < 2:
        return None
    return ", ".join(f"{name} says {verdict.choice}" for name, verdict in found.items())


def _proved(view: View) -> str | None:
    """Whatever a counter says proves itself."""
    for name, counter in counters_in(view).items():
        for made in (counter.verdict, counter.certificate, counter.opening):
            if made is not None and (why := vote.rejection_reason(made, counter.ballot)):
                return f"the {type(made).__name__} of {name} proves nothing: {why}"
    return None


def _supported(view: View) -> str | None:
    """In the round of a verdict, or an earlier one that it goes back to, most honest voters voted for it."""
    voters = voters_in(view)
    said = {each for voter in voters.values() for each in voter.said if isinstance(each, vote.Vote)}
    for name, verdict in _verdicts(view):
        votes = Counter(each.round for each in said if each.choice == verdict.choice)
        if not any(2 * count > len(voters) for number, count in votes.items() if number <= verdict.round):
            return f"{name} says {verdict.choice}, for which most honest voters never voted in one round"
    return None


def _votes_once(view: View) -> str | None:
    """An honest voter signs one statement of a kind in a round."""
    for name, host in voters_in(view).items():
        places = Counter((type(each).__name__, each.round) for each in host.said)
        for (kind, number), count in places.items():
            if count > 1:
                return f"{name} signed {count} different {kind}s in round {number}"
    return None


def _goes_by_its_bond(view: View) -> str | None:
    for name, host in voters_in(view).items():
        held = host.voter.durable
        if held.vote is not None and held.bound not in (None, held.vote.choice):
            return f"{name} is bound to {held.bound}, and votes {held.vote.choice}"
    return None


def _only_liars_convicted(view: View) -> str | None:
    for name, counter in counters_in(view).items():
        if correct := sorted(counter.convicted.keys() & voters_in(view).keys()):
            return f"{name} has convicted {', '.join(correct)}, who follow the protocol"
    return None


def _waits_for_no_liar(view: View) -> str | None:
    """Of n - f votes in a round something has come: a report, a certificate or a verdict."""
    for name, counter in counters_in(view).items():
        heard = Counter(each.round for each in counter.votes.values())
        for number, count in heard.items():
            certified = counter.certificate is not None and counter.certificate.round >= number
            is_done = counter.verdict is not None or certified or counter.reported >= number
            if count >= counter.ballot.n - counter.ballot.f and not is_done:
                return f"{name} has heard {count} voters in round {number}, and waits"
    return None


INVARIANTS = (
    Invariant("Agreement", _agreement),
    Invariant("Proved", _proved),
    Invariant("Supported", _supported),
    Invariant("VotesOnce", _votes_once),
    Invariant("GoesByItsBond", _goes_by_its_bond),
    Invariant("OnlyLiarsConvicted", _only_liars_convicted),
    Invariant("WaitsForNoLiar", _waits_for_no_liar),
)
