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


def _mutant(name: str, bug: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, bug=bug, module=module, old=old, new=new)


MUTANTS: tuple[Mutant, ...] = (
    _mutant("one-vote-less", "a certificate of one vote less", _RULES,
        '"""The number of votes that make a certificate."""\n    return config.quorum',
        '"""The number of votes that make a certificate."""\n    return config.quorum - 1'),
    _mutant("one-time-out-less", "a time-out certificate of one less", _RULES,
        '"""The number of time-outs that make a time-out certificate."""\n    return config.quorum',
        '"""The number of time-outs that make a time-out certificate."""\n    return config.quorum - 1'),
    _mutant("f-take-along", "view inflation by one Byzantine replica", _RULES,
        "return config.f + 1", "return config.f"),
    _mutant("lock-not-checked", "HS-01", _RULES,
        "return is_ancestor(config, durable, durable.lock, block) or justify.view > durable.lock.view",
        "return durable.lock.view >= 0"),
    _mutant("any-views-commit", "HS-02", _RULES,
        "return following == view + 1", "return following > view"),
    _mutant("two-in-a-row-commit", "HS-03", _RULES,
        "return three[1].parent if in_a_row(first, middle) and in_a_row(middle, last) else None",
        "return three[0].parent if in_a_row(middle, last) else None"),
    _mutant("view-not-signed", "HS-04", _PROOFS,
        'return encode(("vote", config.cluster, view, block))',
        'return encode(("vote", config.cluster, block))'),
    _mutant("cluster-not-signed", "HS-12", _PROOFS,
        'return encode(("vote", config.cluster, view, block))', 'return encode(("vote", view, block))'),
    _mutant("parent-and-certificate-differ", "HS-06", _PROOFS,
        "if block.justify.block != block.parent:", "if block.justify.block == block.proposer:"),
    _mutant("certificate-not-checked", "HS-01, where the certificate is looked at by nobody", _PROOFS,
        "return certificate_flaw(config, block.justify)", 'return ""'),
    _mutant("any-number-of-signers", "HS-15, in effect", _PROOFS,
        "if len(named) < needed:", "if not named:"),
    _mutant("anybody-leads", "HS-14", _PROOFS,
        "if not rules.may_propose(config, block.proposer, block.view):",
        "if block.proposer not in config.replicas:"),
    _mutant("vote-forgotten", "HS-08", _FOLLOWING,
        "durable = attrs.evolve(durable, voted=block.view, vote=vote)",
        "durable = attrs.evolve(durable, vote=vote)"),
    _mutant("votes-after-time-out", "HS-23", _RULES,
        "return view > durable.timed", "return view >= 0"),
    _mutant("lock-not-raised", "HS-21", _CHAIN,
        "durable = attrs.evolve(durable, high=certificate, lock=lock)",
        "durable = attrs.evolve(durable, high=certificate)"),
    _mutant("comes-back-low", "HS-10", _RULES,
        "return max(durable.high.view + 1, durable.voted, durable.timed)", "return durable.high.view + 1"),
    _mutant("stale-certificate-extended", "HS-18", _RULES,
        "return len(told) >= timeouts_needed(config)", "return len(told) >= 0"),
    _mutant("views-never-joined", "HS-17", _PACEMAKER,
        "if view < node.view or view <= node.durable.timed:", "if view >= 0:"),
    _mutant("time-outs-without-votes", "no commit with four replicas and a silent one", _PACEMAKER,
        "timeout = sign_timeout(node.config, view, durable.high, durable.vote)",
        "timeout = sign_timeout(node.config, view, durable.high, None)"),
    _mutant("certificates-double-the-timer", "a silent leader's turn costs many times the timer", _CHAIN,
        "return StepResult(attrs.evolve(result.state, view=view), result.effects)",
        "futile = result.state.futile + (view > node.view)\n"
        "    return StepResult(attrs.evolve(result.state, view=view, futile=futile), result.effects)"),
    _mutant("nobody-tells-the-next", "who missed the last block of a faulty leader never learns it", _CORE,
        "return StepResult(node, tuple(effects)).then(sync.asks_again).then(_tells_next)",
        "return StepResult(node, tuple(effects)).then(sync.asks_again)"),
    _mutant("blocks-not-fetched", "hotstuff_rs#25", _SYNC,
        "return _asks(attrs.evolve(node, wanted=Wanted(certificate)))", "return StepResult(node)"),
    _mutant("far-views-kept", "a leader's blocks for all views to come fill the disk", _CORE,
        "if has_begun else each.view > node.view for", "for"),
    _mutant("request-executed-twice", "PB-35", _CHAIN,
        "if last is not None and last.timestamp >= request.timestamp:",
        "if last is not None and last.timestamp > request.timestamp:"),
    Mutant(
        name="quorum-counted-otherwise",
        bug="none",
        module="impl.hotstuff.configuration",
        old="return quorum.byzantine_quorum(self.n, self.f)",
        new="return (self.n + self.f) // 2 + 1",
        equivalent=True,
        why="it is the same number for every n and f",
    ),
)  # fmt: skip

#: Some of them, for a check that is to take little time.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::6]
