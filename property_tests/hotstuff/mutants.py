"""Wrong HotStuff implementations, one line each, most with the shape of a public bug.

What operators make by themselves, `tlacheck mutate` tries.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_CHAIN: Final = "impl.hotstuff.chain"
_CORE: Final = "impl.hotstuff.core"
_FOLLOWING: Final = "impl.hotstuff.following"
_PACEMAKER: Final = "impl.hotstuff.pacemaker"
_PROOFS: Final = "impl.hotstuff.proofs"
_RULES: Final = "impl.hotstuff.rules"
_SYNC: Final = "impl.hotstuff.sync"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="one-vote-less",
        bug="a certificate of one vote less",
        module=_RULES,
        old='"""The number of votes that make a certificate."""\n    return config.quorum',
        new='"""The number of votes that make a certificate."""\n    return config.quorum - 1',
    ),
    Mutant(
        name="one-time-out-less",
        bug="a time-out certificate of one less",
        module=_RULES,
        old='"""The number of time-outs that make a time-out certificate."""\n    return config.quorum',
        new='"""The number of time-outs that make a time-out certificate."""\n    return config.quorum - 1',
    ),
    Mutant(
        name="f-take-along",
        bug="view inflation by one Byzantine replica",
        module=_RULES,
        old="return config.f + 1",
        new="return config.f",
    ),
    Mutant(
        name="lock-not-checked",
        bug="HS-01",
        module=_RULES,
        old="return is_ancestor(config, durable, durable.lock, block) or justify.view > durable.lock.view",
        new="return durable.lock.view >= 0",
    ),
    Mutant(
        name="any-views-commit",
        bug="HS-02",
        module=_RULES,
        old="return following == view + 1",
        new="return following > view",
    ),
    Mutant(
        name="two-in-a-row-commit",
        bug="HS-03",
        module=_RULES,
        old="return three[1].parent if in_a_row(first, middle) and in_a_row(middle, last) else None",
        new="return three[0].parent if in_a_row(middle, last) else None",
    ),
    Mutant(
        name="view-not-signed",
        bug="HS-04",
        module=_PROOFS,
        old='return encode(("vote", config.cluster, view, block))',
        new='return encode(("vote", config.cluster, block))',
    ),
    Mutant(
        name="cluster-not-signed",
        bug="HS-12",
        module=_PROOFS,
        old='return encode(("vote", config.cluster, view, block))',
        new='return encode(("vote", view, block))',
    ),
    Mutant(
        name="parent-and-certificate-differ",
        bug="HS-06",
        module=_PROOFS,
        old="if block.justify.block != block.parent:",
        new="if block.justify.block == block.proposer:",
    ),
    Mutant(
        name="certificate-not-checked",
        bug="HS-01, where the certificate is looked at by nobody",
        module=_PROOFS,
        old="    return certificate_flaw(config, block.justify)",
        new='    return ""',
    ),
    Mutant(
        name="any-number-of-signers",
        bug="HS-15, in effect",
        module=_PROOFS,
        old="    if len(named) < needed:",
        new="    if not named:",
    ),
    Mutant(
        name="anybody-leads",
        bug="HS-14",
        module=_PROOFS,
        old="    if not rules.may_propose(config, block.proposer, block.view):",
        new="    if block.proposer not in config.replicas:",
    ),
    Mutant(
        name="vote-forgotten",
        bug="HS-08",
        module=_FOLLOWING,
        old="durable = attrs.evolve(durable, voted=block.view, vote=vote)",
        new="durable = attrs.evolve(durable, vote=vote)",
    ),
    Mutant(
        name="votes-after-time-out",
        bug="HS-23",
        module=_RULES,
        old="return view > durable.timed",
        new="return view >= 0",
    ),
    Mutant(
        name="lock-not-raised",
        bug="HS-21",
        module=_CHAIN,
        old="durable = attrs.evolve(durable, high=certificate, lock=lock)",
        new="durable = attrs.evolve(durable, high=certificate)",
    ),
    Mutant(
        name="comes-back-low",
        bug="HS-10",
        module=_RULES,
        old="return max(durable.high.view + 1, durable.voted, durable.timed)",
        new="return durable.high.view + 1",
    ),
    Mutant(
        name="stale-certificate-extended",
        bug="HS-18",
        module=_RULES,
        old="return len(told) >= timeouts_needed(config)",
        new="return len(told) >= 0",
    ),
    Mutant(
        name="views-never-joined",
        bug="HS-17",
        module=_PACEMAKER,
        old="    if view < node.view or view <= node.durable.timed:",
        new="    if view >= 0:",
    ),
    Mutant(
        name="time-outs-without-votes",
        bug="no commit with four replicas and a silent one",
        module=_PACEMAKER,
        old="timeout = sign_timeout(node.config, view, durable.high, durable.vote)",
        new="timeout = sign_timeout(node.config, view, durable.high, None)",
    ),
    Mutant(
        name="certificates-double-the-timer",
        bug="a silent leader's turn costs many times the timer",
        module=_CHAIN,
        old="    return StepResult(attrs.evolve(result.state, view=view), result.effects)",
        new="    futile = result.state.futile + (view > node.view)\n"
        "    return StepResult(attrs.evolve(result.state, view=view, futile=futile), result.effects)",
    ),
    Mutant(
        name="nobody-tells-the-next",
        bug="a replica that missed the last block of a faulty leader never learns it",
        module=_CORE,
        old="    return StepResult(node, tuple(effects)).then(sync.asks_again).then(_tells_next)",
        new="    return StepResult(node, tuple(effects)).then(sync.asks_again)",
    ),
    Mutant(
        name="blocks-not-fetched",
        bug="hotstuff_rs#25",
        module=_SYNC,
        old="    return _asks(attrs.evolve(node, wanted=Wanted(certificate)))",
        new="    return StepResult(node)",
    ),
    Mutant(
        name="far-views-kept",
        bug="a leader's blocks for all views to come fill the disk",
        module=_CORE,
        old="if has_begun else each.view > node.view for",
        new="for",
    ),
    Mutant(
        name="request-executed-twice",
        bug="PB-35",
        module=_CHAIN,
        old="        if last is not None and last.timestamp >= request.timestamp:",
        new="        if last is not None and last.timestamp > request.timestamp:",
    ),
    Mutant(
        name="quorum-counted-otherwise",
        bug="none",
        module="impl.hotstuff.configuration",
        old="return quorum.byzantine_quorum(self.n, self.f)",
        new="return (self.n + self.f) // 2 + 1",
        equivalent=True,
        why="it is the same number for every n and f",
    ),
)

#: Some of them, for a check that is to take little time.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::6]
