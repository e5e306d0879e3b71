"""Status of a check: the expected verdict against the one found. No check runs here.

| status         | a verified model or claim              | a model or check that must fail            |
|----------------|----------------------------------------|--------------------------------------------|
| ok             | the expected verdict, pins reproduced  | its property failed, pins reproduced       |
| violated       | some property failed                   | (never)                                    |
| inconclusive   | another verdict, a drifted pin, no time| it did not fail, or another property did   |
| could not run  | no verdict at all                      | no verdict at all                          |
"""

import enum

import attrs

from tlacheck.verdict import Kind, Verdict
from tlacheck.verify.manifest import PINS, Expectation, Model, Pins
from tlacheck.verify.plan import Call, Check

__all__ = ["Judgement", "Status", "expected", "judge_call", "judge_model"]


class Status(enum.Enum):
    """The meaning of a check's result for its run."""

    OK = "ok"
    VIOLATED = "violated"
    FAILED = "could not run"
    INCONCLUSIVE = "inconclusive"


@attrs.frozen
class Judgement:
    """A status, and lines that say why it is not ok."""

    status: Status
    reasons: tuple[str, ...] = ()


def expected(check: Check) -> str:
    """Describe the expected result of the check."""
    if isinstance(check, Call):
        return "any verdict that establishes something" if check.expect is None else check.expect.value
    pins = ", ".join(f"{pin} {number:,}" for pin, number in check.pins.items())
    kind = {
        Expectation.EXHAUSTED: "exhausted",
        Expectation.VIOLATED: f"violated({check.violates})",
        Expectation.WITNESS: f"a witness against {check.violates}",
    }[check.expect]
    return f"{kind}, {pins}" if pins else kind


def judge_call(check: Call, verdict: Verdict) -> Judgement:
    """Judge the verdict of a check in Python."""
    if verdict.is_unknown:
        return Judgement(Status.INCONCLUSIVE)  # the verdict carries its reason
    if check.expect is Kind.VIOLATED:
        if verdict.is_violated:
            return Judgement(Status.OK)
        return Judgement(
            Status.INCONCLUSIVE, ("it must find a violation and found none: does it look at anything?",)
        )
    if verdict.is_violated:
        return Judgement(Status.VIOLATED, (verdict.reason,) if verdict.reason else ())
    if check.expect is not None and verdict.kind is not check.expect:
        reason = f"it was to be {check.expect.value} and is only {verdict.kind.value}"
        return Judgement(
            Status.INCONCLUSIVE, (reason.replace("only ", "") if verdict.kind is Kind.PROVED else reason,)
        )
    return Judgement(Status.OK)


def judge_model(model: Model, verdict: Verdict, found: Pins, *, pinned: bool = True) -> Judgement:
    """Judge TLC's verdict on a model.

    Args:
        model: what was expected.
        verdict: what was found.
        found: the numbers of the run.
        pinned: whether a drifted pin counts; not when pins are being recorded.
    """
    if verdict.is_unknown:
        return Judgement(Status.INCONCLUSIVE)  # the verdict carries its reason
    if model.expect is Expectation.EXHAUSTED:
        if verdict.is_violated:
            return Judgement(Status.VIOLATED, (f"{verdict.violates} {verdict.reason or 'does not hold'}",))
    elif not verdict.is_violated:
        witness = model.expect is Expectation.WITNESS
        means = (
            "the situation is not reached within these bounds"
            if witness
            else "the checks do not notice what was broken"
        )
        return Judgement(Status.INCONCLUSIVE, (f"{model.violates} must fail and holds: {means}",))
    elif verdict.violates != model.violates:
        return Judgement(
            Status.INCONCLUSIVE, (f"{model.violates} must fail, but {verdict.violates} failed first",)
        )
    drifted = [pin for pin in PINS if pin in model.pins and model.pins[pin] != found.get(pin)]
    if not pinned or not drifted:
        return Judgement(Status.OK)
    numbers = tuple(f"{pin} {found.get(pin, 0):,}, pinned {model.pins[pin]:,}" for pin in drifted)
    advice = (
        "the model is not the one that was pinned; if the change is meant: "
        f"tlacheck verify --only {model.name} --budget {model.budget} --record"
    )
    return Judgement(Status.INCONCLUSIVE, (*numbers, advice))
