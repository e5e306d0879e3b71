"""Wrong PBFT implementations, one line each, most with the shape of a public bug; and equivalent ones.

The ids are those of the project's catalogue of protocol bugs; `docs/pbft-bugs.md` says of each which check of
the spec and which layer notices it. "paper" is Castro and Liskov, OSDI 1999, "TOCS" the same authors, TOCS
2002.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_QUORUM: Final = "impl.quorum"
_CHECKPOINTS: Final = "impl.pbft.checkpoints"
_CLIENTS: Final = "impl.pbft.clients"
_CONFIGURATION: Final = "impl.pbft.configuration"
_CORE: Final = "impl.pbft.core"
_ENCODING: Final = "impl.common.encoding"
_EXECUTION: Final = "impl.pbft.execution"
_NORMAL: Final = "impl.pbft.normal"
_PROOFS: Final = "impl.pbft.proofs"
_RETRANSMISSION: Final = "impl.pbft.retransmission"
_RULES: Final = "impl.pbft.rules"
_STATE: Final = "impl.pbft.state"
_TIMERS: Final = "impl.pbft.timers"
_VALIDATION: Final = "impl.pbft.validation"
_VIEW_CHANGES: Final = "impl.pbft.view_changes"
_VOTING: Final = "impl.pbft.voting"


def _signature_of(kind: str, bug: str) -> Mutant:
    """A replica takes messages of one kind whoever signed them."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind)
    return Mutant(
        name=f"signature-not-checked-of{words}",
        bug=bug,
        module=_VALIDATION,
        old="if not is_signed_by(message.source, message, node.config.keys):",
        new=(
            f"if not isinstance(message, {kind}) and not is_signed_by(message.source, message, "
            "node.config.keys):"
        ),
    )


