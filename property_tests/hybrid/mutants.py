"""Wrong implementations of the hybrid, one line each, some shaped like a public bug; and equivalent ones.

The ids are those of the project's catalogue of protocol bugs; `docs/hybrid-bugs.md` says of each which check
of the spec and which layer notices it. A1, A2 and H1 are the rules of docs/hybrid.md. HY-16 is about the
threat machine, whose mutants are those of `impl.threat`.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_QUORUM: Final = "impl.quorum"
_ANSWERS: Final = "impl.hybrid.answers"
_CONTROL: Final = "impl.hybrid.control"
_PREFIX: Final = "impl.hybrid.log_prefix"
_CLIENT: Final = "impl.hybrid.client"
_CLIENTS: Final = "impl.hybrid.clients"
_CONFIGURATION: Final = "impl.hybrid.configuration"
_CORE: Final = "impl.hybrid.core"
_EPOCHS: Final = "impl.hybrid.epochs"
_ORDERING: Final = "impl.hybrid.ordering"
_RULES: Final = "impl.hybrid.rules"
_SHAPES: Final = "impl.hybrid.shapes"
_SIGNING: Final = "impl.hybrid.signing"
_STATE: Final = "impl.hybrid.state"
_SUSPICION: Final = "impl.hybrid.suspicion"
_SWITCHES: Final = "impl.hybrid.switches"


MUTANTS: tuple[Mutant, ...] = (
    # --- votes: A1 and A2 ----------------------------------------------------------------------------
    Mutant(
        name="two-prefixes-voted-in-a-term",
        bug="A1: within a term each vote extends the one before",
        module=_RULES,
        old=(
            "        if term == last_vote.term and not extends(prefix, last_vote.index, last_vote.digest):\n"
            "            return False\n"
        ),
        new="",
    ),
    Mutant(
        name="vote-leaves-what-is-locked",
        bug="A2: votes extend the lock",
        module=_RULES,
        old="return term >= locked.term and extends(prefix, locked.index, locked.digest)",
        new="return term >= locked.term",
    ),
    Mutant(
        name="vote-in-a-term-before-the-qc",
        bug="A1: no vote below the term of the lock",
        module=_RULES,
        old="return term >= locked.term and extends(prefix, locked.index, locked.digest)",
        new="return extends(prefix, locked.index, locked.digest)",
    ),
    Mutant(
        name="vote-not-remembered",
        bug="HY-10, the last vote is neither persisted nor known",
        module=_EPOCHS,
        old="        node = attrs.evolve(node, raft_epoch=attrs.evolve(epoch, last_vote=vote))\n",
        new="        pass\n",
    ),
    Mutant(
        name="vote-for-entries-of-an-earlier-term",
        bug="Raft paper, Figure 8: a replica votes for a prefix that a correct leader may replace",
        module=_EPOCHS,
        old="if index > durable.last_index or durable.term_at(index) != term:",
        new="if index > durable.last_index:",
    ),
    Mutant(
        name="vote-up-to-at-least-an-index",
        bug="docs/hybrid.md: a vote counts for its very prefix, never for a shorter one",
        module=_RULES,
        old="    if any((vote.epoch, vote.term, vote.index, vote.digest) != about for vote in qc.votes):\n",
        new=(
            "    if any((vote.epoch, vote.term) != about[:2] or vote.index < qc.index for vote in "
            "qc.votes):\n"
        ),
    ),
    Mutant(
        name="leader-keeps-its-vote-to-itself",
        bug="docs/hybrid.md: a leader votes for its own log, and tells all",
        module=_EPOCHS,
        old="    return StepResult(node, (Send(vote, to),)).then(receive_vote, vote)",
        new="    return StepResult(node, (Send(vote, to),) if to else ()).then(receive_vote, vote)",
    ),
    # --- QCs: H1 and what proves one --------------------------------------------------------------
    Mutant(
        name="qc-below-what-was-voted",
        bug="H1: a replica locks no QC of an earlier term than it voted in",
        module=_RULES,
        old="    if last_vote is not None and last_vote.term > qc.term:\n        return False\n",
        new="",
    ),
    Mutant(
        name="older-qc-locked",
        bug="H1: the QC is later than the lock",
        module=_RULES,
        old="return locked is None or (qc.term, qc.index) > (locked.term, locked.index)",
        new="return locked is None or (qc.term, qc.index) != (locked.term, locked.index)",
    ),
    Mutant(
        name="longer-qc-of-an-earlier-term-locked",
        bug="H1: the term comes first",
        module=_RULES,
        old="return locked is None or (qc.term, qc.index) > (locked.term, locked.index)",
        new="return locked is None or (qc.index, qc.term) > (locked.index, locked.term)",
    ),
    Mutant(
        name="shorter-qc-of-a-term-locked",
        bug="H1: within a term the longer prefix",
        module=_RULES,
        old="return locked is None or (qc.term, qc.index) > (locked.term, locked.index)",
        new="return locked is None or qc.term >= locked.term",
    ),
    Mutant(
        name="majority-makes-a-qc",
        bug="HY-03",
        module=_RULES,
        old="return len(sources) >= quorum.byzantine_quorum(len(replicas), f)",
        new="return len(sources) >= len(replicas) // 2 + 1",
    ),
    Mutant(
        name="two-f-and-one-make-a-qc",
        bug="HY-03, 2f + 1 of however many",
        module=_RULES,
        old="return len(sources) >= quorum.byzantine_quorum(len(replicas), f)",
        new="return len(sources) >= 2 * f + 1",
    ),
    Mutant(
        name="fewer-replicas-in-raft-epochs",
        bug="HY-18",
        module=_RULES,
        old="return len(sources) >= quorum.byzantine_quorum(len(replicas), f)",
        new="return len(sources) >= quorum.byzantine_quorum(len(replicas) - f, 0)",
    ),
    Mutant(
        name="votes-counted-twice",
        bug="a quorum of votes, not of replicas",
        module=_RULES,
        old="    sources = {vote.source for vote in votes if vote.source in replicas}\n",
        new="    sources = [vote.source for vote in votes if vote.source in replicas]\n",
    ),
    Mutant(
        name="strangers-vote",
        bug="strangers vote",
        module=_RULES,
        old="    sources = {vote.source for vote in votes if vote.source in replicas}\n",
        new="    sources = {vote.source for vote in votes}\n",
    ),
    Mutant(
        name="qc-of-too-few",
        bug="a QC of another replica is not checked for a quorum",
        module=_RULES,
        old="    if len(qc.votes) > len(replicas) or not is_quorum(qc.votes, replicas, f):\n",
        new="    if len(qc.votes) > len(replicas):\n",
    ),
    Mutant(
        name="qc-of-unsigned-votes",
        bug="the signatures in a QC are not checked",
        module=_RULES,
        old="    if not all(is_signed(vote, keys) for vote in qc.votes):\n",
        new="    if not any(is_signed(vote, keys) for vote in qc.votes):\n",
    ),
    Mutant(
        name="qc-of-mixed-votes",
        bug="HY-08, votes of other epochs, terms and prefixes in one QC",
        module=_RULES,
        old="    if any((vote.epoch, vote.term, vote.index, vote.digest) != about for vote in qc.votes):\n",
        new="    if about not in [(vote.epoch, vote.term, vote.index, vote.digest) for vote in qc.votes]:\n",
    ),
    Mutant(
        name="qc-of-any-epoch-in-an-abort",
        bug="HY-08, of the QC that an abort names",
        module=_RULES,
        old="    if qc.epoch != epoch:\n",
        new="    if False:\n",
    ),
    Mutant(
        name="qc-without-its-prefix",
        bug="a QC is locked whatever prefix the log holds",
        module=_EPOCHS,
        old=(
            "    if not rules.extends(node.digests, qc.index, qc.digest):\n"
            "        return StepResult(node)\n"
            "    prefix = tuple("
        ),
        new="    prefix = tuple(",
    ),
    Mutant(
        name="early-qc-forgotten",
        bug="a QC that arrives before its prefix is lost",
        module=_EPOCHS,
        old="        node = attrs.evolve(node, pending=qc)\n    return _retry(node)",
        new="        return lock(node, qc)\n    return _retry(node)",
    ),
    Mutant(
        name="leader-makes-qc-too-early",
        bug="HY-03, a leader counts with Raft's majority less one",
        module=_EPOCHS,
        old="    if not rules.is_quorum(given.values(), node.config.replicas, node.config.f):\n",
        new="    if len(given) < node.config.quorum - 1:\n",
    ),
    Mutant(
        name="leader-counts-votes-of-other-prefixes",
        bug="a vote counts for exactly its prefix",
        module=_EPOCHS,
        old=(
            "    if not rules.extends(node.digests, vote.index, vote.digest):\n"
            "        return StepResult(node)\n"
            "    if epoch.locked is not None and (vote.term, vote.index) <= (epoch.locked.term, "
            "epoch.locked.index):\n"
            "        return StepResult(node)\n"
            "    place = (vote.index, vote.digest)\n"
        ),
        new=(
            "    if epoch.locked is not None and (vote.term, vote.index) <= (epoch.locked.term, "
            "epoch.locked.index):\n"
            "        return StepResult(node)\n"
            "    vote = attrs.evolve(vote, digest=node.digests[vote.index - 1])\n"
            "    place = (vote.index, vote.digest)\n"
        ),
    ),
    # --- tentative execution ------------------------------------------------------------------------
    Mutant(
        name="nothing-undone-for-a-later-qc",
        bug="docs/hybrid.md: the effects of a replaced prefix are undone",
        module=_EPOCHS,
        old="    return epoch.base.extended(service, prefix), prefix\n",
        new="    return node.speculative.extended(service, prefix), prefix\n",
    ),
    Mutant(
        name="locked-prefix-not-kept",
        bug="HY-01, the QC is kept, but not its prefix",
        module=_EPOCHS,
        old="    locked = attrs.evolve(epoch, locked=qc, prefix=prefix)\n",
        new="    locked = attrs.evolve(epoch, locked=qc, prefix=epoch.prefix or prefix)\n",
    ),
    Mutant(
        name="done-once-more",
        bug="docs/hybrid.md: an operation is applied once, in whatever epochs clients ask for it",
        module=_CONTROL,
        old="        if last is not None and last.sequence >= sequence:\n            return self\n",
        new="",
    ),
    Mutant(
        name="earlier-operation-done-later",
        bug="only the last operation of a client is recognised",
        module=_CONTROL,
        old="        if last is not None and last.sequence >= sequence:\n            return self\n",
        new="        if last is not None and last.sequence == sequence:\n            return self\n",
    ),
    Mutant(
        name="tentative-answers-as-committed",
        bug="PBFT, 5.1: tentative and final answers are distinguished",
        module=_ANSWERS,
        old="term=0 if is_committed or locked is None else locked.term",
        new="term=0",
    ),
    Mutant(
        name="taken-over-but-not-answered",
        bug="a client waits for an operation that a switch took over",
        module=_SWITCHES,
        old="    answers = tuple(each for client in done for each in answer(node, client))\n",
        new="    answers: tuple[Effect, ...] = ()\n",
        equivalent=True,
        why="its client asks again, and is answered: it accepts later, and no rule says when",
    ),
    # --- aborts --------------------------------------------------------------------------------------
    Mutant(
        name="goes-on-after-its-abort",
        bug="HY-02",
        module=_STATE,
        old=(
            "return self.raft_epoch if self.raft_epoch is not None and self.raft_epoch.abort is None else "
            "None"
        ),
        new="return self.raft_epoch",
    ),
    Mutant(
        name="abort-not-remembered",
        bug="HY-02, it announces its abort, and continues",
        module=_SWITCHES,
        old="        raft_epoch=attrs.evolve(epoch, abort=made),\n",
        new="        raft_epoch=epoch,\n",
    ),
    Mutant(
        name="abort-without-what-is-locked",
        bug="HY-01",
        module=_SWITCHES,
        old="told = Abort(epoch=epoch.epoch, reason=reason.value, locked=epoch.locked, source=node.name)",
        new="told = Abort(epoch=epoch.epoch, reason=reason.value, locked=None, source=node.name)",
    ),
    Mutant(
        name="raft-at-a-high-level",
        bug="docs/hybrid.md: High and Critical are for BFT",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="    if level(node.threat) > Level.HIGH:\n        return Reason.THREAT\n",
    ),
    Mutant(
        name="threat-that-aborts-nobody",
        bug="HY-05, its reverse: the level changes, and the epoch does not",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="",
    ),
    Mutant(
        name="aborts-at-medium",
        bug="HY-05, a level that is low enough for Raft",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="    if level(node.threat) >= Level.MEDIUM:\n        return Reason.THREAT\n",
    ),
    Mutant(
        name="waits-for-ever",
        bug="HY-13, nobody gives up a leader that serves no one",
        module=_SWITCHES,
        old="each.ticks >= node.config.stall_ticks for each in node.waiting.values()",
        new="each.ticks < 0 for each in node.waiting.values()",
    ),
    Mutant(
        name="prefix-without-an-end",
        bug="docs/hybrid.md: that is how long logs end",
        module=_SWITCHES,
        old=(
            "    if epoch.locked is not None and epoch.locked.index >= node.config.prefix_max:\n"
            "        return Reason.LONG\n"
        ),
        new="",
    ),
    Mutant(
        name="one-abort-joins",
        bug="HY-07",
        module=_RULES,
        old="return others > f",
        new="return others >= 1",
    ),
    Mutant(
        name="nobody-joins",
        bug="docs/hybrid.md: f + 1 others aborted",
        module=_SWITCHES,
        old="return Reason.JOINED if rules.must_join(len(node.aborts), node.config.f) else None",
        new="return None",
    ),
    Mutant(
        name="abort-of-anybody",
        bug="an abort counts whoever signed it",
        module=_CONTROL,
        old="            and is_signed(abort, self.keys)\n            and (",
        new="            and (",
    ),
    Mutant(
        name="abort-of-a-stranger",
        bug="strangers abort",
        module=_CONTROL,
        old="is_known = self._is_replica(abort.source) and abort.reason in list(Reason)",
        new="is_known = abort.reason in list(Reason)",
    ),
    Mutant(
        name="abort-for-no-reason",
        bug="an abort with an unknown reason",
        module=_CONTROL,
        old="is_known = self._is_replica(abort.source) and abort.reason in list(Reason)",
        new="is_known = self._is_replica(abort.source)",
    ),
    Mutant(
        name="abort-with-any-qc",
        bug="HY-01, the QC in an abort is not checked",
        module=_CONTROL,
        old='rules.qc_rejection(abort.locked, abort.epoch, self.replicas, self.f, self.keys) == ""',
        new="abort.locked.term > 0",
    ),
    Mutant(
        name="abort-heard-with-any-qc",
        bug="replicas that submit the epoch-end command do not check the QC in an abort",
        module=_SWITCHES,
        old=(
            "    if rejection := rules.qc_rejection(locked, history.abort.epoch, config.replicas, "
            "config.f, config.keys):\n"
            "        return rejection\n"
        ),
        new="",
    ),
    Mutant(
        name="abort-heard-with-any-prefix",
        bug="one Byzantine replica makes each epoch-end command void: its prefix is not the one of its QC",
        module=_SWITCHES,
        old=(
            "    if len(history.prefix) != locked.index or prefix_digest(locked.epoch, history.prefix) != "
            "locked.digest:\n"
        ),
        new="    if len(history.prefix) != locked.index:\n",
    ),
    Mutant(
        name="abort-heard-for-no-reason",
        bug="one Byzantine replica makes each epoch-end command void: its reason is none",
        module=_SWITCHES,
        old="    if history.abort.reason not in list(Reason):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="abort-said-once",
        bug="aborts are retransmitted",
        module=_SWITCHES,
        old="        effects.append(Send(AbortHistory(node.raft_epoch.abort, node.raft_epoch.prefix)))\n",
        new="        pass\n",
    ),
    # --- epoch-end commands ---------------------------------------------------------------------------------
    Mutant(
        name="one-abort-less-ends-epoch",
        bug="docs/hybrid.md: n - f aborts end an epoch",
        module=_CONTROL,
        old="len(read) < len(self.replicas) - self.f:",
        new="len(read) < len(self.replicas) - self.f - 1:",
    ),
    Mutant(
        name="one-replica-aborts-twice",
        bug="HY-07, aborts of one replica count twice",
        module=_CONTROL,
        old="if len({each.source for each in read}) != len(read) or len(read)",
        new="if len(read)",
    ),
    Mutant(
        name="waits-for-all-aborts",
        bug="HY-13, a faulty replica need not abort, and the others wait for it",
        module=_CONFIGURATION,
        old="return self.n - self.f\n",
        new="return self.n\n",
    ),
    Mutant(
        name="only-the-primary-asks",
        bug="HY-13",
        module=_SWITCHES,
        old=(
            "    if node.raft_epoch is None or len(node.aborts) < node.config.aborts_needed:\n"
            "        return StepResult(node)\n"
            "    if is_patient and not node.config.bft.leads(node.bft):\n"
        ),
        new=(
            "    if node.raft_epoch is None or len(node.aborts) < node.config.aborts_needed:\n"
            "        return StepResult(node)\n"
            "    if not node.config.bft.leads(node.bft):\n"
        ),
    ),
    Mutant(
        name="hands-over-what-it-holds-itself",
        bug="HY-01, the local state",
        module=_SWITCHES,
        old="    prefix = next((each.prefix for each in told if each.abort.locked == last), ())\n",
        new="    prefix = node.raft_epoch.prefix\n",
    ),
    Mutant(
        name="hands-over-the-first-qc",
        bug="HY-01, of whichever replica comes first",
        module=_RULES,
        old="return max(known, key=lambda qc: (qc.term, qc.index), default=None)",
        new="return next(iter(known), None)",
    ),
    Mutant(
        name="hands-over-the-longest-of-all-terms",
        bug="docs/hybrid.md: the longest prefix of the highest term",
        module=_RULES,
        old="return max(known, key=lambda qc: (qc.term, qc.index), default=None)",
        new="return max(known, key=lambda qc: (qc.index, qc.term), default=None)",
    ),
    Mutant(
        name="hands-over-the-shortest-of-the-term",
        bug="docs/hybrid.md: the longest prefix of the highest term, rounded down",
        module=_RULES,
        old="return max(known, key=lambda qc: (qc.term, qc.index), default=None)",
        new="return max(known, key=lambda qc: (qc.term, -qc.index), default=None)",
    ),
    Mutant(
        name="hands-over-the-lowest-term",
        bug="HY-01, the QC of the lowest term",
        module=_RULES,
        old="return max(known, key=lambda qc: (qc.term, qc.index), default=None)",
        new="return min(known, key=lambda qc: (qc.term, qc.index), default=None)",
    ),
    Mutant(
        name="any-prefix-taken-over",
        bug="HY-01, the prefix is not compared with the QC",
        module=_CONTROL,
        old="if last and prefix_digest(epoch, prefix) != last.digest:",
        new="if False:",
    ),
    Mutant(
        name="prefix-of-any-length-taken-over",
        bug="HY-01, a prefix without a QC",
        module=_CONTROL,
        old="if len(prefix) != (last.index if last else 0):",
        new="if False:",
    ),
    Mutant(
        name="nothing-taken-over",
        bug="HY-01, the next epoch begins without",
        module=_CONTROL,
        old="        after = control.extended(self.service, prefix)\n        reasons",
        new="        after = control\n        reasons",
    ),
    Mutant(
        name="any-epoch-ended",
        bug="HY-08, an epoch-end command of another epoch",
        module=_CONTROL,
        old="        if (epoch, RAFT) != (control.epoch, control.protocol):\n",
        new="        if control.protocol != RAFT:\n",
    ),
    Mutant(
        name="bft-epoch-ended",
        bug="only Raft epochs end by aborts",
        module=_CONTROL,
        old="        if (epoch, RAFT) != (control.epoch, control.protocol):\n",
        new="        if epoch != control.epoch:\n",
    ),
    Mutant(
        name="one-threat-suffices",
        bug="HY-07, for BFT",
        module=_CONTROL,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STALLED] > self.f",
        new="is_bft = reasons[Reason.THREAT] + reasons[Reason.STALLED] > 0",
    ),
    Mutant(
        name="stall-is-no-attack",
        bug="docs/hybrid.md: a threat or a stalled epoch",
        module=_CONTROL,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STALLED] > self.f",
        new="is_bft = reasons[Reason.THREAT] > self.f",
    ),
    Mutant(
        name="long-logs-end-in-bft",
        bug="docs/hybrid.md: else Raft again, with a new log",
        module=_CONTROL,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STALLED] > self.f",
        new="is_bft = True",
    ),
    # --- BFT epochs ---------------------------------------------------------------------------------
    Mutant(
        name="both-protocols-decide",
        bug="HY-02, PBFT decides on operations in a Raft epoch",
        module=_CONTROL,
        old="        if (last is None or last.sequence < sequence) and control.protocol == BFT:\n",
        new="        if last is None or last.sequence < sequence:\n",
    ),
    Mutant(
        name="past-operation-answered-as-the-last",
        bug="the result of another operation is a client's answer",
        module=_CONTROL,
        old=(
            "        if last.sequence > sequence:\n"
            '            return control, ("past", control.epoch, last.sequence)\n'
        ),
        new="",
    ),
    Mutant(
        name="switchback-at-once",
        bug="HY-06",
        module=_SWITCHES,
        old="return node.is_bft and node.epoch_ticks >= needed and level(node.threat) < Level.HIGH",
        new="return node.is_bft and level(node.threat) < Level.HIGH",
    ),
    Mutant(
        name="switchback-at-any-level",
        bug="HY-06, the cooldown alone",
        module=_SWITCHES,
        old="return node.is_bft and node.epoch_ticks >= needed and level(node.threat) < Level.HIGH",
        new="return node.is_bft and node.epoch_ticks >= needed",
    ),
    Mutant(
        name="fruitless-epochs-not-counted",
        bug="HY-06, the cooldown does not grow after a fruitless Raft epoch",
        module=_SWITCHES,
        old="needed = node.config.cooldown_ticks * min(2**node.committed.fruitless, node.config.backoff_max)",
        new="needed = node.config.cooldown_ticks",
    ),
    Mutant(
        name="cooldown-of-the-epoch-before",
        bug="HY-06, the age of the epoch is not reset",
        module=_SWITCHES,
        old="        epoch_ticks=0,\n",
        new="",
    ),
    Mutant(
        name="never-switches-back",
        bug="docs/hybrid.md: it recovers",
        module=_SWITCHES,
        old="return node.is_bft and node.epoch_ticks >= needed and level(node.threat) < Level.HIGH",
        new="return False",
    ),
    Mutant(
        name="one-vote-switches-back",
        bug="HY-07, back to Raft",
        module=_CONTROL,
        old="        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):\n",
        new="        if len(wanting) < 1:\n",
    ),
    Mutant(
        name="weak-quorum-switches-back",
        bug="docs/hybrid.md: f + 1 raise, a quorum lowers",
        module=_CONTROL,
        old="        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):\n",
        new="        if len(wanting) < self.f + 1:\n",
    ),
    Mutant(
        name="switchback-of-anybody",
        bug="HY-07, the signatures of switch-back votes are not checked",
        module=_CONTROL,
        old="            if each and self._is_replica(each.source) and is_signed(each, self.keys)\n",
        new="            if each and self._is_replica(each.source)\n",
    ),
    Mutant(
        name="switchback-of-a-stranger",
        bug="HY-07, strangers vote to switch back",
        module=_CONTROL,
        old="            if each and self._is_replica(each.source) and is_signed(each, self.keys)\n",
        new="            if each and is_signed(each, self.keys)\n",
    ),
    Mutant(
        name="any-epoch-started",
        bug="HY-08, an epoch-start command of another epoch",
        module=_CONTROL,
        old="        if (epoch, BFT) != (control.epoch, control.protocol):\n",
        new="        if control.protocol != BFT:\n",
    ),
    Mutant(
        name="raft-epoch-started",
        bug="only BFT epochs end by an epoch-start command",
        module=_CONTROL,
        old="        if (epoch, BFT) != (control.epoch, control.protocol):\n",
        new="        if epoch != control.epoch:\n",
    ),
    # --- into the next epoch ------------------------------------------------------------------------
    Mutant(
        name="epoch-begins-with-a-laggards-state",
        bug="HY-11",
        module=_SWITCHES,
        old="epoch = RaftEpoch(epoch=control.epoch, base=control, raft=server.durable)",
        new="epoch = RaftEpoch(epoch=control.epoch, base=node.speculative, raft=server.durable)",
    ),
    Mutant(
        name="epoch-start-reverts-what-was-done",
        bug="HY-11, what BFT decided is lost",
        module=_CONTROL,
        old='        return attrs.evolve(control, epoch=epoch + 1, protocol=RAFT), ("started", epoch + 1)\n',
        new=(
            "        return attrs.evolve(control, epoch=epoch + 1, protocol=RAFT, "
            'value=self.service.initial), ("started", epoch + 1)\n'
        ),
    ),
    Mutant(
        name="switches-by-itself",
        bug="HY-05",
        module=_SWITCHES,
        old="        aborts={**node.aborts, node.name: history},\n    )\n",
        new=(
            "        aborts={**node.aborts, node.name: history},\n    )\n"
            "    node = attrs.evolve(node, committed=attrs.evolve(node.committed, epoch=node.epoch + 1, "
            'protocol="bft"))\n'
            "    node = attrs.evolve(node, raft_epoch=None)\n"
        ),
    ),
    Mutant(
        name="aborts-of-the-epoch-before",
        bug="HY-08, aborts count in the next epoch",
        module=_SWITCHES,
        old="        aborts={},\n        switchbacks={},\n",
        new="        switchbacks={},\n",
    ),
    Mutant(
        name="switchbacks-of-the-epoch-before",
        bug="HY-08, switch-back votes count in a later epoch",
        module=_SWITCHES,
        old="        aborts={},\n        switchbacks={},\n",
        new="        aborts={},\n",
    ),
    Mutant(
        name="votes-of-the-epoch-before",
        bug="HY-08, votes count in the next epoch",
        module=_SWITCHES,
        old="        votes={},\n        heard={},\n",
        new="        heard={},\n",
        equivalent=True,
        why=(
            "the digest of a prefix begins with the epoch: a vote of one epoch is never beside a prefix of "
            "another"
        ),
    ),
    Mutant(
        name="digests-of-the-epoch-before",
        bug="HY-08, the prefix of the epoch before",
        module=_SWITCHES,
        old="        digests=(),\n",
        new="",
        equivalent=True,
        why=(
            "the digest of a prefix begins with the epoch, so that they match nothing until the log has an "
            "entry"
        ),
    ),
    Mutant(
        name="waiting-clients-forgotten",
        bug="requests that wait when an epoch ends are served in the next",
        module=_SWITCHES,
        old="        waiting={client: attrs.evolve(each, ticks=0) for client, each in left.items()},\n",
        new="        waiting={},\n",
        equivalent=True,
        why="clients ask again until they know: a switch takes longer for them, and no rule says how long",
    ),
    # --- of which epoch, and whose ------------------------------------------------------------------
    Mutant(
        name="messages-of-any-epoch",
        bug="HY-08",
        module=_CORE,
        old="    if epoch != node.epoch:\n",
        new="    if False:\n",
    ),
    Mutant(
        name="epoch-not-signed",
        bug="HY-08, a signature of one epoch is valid in any",
        module=_SIGNING,
        old='    return encode(message, without="signature")\n',
        new=(
            '    import attrs as attrs_\n    fields = {"epoch": 0} if hasattr(message, "epoch") else {}\n'
            '    return encode(attrs_.evolve(message, **fields), without="signature")\n'
        ),
    ),
    Mutant(
        name="epoch-of-raft-not-signed",
        bug="HY-08, a leader's message of one epoch in another",
        module=_SIGNING,
        old='return encode(("Envelope", message.epoch, message.source, raft_value(message.message)))',
        new='return encode(("Envelope", message.source, raft_value(message.message)))',
    ),
    Mutant(
        name="contents-of-raft-not-signed",
        bug="a message of Raft is signed without its contents",
        module=_SIGNING,
        old='return encode(("Envelope", message.epoch, message.source, raft_value(message.message)))',
        new='return encode(("Envelope", message.epoch, message.source))',
    ),
    Mutant(
        name="signatures-not-looked-at",
        bug="the named source is trusted without a signature",
        module=_CORE,
        old="    if not is_signed(signed_by, node.config.keys):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="raft-under-another-name",
        bug="a message of Raft counts for whom it names, whoever signed it",
        module=_CORE,
        old="    if message.source != envelope.source or message.dest != node.name:\n",
        new="    if message.dest != node.name:\n",
    ),
    Mutant(
        name="raft-for-somebody-else",
        bug="what a leader sent to one replica is shown to another",
        module=_CORE,
        old="    if message.source != envelope.source or message.dest != node.name:\n",
        new="    if message.source != envelope.source:\n",
    ),
    Mutant(
        name="qc-not-looked-at",
        bug="a QC is accepted without a check",
        module=_CORE,
        old="    if rejection := qc_rejection(qc, node.epoch, config.replicas, config.f, config.keys):\n",
        new='    if rejection := "":\n',
    ),
    Mutant(
        name="abort-not-looked-at",
        bug="an abort is accepted without a check",
        module=_CORE,
        old="            if rejection := switches.abort_rejection(node, message):\n",
        new='            if rejection := "":\n',
    ),
    Mutant(
        name="request-of-anybody",
        bug="a leader puts into the log what no client signed",
        module=_SHAPES,
        old="    if not is_signed_by(request.client, request, config.keys):\n",
        new="    if False:\n",
    ),
    # --- what is durable ----------------------------------------------------------------------------
    Mutant(
        name="epoch-not-persisted",
        bug="HY-10",
        module=_CORE,
        old="        or before.raft_epoch is not after.raft_epoch\n",
        new="",
    ),
    Mutant(
        name="pbft-not-persisted",
        bug="HY-10, of PBFT",
        module=_CORE,
        old="        before.bft.durable is not after.bft.durable\n        or before",
        new="        before",
    ),
    Mutant(
        name="level-not-persisted",
        bug="HY-10, of the threat level",
        module=_CORE,
        old="        or before.threat.durable is not after.threat.durable\n",
        new="",
    ),
    Mutant(
        name="said-before-it-is-written",
        bug="HY-10, the write comes after what relies on it",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new="effects = (*effects, Persist(after.durable))",
    ),
    Mutant(
        name="back-without-its-prefix",
        bug="HY-10, what it executed is forgotten in a crash",
        module=_CORE,
        old="speculative=epoch.base.extended(config.service, epoch.prefix),",
        new="speculative=epoch.base,",
    ),
    Mutant(
        name="back-without-its-abort",
        bug="HY-10, its reverse: it does not count its own stop",
        module=_CORE,
        old="aborts={node.name: AbortHistory(epoch.abort, epoch.prefix)} if epoch.abort is not None else {},",
        new="aborts={},",
    ),
    Mutant(
        name="back-without-its-log",
        bug="HY-10, the digests of its log are not computed again",
        module=_CORE,
        old="digests=digests_of(epoch.epoch, epoch.raft.log, (), ()),",
        new="digests=(),",
    ),
    # --- prefixes -------------------------------------------------------------------------------------
    Mutant(
        name="digest-of-the-last-entry-alone",
        bug="the digest at an index covers all entries before it",
        module=_PREFIX,
        old="    return digest((last, log_entry_value(log_entry)))\n",
        new="    return digest((len(last), log_entry_value(log_entry)))\n",
    ),
    Mutant(
        name="old-digests-kept",
        bug="a replaced log keeps its old digests",
        module=_PREFIX,
        old="        if one is not other and one != other:\n            break\n",
        new="",
    ),
    Mutant(
        name="prefixes-of-all-epochs-alike",
        bug="HY-08, a prefix of one epoch is one of another",
        module=_PREFIX,
        old='    return digest(("prefix", epoch))\n',
        new='    return digest(("prefix", 0))\n',
        equivalent=True,
        why=(
            "votes name their epoch under their signature as well, and it is compared in QCs, aborts and "
            "commands"
        ),
    ),
    # --- clients ------------------------------------------------------------------------------------
    Mutant(
        name="client-accepts-a-weak-quorum",
        bug="docs/hybrid.md: a quorum of replicas with one epoch and term",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="client.f + 1",
    ),
    Mutant(
        name="client-accepts-a-majority",
        bug="HY-03, at the client",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="len(client.replicas) // 2 + 1 if term else client.f + 1",
    ),
    Mutant(
        name="client-accepts-f",
        bug="paper, 4.1: f + 1 like answers",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f",
    ),
    Mutant(
        name="client-accepts-nothing-but-quorums",
        bug="f + 1 answers suffice for committed results",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="quorum.byzantine_quorum(len(client.replicas), client.f)",
    ),
    Mutant(
        name="answers-of-terms-together",
        bug="docs/hybrid.md: with the same epoch and term, of terms",
        module=_CLIENT,
        old="place = (epoch if term else 0, term, result)",
        new="place = (epoch if term else 0, min(term, 1), result)",
    ),
    Mutant(
        name="answers-of-epochs-together",
        bug="HY-08, answers of different epochs count together",
        module=_CLIENT,
        old="place = (epoch if term else 0, term, result)",
        new="place = (0, term, result)",
    ),
    Mutant(
        name="answers-of-anybody",
        bug="a client does not check signatures",
        module=_CLIENT,
        old="if is_own and message.source in client.replicas and is_signed(message, client.keys):",
        new="if is_own and message.source in client.replicas:",
    ),
    Mutant(
        name="answers-of-strangers",
        bug="a client counts answers of strangers",
        module=_CLIENT,
        old="if is_own and message.source in client.replicas and is_signed(message, client.keys):",
        new="if is_own and is_signed(message, client.keys):",
    ),
    Mutant(
        name="answers-about-something-else",
        bug="a client takes the answer to its operation before for that to this one",
        module=_CLIENT,
        old="is_own = message.client == client.name and message.sequence == client.sequence",
        new="is_own = message.client == client.name",
    ),
    Mutant(
        name="replies-about-something-else",
        bug="a client takes a reply of PBFT to its operation before for one to this one",
        module=_CLIENT,
        old=(
            "is_own = message.client == client.name and client.first <= message.timestamp <= client.timestamp"
        ),
        new="is_own = message.client == client.name",
    ),
    Mutant(
        name="earlier-request-waits-instead",
        bug="a delayed request takes the place of a later one",
        module=_CLIENTS,
        old="    if known is not None and _sequence(known.request) > _sequence(request):\n",
        new="    if False:\n",
    ),
    # --- PBFT, suspicion ----------------------------------------------------------------------------
    Mutant(
        name="asks-under-one-timestamp",
        bug="a replica's second switch is taken for its first",
        module=_ORDERING,
        old="timestamp = last.timestamp + 1 if last is not None else 1",
        new="timestamp = 1",
    ),
    Mutant(
        name="asks-again-and-again",
        bug="a replica submits a command while its previous one waits",
        module=_ORDERING,
        old="    if node.name in node.bft.waiting:\n",
        new="    if False:\n",
        equivalent=True,
        why=(
            "the request has the same timestamp until one is executed, and so takes the place of the one "
            "before"
        ),
    ),
    Mutant(
        name="equivocation-not-noticed",
        bug="conflicting votes of one replica are proof",
        module=_SUSPICION,
        old="    if before is None or _place(before) != _place(vote) or before.digest == vote.digest:\n",
        new="    if before is None or before.digest != vote.digest:\n",
    ),
    Mutant(
        name="equivocation-of-two-terms",
        bug="votes of different terms may conflict: that is no proof",
        module=_SUSPICION,
        old="    return vote.epoch, vote.term, vote.index\n",
        new="    return vote.epoch, 0, vote.index\n",
    ),
    Mutant(
        name="equivocation-of-anybody",
        bug="a Byzantine replica shows votes that nobody signed",
        module=_SUSPICION,
        old="        and all(is_signed(vote, node.config.keys) for vote in (one, other))\n",
        new="",
    ),
    Mutant(
        name="equivocation-of-two",
        bug="votes of two replicas are shown as those of one",
        module=_SUSPICION,
        old="        one.source == other.source\n        and one.source in",
        new="        one.source in",
    ),
    # --- no difference ------------------------------------------------------------------------------
    Mutant(
        name="terms-of-votes-left-to-raft",
        bug="A1: the terms of votes grow",
        module=_RULES,
        old="        if term < last_vote.term:\n            return False\n",
        new="",
        equivalent=True,
        why="the term of a vote is Raft's, which is durable and never goes back",
    ),
    Mutant(
        name="quorum-written-otherwise",
        bug="none",
        module=_QUORUM,
        old="return (n + f + 2) // 2",
        new="return (n + f) // 2 + 1",
        equivalent=True,
        why="(n + f) // 2 + 1 is (n + f + 2) // 2 for every n and f",
    ),
)

#: A sixth of them, some of each part, for a check that is to take minutes; `make mutants` tries them all.
SAMPLE: tuple[Mutant, ...] = MUTANTS[4::6]
