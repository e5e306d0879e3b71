"""Wrong voting implementations, one line each, most shaped like a rule of the document or a public bug."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_BALLOT: Final = "impl.vote.ballot"
_COUNTER: Final = "impl.vote.counter"
_RULES: Final = "impl.vote.rules"
_VALIDATION: Final = "impl.vote.validation"
_VOTER: Final = "impl.vote.voter"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="one-vote-less",
        bug="a quorum of one less",
        module=_RULES,
        old=(
            '"""The number of votes that make a certificate, and of confirmations that make a verdict."""\n'
            "    return ballot.quorum"
        ),
        new=(
            '"""The number of votes that make a certificate, and of confirmations that make a verdict."""\n'
            "    return ballot.quorum - 1"
        ),
    ),
    Mutant(
        name="verdict-by-f-plus-one",
        bug="BV, REJECT at f + 1",
        module=_RULES,
        old=(
            '"""The number of votes that make a certificate, and of confirmations that make a verdict."""\n'
            "    return ballot.quorum"
        ),
        new=(
            '"""The number of votes that make a certificate, and of confirmations that make a verdict."""\n'
            "    return ballot.f + 1"
        ),
    ),
    Mutant(
        name="few-askers",
        bug="a round is opened by f + 1",
        module=_RULES,
        old=(
            '"""The number of voters that must ask for a round before it is opened."""\n'
            "    return ballot.quorum"
        ),
        new=(
            '"""The number of voters that must ask for a round before it is opened."""\n'
            "    return ballot.f + 1"
        ),
    ),
    Mutant(
        name="waits-for-all",
        bug="BV, wait for all 7 votes",
        module=_RULES,
        old="return voters >= ballot.n - ballot.f",
        new="return voters >= ballot.n",
    ),
    Mutant(
        name="votes-again",
        bug="PB-22",
        module=_RULES,
        old="return not held.waiting and held.vote is None",
        new="return not held.waiting",
    ),
    Mutant(
        name="votes-while-waiting",
        bug="a vote in a round that is not opened",
        module=_RULES,
        old="return not held.waiting and held.vote is None",
        new="return held.vote is None",
    ),
    Mutant(
        name="as-it-likes",
        bug="BV, retry without a lock",
        module=_RULES,
        old="return held.bound is None or held.bound == choice",
        new="return True",
    ),
    Mutant(
        name="any-lock",
        bug="PB-02",
        module=_RULES,
        old="return max((retry.lock",
        new="return min((retry.lock",
    ),
    Mutant(
        name="tells-nothing",
        bug="PB-06",
        module=_VOTER,
        old="round=held.round + 1, lock=held.lock, source",
        new="round=held.round + 1, lock=None, source",
    ),
    Mutant(
        name="confirms-late",
        bug="a voter that has given up confirms",
        module=_RULES,
        old="return not held.waiting and certificate.round == held.round and not confirmed",
        new="return certificate.round >= held.round - held.waiting and not confirmed",
    ),
    Mutant(
        name="enters-again",
        bug="a voter votes again in a round that is opened again",
        module=_RULES,
        old="return number > held.round or (number == held.round and held.waiting)",
        new="return number >= held.round",
    ),
    Mutant(
        name="signatures-not-checked",
        bug="votes count in whoever's name",
        module=_VALIDATION,
        old='return "" if is_signed(statement, ballot.keys) else',
        new='return "" if statement is not None else',
    ),
    Mutant(
        name="a-voter-counts-twice",
        bug="RE-07",
        module=_VALIDATION,
        old="if len({part.source for part in parts}) < len(parts):",
        new="if not parts:",
    ),
    Mutant(
        name="mixed-rounds",
        bug="PB-19",
        module=_VALIDATION,
        old="if len({part.round for part in parts}) > 1:",
        new="if not parts:",
    ),
    Mutant(
        name="mixed-choices",
        bug="PB-11",
        module=_VALIDATION,
        old="if len({part.choice for part in parts}) > 1",
        new="if not parts",
    ),
    Mutant(
        name="votes-of-any-round-count",
        bug="PB-19, at the counter",
        module=_COUNTER,
        old="if each.round == number]",
        new="if each.round > 0]",
    ),
    Mutant(
        name="convicts-of-any-round",
        bug="who changes its mind is taken for a liar",
        module=_RULES,
        old="same_place = type(first) is type(second) and first.round == second.round",
        new="same_place = type(first) is type(second)",
    ),
    Mutant(
        name="never-convicts",
        bug="equivocation is not noticed",
        module=_RULES,
        old="first.source == second.source and content(first) != content(second)",
        new="first.source != second.source",
    ),
    Mutant(
        name="forgets-its-vote",
        bug="RE-02",
        module=_VOTER,
        old="return StepResult(attrs.evolve(voter, durable=durable), (Persist(durable), effect))",
        new="return StepResult(attrs.evolve(voter, durable=durable), (effect,))",
    ),
    Mutant(
        name="stays-bound",
        bug="a voter keeps the bond of an earlier round",
        module=_VOTER,
        old="later = attrs.evolve(held, round=retry.round, bound=None, vote=None, retry=retry)",
        new="later = attrs.evolve(held, round=retry.round, vote=None, retry=retry)",
    ),
    Mutant(
        name="quorum-counted-otherwise",
        bug="none",
        module=_BALLOT,
        old="return quorum.byzantine_quorum(self.n, self.f)",
        new="return (self.n + self.f) // 2 + 1",
        equivalent=True,
        why="it is the same number for every n and f",
    ),
)

#: Some of them, for a check that is to take little time.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::5]