MUTANTS: tuple[Mutant, ...] = (
    # --- how many, and whose votes count ------------------------------------------------------------
    Mutant(
        name="primary-prepares-too",
        bug="PB-01",
        module=_RULES,
        old="return frozenset(config.replicas) - {config.primary(view)}",
        new="return frozenset(config.replicas)",
    ),
    Mutant(
        name="one-prepare-less",
        bug="paper, 4.2: 2f prepares of backups",
        module=_RULES,
        old="return quorum_size(config) - 1\n",
        new="return quorum_size(config) - 2\n",
    ),
    Mutant(
        name="one-commit-less",
        bug="PB-04",
        module=_RULES,
        old='    """The number of commits that it takes (paper, 4.2)."""\n    return quorum_size(config)\n',
        new=(
            '    """The number of commits that it takes (paper, 4.2)."""\n'
            "    return quorum_size(config) - 1\n"
        ),
    ),
    Mutant(
        name="quorums-of-twice-the-faulty",
        bug="PB-05, 2f + 1 of however many",
        module=_CONFIGURATION,
        old="return quorum.byzantine_quorum(self.n, self.f)",
        new="return 2 * self.f + 1",
    ),
    Mutant(
        name="quorum-rounded-down",
        bug="PB-05, wrongly rounded",
        module=_QUORUM,
        old="return (n + f + 2) // 2",
        new="return (n + f + 1) // 2",
    ),
    Mutant(
        name="prepare-for-any-batch",
        bug="PB-11",
        module=_RULES,
        old=(
            "vote.source for vote in prepares if vote.digest == digest and vote.view == view and vote.seq "
            "== seq"
        ),
        new="vote.source for vote in prepares if vote.view == view and vote.seq == seq",
    ),
    Mutant(
        name="commit-for-any-batch",
        bug="PB-11, of commits",
        module=_RULES,
        old=(
            "vote.source for vote in commits if vote.digest == digest and vote.view == view and vote.seq == "
            "seq"
        ),
        new="vote.source for vote in commits if vote.view == view and vote.seq == seq",
    ),
    Mutant(
        name="signature-without-the-batch",
        bug="PB-11, what is signed does not name the value",
        module=_ENCODING,
        old="f'{key}\"{digest(getattr(value, name))}\"' if digested else",
        new="f'{key}\"\"' if digested else",
    ),
    Mutant(
        name="prepare-for-any-number",
        bug="PB-19",
        module=_NORMAL,
        old="    view, agreed = durable.view, votes.accepted\n",
        new=(
            "    said = [vote for held in node.votes.values() for vote in held.prepares.values()]\n"
            "    votes = attrs.evolve(votes, prepares={vote.source: attrs.evolve(vote, seq=seq) for "
            "vote in said})\n"
            "    view, agreed = durable.view, votes.accepted\n"
        ),
    ),
    Mutant(
        name="prepare-of-any-view",
        bug="PB-19, of another view",
        module=_RULES,
        old=(
            "vote.source for vote in prepares if vote.digest == digest and vote.view == view and vote.seq "
            "== seq"
        ),
        new="vote.source for vote in prepares if vote.digest == digest and vote.seq == seq",
    ),
    Mutant(
        name="commit-of-any-view",
        bug="PB-19, of another view, for commits",
        module=_RULES,
        old=(
            "vote.source for vote in commits if vote.digest == digest and vote.view == view and vote.seq == "
            "seq"
        ),
        new="vote.source for vote in commits if vote.digest == digest and vote.seq == seq",
    ),
    # --- the normal case ----------------------------------------------------------------------------
    Mutant(
        name="proposes-only-what-waits",
        bug="PB-03, a guard that is never true",
        module=_PROOFS,
        old="if node.waiting.get(request.client) != request and not _is_signed(node.config, request):",
        new="if node.waiting.get(request.client) != request:",
    ),
    Mutant(
        name="second-proposal-accepted",
        bug="PB-09",
        module=_RULES,
        old="return seq not in accepted",
        new="return True",
    ),
    Mutant(
        name="anybody-proposes",
        bug="PB-10",
        module=_RULES,
        old="return node == config.primary(view)",
        new="return True",
    ),
    Mutant(
        name="anybody-begins-a-view",
        bug="PB-10, of a new view",
        module=_VALIDATION,
        old="if not rules.may_propose(node.config, message.source, message.view):",
        new="if False:",
    ),
    Mutant(
        name="commits-before-it-is-prepared",
        bug="paper, 4.2: committed-local needs prepared",
        module=_NORMAL,
        old=(
            "    if certificate is None or certificate.view != durable.view or seq in durable.committed:\n"
            "        return StepResult(node)\n"
            "    if not rules.is_committed(node.config, votes.commits.values(), durable.view, seq, "
            "votes.accepted):\n"
            "        return StepResult(node)\n"
            "    durable = attrs.evolve(durable, committed={**durable.committed, seq: certificate.batch})\n"
        ),
        new=(
            "    if seq in durable.committed:\n"
            "        return StepResult(node)\n"
            "    if not rules.is_committed(node.config, votes.commits.values(), durable.view, seq, "
            "votes.accepted):\n"
            "        return StepResult(node)\n"
            "    durable = attrs.evolve(durable, committed={**durable.committed, seq: "
            "durable.accepted[seq].batch})\n"
        ),
    ),
    Mutant(
        name="promises-what-is-not-prepared",
        bug="paper, 4.2: a commit is sent when the batch is prepared",
        module=_NORMAL,
        old="    return StepResult(heard(node, vote), (Send(vote),))\n\n\ndef count",
        new=(
            "    promise = Commit(view=node.durable.view, seq=seq, digest=vote.digest, source=node.name)\n"
            "    promise = signed(promise, node.config.keys)\n"
            "    return StepResult(heard(heard(node, vote), promise), (Send(vote), Send(promise)))\n"
            "\n\ndef count"
        ),
    ),
    Mutant(
        name="executes-what-is-prepared",
        bug="PB-26, two phases",
        module=_NORMAL,
        old=(
            "    if not rules.is_committed(node.config, votes.commits.values(), durable.view, seq, "
            "votes.accepted):\n"
            "        return StepResult(node)\n"
        ),
        new="",
    ),
    Mutant(
        name="window-without-an-end",
        bug="paper, 4.2: the high watermark",
        module=_RULES,
        old="return low < seq <= low + config.window",
        new="return low < seq",
    ),
    Mutant(
        name="window-without-a-beginning",
        bug="paper, 4.2: the low watermark",
        module=_RULES,
        old="return low < seq <= low + config.window",
        new="return seq <= low + config.window",
    ),
    Mutant(
        name="commit-lost-before-the-proposal",
        bug="PB-37",
        module=_NORMAL,
        old="    return count(heard(node, message), message.seq)\n",
        new=(
            "    if message.seq not in node.durable.accepted:\n"
            "        return StepResult(node)\n"
            "    return count(heard(node, message), message.seq)\n"
        ),
    ),
    Mutant(
        name="proposal-lost-before-its-view",
        bug="PB-37, a proposal that overtakes its new view",
        module=_NORMAL,
        old="        return StepResult(heard(node, message))\n",
        new="        return StepResult(node)\n",
    ),
    Mutant(
        name="early-proposal-never-used",
        bug="PB-37, it is stored and forgotten",
        module=_VIEW_CHANGES,
        old="if early is not None and early.view == view and",
        new="if early is not None and early.view > view and",
    ),
    Mutant(
        name="primary-numbers-anew-after-a-checkpoint",
        bug="PB-43, what of it there is here: the primary's counter starts again",
        module=_RULES,
        old="return 1 + max(durable.stable.seq, *durable.accepted, 0)",
        new="return 1 + max(durable.accepted, default=0)",
    ),
    # --- execution and clients ----------------------------------------------------------------------
    Mutant(
        name="order-of-its-own",
        bug="PB-25",
        module=_EXECUTION,
        old="    for request in batch:\n",
        new="    for request in reversed(batch) if node.name == node.config.replicas[1] else batch:\n",
    ),
    Mutant(
        name="executes-again",
        bug="PB-35",
        module=_RULES,
        old="return last is None or last.timestamp < request.timestamp",
        new="return True",
    ),
    Mutant(
        name="executes-an-earlier-request",
        bug="PB-35, only the very same is known again",
        module=_RULES,
        old="return last is None or last.timestamp < request.timestamp",
        new="return last is None or last.timestamp != request.timestamp",
    ),
    Mutant(
        name="executes-across-gaps",
        bug="paper, 4.2: in the order of the numbers",
        module=_NORMAL,
        old="execute_from(attrs.evolve(node, durable=durable), durable.executed, durable.state)",
        new=(
            "execute_from(attrs.evolve(node, durable=durable), max(durable.executed, seq - 1), durable.state)"
        ),
    ),
    Mutant(
        name="answers-nobody-again",
        bug="paper, 4.1: a client that asks again is answered",
        module=_CLIENTS,
        old="(answer(node, last),))",
        new="())",
    ),
    Mutant(
        name="request-kept-from-the-primary",
        bug="paper, 4.1: backups relay what clients ask",
        module=_CLIENTS,
        old="relays = not node.is_primary and not durable.changing",
        new="relays = False",
    ),
    Mutant(
        name="waits-for-what-is-executed",
        bug="paper, 4.4: the timer stops when nothing waits",
        module=_EXECUTION,
        old="return StepResult(without_answered(attrs.evolve(node, durable=durable)), tuple(effects))",
        new="return StepResult(attrs.evolve(node, durable=durable), tuple(effects))",
    ),
    # --- what is durable ----------------------------------------------------------------------------
    Mutant(
        name="proposal-not-persisted",
        bug="PB-22",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new='effects = (Persist(__import__("attrs").evolve(after.durable, accepted={})), *effects)',
    ),
    Mutant(
        name="certificate-not-persisted",
        bug="PB-22, of a commit",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new=(
            'effects = (Persist(__import__("attrs").evolve(after.durable, prepared=node.durable.prepared)), '
            "*effects)"
        ),
    ),
    Mutant(
        name="view-change-not-persisted",
        bug="PB-22, of a view change",
        module=_CORE,
        old="if after.durable is not node.durable:\n        effects",
        new="if after.durable is not node.durable and not after.durable.changing:\n        effects",
    ),
    Mutant(
        name="send-before-persist",
        bug="PB-22, it is said first and written then",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new="effects = (*effects, Persist(after.durable))",
    ),
    Mutant(
        name="own-votes-forgotten-in-a-crash",
        bug="PB-22, its reverse: it does not count what it said",
        module=_RETRANSMISSION,
        old="    for own in _own_votes(node):\n        node = heard(node, own)\n",
        new="",
    ),
    Mutant(
        name="own-view-change-forgotten-in-a-crash",
        bug="PB-22, its reverse, of a view change",
        module=_RETRANSMISSION,
        old=(
            "    if node.durable.leaving is not None:\n"
            "        node = heard_view_change(node, node.durable.leaving)\n"
        ),
        new="",
    ),
    # --- checkpoints and state transfer -------------------------------------------------------------
    Mutant(
        name="discards-at-one-checkpoint",
        bug="PB-13",
        module=_RULES,
        old="return len(checkpoint_votes(config, checkpoints, seq, digest)) >= quorum_size(config)",
        new="return len(checkpoint_votes(config, checkpoints, seq, digest)) >= 1",
    ),
    Mutant(
        name="stable-by-a-weak-quorum",
        bug="PB-13, f + 1 have it",
        module=_RULES,
        old="return len(checkpoint_votes(config, checkpoints, seq, digest)) >= quorum_size(config)",
        new="return len(checkpoint_votes(config, checkpoints, seq, digest)) >= weak_quorum_size(config)",
    ),
    Mutant(
        name="checkpoint-of-any-state",
        bug="PB-11, of checkpoints",
        module=_CHECKPOINTS,
        old="heard = [each for several in node.checkpoints.values() for each in several]",
        new=(
            "heard = [attrs.evolve(each, digest=digest) for several in node.checkpoints.values() for each "
            "in several]"
        ),
    ),
    Mutant(
        name="older-checkpoint-taken",
        bug="paper, 4.3: the low watermark never goes back",
        module=_VIEW_CHANGES,
        old="discard(node, stable) if stable.seq > durable.stable.seq else StepResult(node)",
        new="discard(node, stable)",
    ),
    Mutant(
        name="log-never-discarded",
        bug="paper, 4.3: garbage collection",
        module=_CHECKPOINTS,
        old="prepared=beyond(durable.prepared, seq)",
        new="prepared=durable.prepared",
    ),
    Mutant(
        name="state-of-any-digest",
        bug="TOCS, 5.3: the state is compared with what a quorum vouches for",
        module=_VALIDATION,
        old="if not flaw and digest(message.state) != wanted.digest:",
        new="if not flaw and False:",
    ),
    Mutant(
        name="state-without-proof",
        bug="TOCS, 5.3: the checkpoint is proved",
        module=_VALIDATION,
        old="            flaw = checkpoint_flaw(node.config, message.checkpoint)\n",
        new='            flaw = ""\n',
    ),
    Mutant(
        name="state-taken-though-it-has-executed-more",
        bug="PB-21, synchronization takes back what is executed",
        module=_VALIDATION,
        old="if message.checkpoint.seq < durable.stable.seq or message.checkpoint.seq <= durable.executed:",
        new="if message.checkpoint.seq < durable.stable.seq:",
    ),
    Mutant(
        name="nothing-executed-behind-a-state",
        bug="TOCS, 5.3: what is committed behind the state is executed",
        module=_CHECKPOINTS,
        old="    result = execute_from(attrs.evolve(node, durable=durable), seq, state)\n",
        new=(
            "    durable = attrs.evolve(durable, executed=seq, state=state)\n"
            "    result = StepResult(attrs.evolve(node, durable=durable))\n"
        ),
    ),
    # --- leaving a view -----------------------------------------------------------------------------
    Mutant(
        name="view-change-tells-nothing",
        bug="PB-06",
        module=_RULES,
        old="return tuple(durable.prepared[seq] for seq in sorted(durable.prepared))",
        new="return ()",
    ),
    Mutant(
        name="view-change-clears-what-is-prepared",
        bug="PB-06, it is told once only",
        module=_VIEW_CHANGES,
        old="leaving=message, entered=None, accepted={})",
        new="leaving=message, entered=None, accepted={}, prepared={})",
    ),
    Mutant(
        name="view-change-tells-uncommitted",
        bug="PB-07",
        module=_RULES,
        old="return tuple(durable.prepared[seq] for seq in sorted(durable.prepared))",
        new=(
            "return tuple(durable.prepared[seq] for seq in sorted(durable.prepared) if seq not in "
            "durable.committed)"
        ),
    ),
    Mutant(
        name="stays-with-what-it-promised",
        bug="PB-27",
        module=_VIEW_CHANGES,
        old="    return _leave(node, node.durable.view + 1)\n",
        new=(
            "    if any(each.view == node.durable.view for each in node.durable.prepared.values()):\n"
            "        return StepResult(node)\n"
            "    return _leave(node, node.durable.view + 1)\n"
        ),
    ),
    Mutant(
        name="joins-one-faulty-replica",
        bug="paper, 4.5.2: f + 1 others",
        module=_RULES,
        old="return views[0] if len(views) >= weak_quorum_size(config) else None",
        new="return views[0] if len(views) >= config.f else None",
    ),
    Mutant(
        name="joins-the-last-view",
        bug="paper, 4.5.2: the first of the views, which is a correct replica's or before it",
        module=_RULES,
        old="return views[0] if",
        new="return views[-1] if",
    ),
    Mutant(
        name="joins-nobody",
        bug="paper, 4.5.2: replicas that want different views meet",
        module=_RULES,
        old="return views[0] if len(views) >= weak_quorum_size(config) else None",
        new="return None",
    ),
    Mutant(
        name="view-change-unproved",
        bug="paper, 4.4: certificates are checked",
        module=_VALIDATION,
        old="            flaw = view_change_flaw(node.config, message)\n",
        new='            flaw = ""\n',
    ),
    Mutant(
        name="certificate-unproved",
        bug="paper, 4.4: certificates are checked, wherever they come from",
        module=_PROOFS,
        old="        if flaw := certificate_flaw(config, certificate):\n            return flaw\n",
        new="",
    ),
    Mutant(
        name="checkpoint-unproved",
        bug="paper, 4.4: the checkpoint of a view change is proved",
        module=_PROOFS,
        old="    if flaw := checkpoint_flaw(config, message.checkpoint):\n        return flaw\n",
        new="",
    ),
    Mutant(
        name="certificate-of-a-later-view",
        bug="paper, 4.4: prepared in a view before",
        module=_PROOFS,
        old="        if certificate.view >= message.view:\n",
        new="        if False:\n",
    ),
    Mutant(
        name="certificate-of-anybodys-proposal",
        bug="PB-10, in a certificate",
        module=_PROOFS,
        old="    if not rules.may_propose(config, proposal.source, view):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="certificate-beyond-the-window",
        bug="paper, 4.4: numbers between the watermarks",
        module=_PROOFS,
        old="        if not rules.in_window(config, certificate.seq, message.checkpoint.seq):\n",
        new="        if False:\n",
    ),
    Mutant(
        name="certificate-counts-messages",
        bug="paper, 4.2: prepares of different backups",
        module=_PROOFS,
        old=(
            "    if not rules.is_prepared(config, votes, view, seq, agreed):\n"
            "        return (\n"
            '            f"number {seq} has not the same prepares "\n'
            '            f"of {rules.prepare_quorum_size(config)} backups of view {view}"\n'
            "        )\n"
        ),
        new=(
            "    if len(votes) < rules.prepare_quorum_size(config):\n"
            '        return "too few prepares"\n'
            "    votes = tuple(dict.fromkeys(votes))\n"
        ),
    ),
    Mutant(
        name="checkpoint-counts-messages",
        bug="paper, 4.3: checkpoints of different replicas",
        module=_PROOFS,
        old=(
            "    if not rules.is_stable(config, checkpoint.proof, checkpoint.seq, checkpoint.digest):\n"
            "        return (\n"
            '            f"the checkpoint at {checkpoint.seq} has not the same votes "\n'
            '            f"of {rules.quorum_size(config)} replicas"\n'
            "        )\n"
            "    return _votes_flaw(config, checkpoint.proof, checkpoint.seq, checkpoint.digest)\n"
        ),
        new=(
            "    if len(checkpoint.proof) < rules.quorum_size(config):\n"
            '        return "too few checkpoints"\n'
            "    proof = tuple(dict.fromkeys(checkpoint.proof))\n"
            "    return _votes_flaw(config, proof, checkpoint.seq, checkpoint.digest)\n"
        ),
    ),
    # --- beginning a view ---------------------------------------------------------------------------
    Mutant(
        name="new-view-takes-any-certificate",
        bug="PB-02",
        module=_RULES,
        old="return max(certificates, key=lambda certificate: certificate.view)",
        new="return next(iter(certificates))",
    ),
    Mutant(
        name="new-view-takes-the-first-certificate",
        bug="PB-21, what was proposed first wins",
        module=_RULES,
        old="return max(certificates, key=lambda certificate: certificate.view)",
        new="return min(certificates, key=lambda certificate: certificate.view)",
    ),
    Mutant(
        name="gap-not-filled",
        bug="PB-14",
        module=_RULES,
        old="for seq in range(low + 1, high + 1))",
        new="for seq in range(low + 1, high + 1) if seq in prepared)",
    ),
    Mutant(
        name="new-view-from-the-earliest-checkpoint",
        bug="paper, 4.4: min-s is the latest stable checkpoint",
        module=_RULES,
        old="return max((each.checkpoint for each in view_changes), key=lambda checkpoint: checkpoint.seq)",
        new="return min((each.checkpoint for each in view_changes), key=lambda checkpoint: checkpoint.seq)",
    ),
    Mutant(
        name="new-view-not-recomputed",
        bug="PB-16",
        module=_PROOFS,
        old=(
            "    if rules.reproposals(message.view_changes) != tuple((each.seq, each.batch) for each in "
            "message.proposals):\n"
        ),
        new="    if False:\n",
    ),
    Mutant(
        name="new-view-of-too-few",
        bug="paper, 4.4: the view changes of a quorum",
        module=_PROOFS,
        old="    if not len(message.view_changes) == len(sources) == rules.quorum_size(config):\n",
        new="    if not rules.weak_quorum_size(config) <= len(message.view_changes) == len(sources):\n",
    ),
    Mutant(
        name="new-view-counts-messages",
        bug="paper, 4.4: the view changes of different replicas",
        module=_PROOFS,
        old="    if not len(message.view_changes) == len(sources) == rules.quorum_size(config):\n",
        new="    if not sources or len(message.view_changes) != rules.quorum_size(config):\n",
    ),
    Mutant(
        name="new-view-from-changes-to-others",
        bug="paper, 4.4: view changes to this view",
        module=_PROOFS,
        old="        if each.view != message.view:\n",
        new="        if False:\n",
    ),
    Mutant(
        name="primary-takes-changes-to-other-views",
        bug="paper, 4.4: view changes to this view, of the primary",
        module=_VIEW_CHANGES,
        old="        and node.view_changes[source].view == durable.view\n",
        new="",
    ),
    Mutant(
        name="new-view-with-changes-unproved",
        bug="paper, 4.4: the view changes in a new view are checked",
        module=_PROOFS,
        old=(
            "        if flaw := view_change_flaw(config, each):\n"
            '            return f"the view change of {each.source!r}: {flaw}"\n'
        ),
        new="",
    ),
    Mutant(
        name="enters-an-earlier-view",
        bug="paper, 4.4: views grow",
        module=_VALIDATION,
        old=(
            "            if message.view < durable.view:\n"
            '                return Refusal(Why.OLD_VIEW, f"this replica is in view {durable.view}")\n'
            "            if message.view == durable.view and not durable.changing:\n"
        ),
        new="            if message.view == durable.view and not durable.changing:\n",
    ),
    Mutant(
        name="enters-a-view-twice",
        bug="PB-30, a second new view",
        module=_VALIDATION,
        old='                return Refusal(Why.REPEATED, f"view {message.view} has begun")\n',
        new="                return None\n",
    ),
    Mutant(
        name="never-ends-changing",
        bug="PB-30",
        module=_VIEW_CHANGES,
        old="view=view, leaving=None, entered=message, accepted={})",
        new="view=view, entered=message, accepted={})",
    ),
    Mutant(
        name="backup-does-not-agree-to-a-new-view",
        bug="paper, 4.4: backups prepare what a new view proposes",
        module=_VIEW_CHANGES,
        old="        result = result.then(agree, seq)\n",
        new="        pass\n",
    ),
    Mutant(
        name="requests-forgotten-by-a-new-view",
        bug="paper, 4.4: the new primary learns what waits",
        module=_VIEW_CHANGES,
        old="    result: Result = StepResult(node, relay_waiting(node))\n",
        new="    result: Result = StepResult(node)\n",
    ),
    # --- time ---------------------------------------------------------------------------------------
    Mutant(
        name="timer-not-doubled",
        bug="PB-29",
        module=_STATE,
        old="return min(1 << min(self.futile, 64), self.config.multiplier_max)",
        new="return 1",
    ),
    Mutant(
        name="timer-reset-by-any-message",
        bug="PB-29, a primary that talks stays",
        module=_TIMERS,
        old="moved = progressed or new.view != old.view or new.changing != old.changing",
        new="moved = True",
    ),
    Mutant(
        name="multiplier-never-resets",
        bug="PB-29, its reverse: the time stays long when all is well",
        module=_TIMERS,
        old="        node = attrs.evolve(node, futile=0)\n",
        new="        pass\n",
    ),
    Mutant(
        name="timer-of-a-view-that-few-want",
        bug="paper, 4.5.2: it starts when a quorum wants the view",
        module=_TIMERS,
        old="        return wants_enough(node)\n",
        new="        return True\n",
    ),
    Mutant(
        name="timer-never-runs-while-changing",
        bug="paper, 4.5.2: a primary that never begins its view is left",
        module=_TIMERS,
        old="        return wants_enough(node)\n",
        new="        return False\n",
    ),
    # --- retransmission -----------------------------------------------------------------------------
    Mutant(
        name="view-change-said-once",
        bug="messages may be lost: a view change",
        module=_RETRANSMISSION,
        old="        said.append(durable.leaving)\n",
        new="        pass\n",
    ),
    Mutant(
        name="new-view-said-once",
        bug="messages may be lost: a new view",
        module=_RETRANSMISSION,
        old="            said.append(durable.entered)\n",
        new="            pass\n",
    ),
    Mutant(
        name="checkpoint-said-once",
        bug="messages may be lost: a checkpoint",
        module=_RETRANSMISSION,
        old="said: list[Message] = [*_own_checkpoints(node), *_own_votes(node)]",
        new="said: list[Message] = [*_own_votes(node)]",
    ),
    Mutant(
        name="votes-said-once",
        bug="messages may be lost: prepares and commits",
        module=_RETRANSMISSION,
        old="said: list[Message] = [*_own_checkpoints(node), *_own_votes(node)]",
        new="said: list[Message] = [*_own_checkpoints(node)]",
    ),
    # --- who signed it ------------------------------------------------------------------------------
    _signature_of("PrePrepare", "paper, 2: nobody signs for others"),
    _signature_of("Prepare", "paper, 2, of a prepare"),
    _signature_of("Commit", "paper, 2, of a commit"),
    _signature_of("Checkpoint", "paper, 2, of a checkpoint"),
    _signature_of("ViewChange", "paper, 2, of a view change"),
    _signature_of("NewView", "paper, 2, of a new view"),
    Mutant(
        name="signature-not-checked-of-request",
        bug="paper, 4.1, of a client's request",
        module=_VALIDATION,
        old="    if not is_signed_by(request.client, request, node.config.keys):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="signature-not-checked-in-batch",
        bug="paper, 4.2: a primary cannot invent requests",
        module=_PROOFS,
        old="    for request in batch:\n        if node.waiting",
        new="    for request in ():\n        if node.waiting",
    ),
    Mutant(
        name="signature-not-checked-of-certified-proposal",
        bug="paper, 4.4: the proposal in a certificate is the primary's",
        module=_PROOFS,
        old='    if not _is_signed(config, proposal):\n        return f"the proposal for {seq} has',
        new='    if False:\n        return f"the proposal for {seq} has',
    ),
    Mutant(
        name="signature-not-checked-of-certified-votes",
        bug="paper, 4.3 and 4.4: the votes in a proof are their senders'",
        module=_PROOFS,
        old="if vote.source not in config.replicas or not _is_signed(config, vote):",
        new="if vote.source not in config.replicas:",
    ),
    Mutant(
        name="signature-not-checked-in-new-view",
        bug="paper, 4.4: the view changes in a new view are their senders'",
        module=_PROOFS,
        old="if each.source not in config.replicas or not _is_signed(config, each):",
        new="if each.source not in config.replicas:",
    ),
    Mutant(
        name="equivocation-not-reported",
        bug="two contradicting messages of one sender are evidence, with both signatures",
        module=_VALIDATION,
        old='return Refusal(Why.EQUIVOCATION, f"{message.source!r} signed something else before", known)',
        new='return Refusal(Why.REPEATED, f"{message.source!r} signed something else before")',
    ),
    Mutant(
        name="second-vote-replaces-the-first",
        bug="of two votes of one sender the first counts",
        module=_VALIDATION,
        old='return Refusal(Why.EQUIVOCATION, f"{message.source!r} signed something else before", known)',
        new="return None",
    ),
    # --- no difference ------------------------------------------------------------------------------
    Mutant(
        name="quorum-written-otherwise",
        bug="none",
        module=_QUORUM,
        old="return (n + f + 2) // 2",
        new="return (n + f) // 2 + 1",
        equivalent=True,
        why="(n + f) // 2 + 1 is (n + f + 2) // 2 for every n and f",
    ),
    Mutant(
        name="all-who-prepare-are-counted",
        bug="none",
        module=_RULES,
        old="    return preparers(config, view) & {\n",
        new="    return frozenset(config.replicas) & {\n",
        equivalent=True,
        why=(
            "a prepare of the primary is refused where it arrives, and in a certificate, before anything "
            "counts it"
        ),
    ),
)

#: A sixth of them, some of each part, for a check that is to take minutes; `make mutants` tries them all.
SAMPLE: tuple[Mutant, ...] = MUTANTS[4::6]
