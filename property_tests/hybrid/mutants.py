"""Wrong implementations of the hybrid, one line each, some with the shape of a public bug; and equivalent ones.

The ids are those of the project's catalogue of protocol bugs; `docs/hybrid-bugs.md` says of each which check of the spec and
which layer notices it. A1, A2 and H1 are the rules of docs/hybrid.md. HY-16 is about the threat machine, whose mutants
are those of `impl.threat`.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_QUORUM: Final = "impl.quorum"
_ANSWERS: Final = "impl.hybrid.answers"
_BOOK: Final = "impl.hybrid.book"
_CHAIN: Final = "impl.hybrid.chain"
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
    # --- acks: A1 and A2 ----------------------------------------------------------------------------
    Mutant(
        name="two-chains-acked-in-a-term",
        bug="A1: within a term each ack extends the one before",
        module=_RULES,
        old="        if term == acked.term and not extends(chain, acked.index, acked.digest):\n            return False\n",
        new="",
    ),
    Mutant(
        name="ack-leaves-what-is-held",
        bug="A2: acks extend what is held",
        module=_RULES,
        old="return term >= held.term and extends(chain, held.index, held.digest)",
        new="return term >= held.term",
    ),
    Mutant(
        name="ack-in-a-term-before-the-seal",
        bug="A1: no ack below the term of the seal that is held",
        module=_RULES,
        old="return term >= held.term and extends(chain, held.index, held.digest)",
        new="return extends(chain, held.index, held.digest)",
    ),
    Mutant(
        name="ack-not-remembered",
        bug="HY-10, what was acked is neither persisted nor known",
        module=_EPOCHS,
        old="        node = attrs.evolve(node, raft_epoch=attrs.evolve(epoch, acked=ack))\n",
        new="        pass\n",
    ),
    Mutant(
        name="ack-for-entries-of-an-earlier-term",
        bug="Raft paper, Figure 8: a chain that a correct leader may replace is acked",
        module=_EPOCHS,
        old="if index > durable.last_index or durable.term_at(index) != term:",
        new="if index > durable.last_index:",
    ),
    Mutant(
        name="ack-up-to-at-least-an-index",
        bug="docs/hybrid.md: an ack counts for its very chain, never for a shorter one",
        module=_RULES,
        old="    if any((ack.epoch, ack.term, ack.index, ack.digest) != about for ack in seal.acks):\n",
        new="    if any((ack.epoch, ack.term) != about[:2] or ack.index < seal.index for ack in seal.acks):\n",
    ),
    Mutant(
        name="leader-keeps-its-ack-to-itself",
        bug="docs/hybrid.md: a leader acks its own log, and tells all",
        module=_EPOCHS,
        old="    return Outcome(node, (Send(ack, to),)).then(receive_ack, ack)",
        new="    return Outcome(node, (Send(ack, to),) if to else ()).then(receive_ack, ack)",
    ),
    # --- seals: H1 and what proves one --------------------------------------------------------------
    Mutant(
        name="seal-below-what-was-acked",
        bug="H1: a replica holds no seal of an earlier term than it acked",
        module=_RULES,
        old="    if acked is not None and acked.term > seal.term:\n        return False\n",
        new="",
    ),
    Mutant(
        name="older-seal-held",
        bug="H1: the seal is later than the one that is held",
        module=_RULES,
        old="return held is None or (seal.term, seal.index) > (held.term, held.index)",
        new="return held is None or (seal.term, seal.index) != (held.term, held.index)",
    ),
    Mutant(
        name="longer-seal-of-an-earlier-term-held",
        bug="H1: the term comes first",
        module=_RULES,
        old="return held is None or (seal.term, seal.index) > (held.term, held.index)",
        new="return held is None or (seal.index, seal.term) > (held.index, held.term)",
    ),
    Mutant(
        name="shorter-seal-of-a-term-held",
        bug="H1: within a term the longer chain",
        module=_RULES,
        old="return held is None or (seal.term, seal.index) > (held.term, held.index)",
        new="return held is None or seal.term >= held.term",
    ),
    Mutant(
        name="majority-makes-a-seal",
        bug="HY-03",
        module=_RULES,
        old="return len(sources) >= quorum.byzantine_quorum(len(replicas), f)",
        new="return len(sources) >= len(replicas) // 2 + 1",
    ),
    Mutant(
        name="two-f-and-one-make-a-seal",
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
        name="acks-counted-twice",
        bug="a quorum of acks, not of replicas",
        module=_RULES,
        old="    sources = {ack.source for ack in acks if ack.source in replicas}\n",
        new="    sources = [ack.source for ack in acks if ack.source in replicas]\n",
    ),
    Mutant(
        name="strangers-ack",
        bug="who is no replica acks",
        module=_RULES,
        old="    sources = {ack.source for ack in acks if ack.source in replicas}\n",
        new="    sources = {ack.source for ack in acks}\n",
    ),
    Mutant(
        name="seal-of-too-few",
        bug="a seal of somebody else is believed to have a quorum",
        module=_RULES,
        old="    if len(seal.acks) > len(replicas) or not seals(seal.acks, replicas, f):\n",
        new="    if len(seal.acks) > len(replicas):\n",
    ),
    Mutant(
        name="seal-of-unsigned-acks",
        bug="the signatures in a seal are not looked at",
        module=_RULES,
        old="    if not all(is_signed(ack, keys) for ack in seal.acks):\n",
        new="    if not any(is_signed(ack, keys) for ack in seal.acks):\n",
    ),
    Mutant(
        name="seal-of-mixed-acks",
        bug="HY-08, acks of other epochs, terms and chains in one seal",
        module=_RULES,
        old="    if any((ack.epoch, ack.term, ack.index, ack.digest) != about for ack in seal.acks):\n",
        new="    if about not in [(ack.epoch, ack.term, ack.index, ack.digest) for ack in seal.acks]:\n",
    ),
    Mutant(
        name="seal-of-any-epoch-in-a-stop",
        bug="HY-08, of the seal that a stop names",
        module=_RULES,
        old="    if seal.epoch != epoch:\n",
        new="    if False:\n",
    ),
    Mutant(
        name="seal-without-its-chain",
        bug="a seal is held for what the log has, whatever chain it is for",
        module=_EPOCHS,
        old=(
            "    if not rules.extends(node.digests, seal.index, seal.digest):\n"
            "        return Outcome(node)\n"
            "    chain = tuple("
        ),
        new="    chain = tuple(",
    ),
    Mutant(
        name="early-seal-forgotten",
        bug="a seal that overtakes its chain is lost",
        module=_EPOCHS,
        old="        node = attrs.evolve(node, pending=seal)\n    return _retry(node)",
        new="        return hold(node, seal)\n    return _retry(node)",
    ),
    Mutant(
        name="leader-seals-too-early",
        bug="HY-03, a leader counts with Raft's majority less one",
        module=_EPOCHS,
        old="    if not rules.seals(given.values(), node.config.replicas, node.config.f):\n",
        new="    if len(given) < node.config.quorum - 1:\n",
    ),
    Mutant(
        name="leader-counts-acks-of-other-chains",
        bug="an ack counts for its very chain",
        module=_EPOCHS,
        old=(
            "    if not rules.extends(node.digests, ack.index, ack.digest):\n"
            "        return Outcome(node)\n"
            "    if epoch.held is not None and (ack.term, ack.index) <= (epoch.held.term, epoch.held.index):\n"
            "        return Outcome(node)\n"
            "    place = (ack.index, ack.digest)\n"
        ),
        new=(
            "    if epoch.held is not None and (ack.term, ack.index) <= (epoch.held.term, epoch.held.index):\n"
            "        return Outcome(node)\n"
            "    ack = attrs.evolve(ack, digest=node.digests[ack.index - 1])\n"
            "    place = (ack.index, ack.digest)\n"
        ),
    ),
    # --- tentative execution ------------------------------------------------------------------------
    Mutant(
        name="nothing-undone-for-a-later-seal",
        bug="docs/hybrid.md: what another chain did is undone",
        module=_EPOCHS,
        old="    return epoch.opening.extended(service, chain), chain\n",
        new="    return node.book.extended(service, chain), chain\n",
    ),
    Mutant(
        name="held-chain-not-kept",
        bug="HY-01, the seal is kept, and the chain is not",
        module=_EPOCHS,
        old="    held = attrs.evolve(epoch, held=seal, chain=chain)\n",
        new="    held = attrs.evolve(epoch, held=seal, chain=epoch.chain or chain)\n",
    ),
    Mutant(
        name="done-once-more",
        bug="docs/hybrid.md: an operation is applied once, in whatever epochs it was asked for",
        module=_BOOK,
        old="        if last is not None and last.sequence >= sequence:\n            return self\n",
        new="",
    ),
    Mutant(
        name="earlier-operation-done-later",
        bug="only the very last operation of a client is known again",
        module=_BOOK,
        old="        if last is not None and last.sequence >= sequence:\n            return self\n",
        new="        if last is not None and last.sequence == sequence:\n            return self\n",
    ),
    Mutant(
        name="tentative-answers-as-agreed",
        bug="PBFT, 5.1: tentative answers are told from final ones",
        module=_ANSWERS,
        old="term=0 if is_agreed or held is None else held.term",
        new="term=0",
    ),
    Mutant(
        name="taken-over-but-not-answered",
        bug="a client waits for what a close took over",
        module=_SWITCHES,
        old="    answers = tuple(each for client in done for each in answer(node, client))\n",
        new="    answers: tuple[Effect, ...] = ()\n",
        equivalent=True,
        why="its client asks again, and is answered; so that it is believed later, and no rule says when",
    ),
    # --- stops --------------------------------------------------------------------------------------
    Mutant(
        name="goes-on-after-its-stop",
        bug="HY-02",
        module=_STATE,
        old="return self.raft_epoch if self.raft_epoch is not None and self.raft_epoch.stopped is None else None",
        new="return self.raft_epoch",
    ),
    Mutant(
        name="stop-not-remembered",
        bug="HY-02, it says that it has stopped, and goes on",
        module=_SWITCHES,
        old="        raft_epoch=attrs.evolve(epoch, stopped=made),\n",
        new="        raft_epoch=epoch,\n",
    ),
    Mutant(
        name="stop-without-what-is-held",
        bug="HY-01",
        module=_SWITCHES,
        old="told = Stop(epoch=epoch.epoch, reason=reason.value, held=epoch.held, source=node.name)",
        new="told = Stop(epoch=epoch.epoch, reason=reason.value, held=None, source=node.name)",
    ),
    Mutant(
        name="raft-at-a-high-level",
        bug="docs/hybrid.md: High and Critical are for BFT",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="    if level(node.threat) > Level.HIGH:\n        return Reason.THREAT\n",
    ),
    Mutant(
        name="threat-that-stops-nobody",
        bug="HY-05, its reverse: the level changes, and the epoch does not",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="",
    ),
    Mutant(
        name="stops-at-medium",
        bug="HY-05, a level that is low enough for Raft",
        module=_SWITCHES,
        old="    if level(node.threat) >= Level.HIGH:\n        return Reason.THREAT\n",
        new="    if level(node.threat) >= Level.MEDIUM:\n        return Reason.THREAT\n",
    ),
    Mutant(
        name="waits-for-ever",
        bug="HY-13, a leader that serves nobody is never given up",
        module=_SWITCHES,
        old="each.ticks >= node.config.standstill_ticks for each in node.waiting.values()",
        new="each.ticks < 0 for each in node.waiting.values()",
    ),
    Mutant(
        name="chain-without-an-end",
        bug="docs/hybrid.md: that is how long logs end",
        module=_SWITCHES,
        old="    if epoch.held is not None and epoch.held.index >= node.config.chain_max:\n        return Reason.LONG\n",
        new="",
    ),
    Mutant(
        name="one-stop-joins",
        bug="HY-07",
        module=_RULES,
        old="return others > f",
        new="return others >= 1",
    ),
    Mutant(
        name="nobody-joins",
        bug="docs/hybrid.md: f + 1 others stopped",
        module=_SWITCHES,
        old="return Reason.JOINED if rules.stops_epoch(len(node.stops), node.config.f) else None",
        new="return None",
    ),
    Mutant(
        name="stop-of-anybody",
        bug="a stop counts whoever signed it",
        module=_BOOK,
        old="            and is_signed(stop, self.keys)\n            and (",
        new="            and (",
    ),
    Mutant(
        name="stop-of-a-stranger",
        bug="who is no replica stops",
        module=_BOOK,
        old="is_known = self._is_replica(stop.source) and stop.reason in list(Reason)",
        new="is_known = stop.reason in list(Reason)",
    ),
    Mutant(
        name="stop-for-no-reason",
        bug="a stop whose reason is none",
        module=_BOOK,
        old="is_known = self._is_replica(stop.source) and stop.reason in list(Reason)",
        new="is_known = self._is_replica(stop.source)",
    ),
    Mutant(
        name="stop-with-any-seal",
        bug="HY-01, what a stop says that it holds is believed",
        module=_BOOK,
        old='rules.seal_flaw(stop.held, stop.epoch, self.replicas, self.f, self.keys) == ""',
        new="stop.held.term > 0",
    ),
    Mutant(
        name="stop-heard-with-any-seal",
        bug="what a stop says that it holds is believed, by those who ask for a close",
        module=_SWITCHES,
        old=(
            "    if flaw := rules.seal_flaw(held, stopped.stop.epoch, config.replicas, config.f, config.keys):\n"
            "        return flaw\n"
        ),
        new="",
    ),
    Mutant(
        name="stop-heard-with-any-chain",
        bug="one liar makes each close void: its chain is not that of its seal",
        module=_SWITCHES,
        old="    if len(stopped.chain) != held.index or chain_digest(held.epoch, stopped.chain) != held.digest:\n",
        new="    if len(stopped.chain) != held.index:\n",
    ),
    Mutant(
        name="stop-heard-for-no-reason",
        bug="one liar makes each close void: its reason is none",
        module=_SWITCHES,
        old="    if stopped.stop.reason not in list(Reason):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="stop-said-once",
        bug="what others may not have heard is said again",
        module=_SWITCHES,
        old="        effects.append(Send(Stopped(node.raft_epoch.stopped, node.raft_epoch.chain)))\n",
        new="        pass\n",
    ),
    # --- closes -------------------------------------------------------------------------------------
    Mutant(
        name="one-stop-less-closes",
        bug="docs/hybrid.md: a close is made of n - f stops",
        module=_BOOK,
        old="len(read) < len(self.replicas) - self.f:",
        new="len(read) < len(self.replicas) - self.f - 1:",
    ),
    Mutant(
        name="one-replica-stops-twice",
        bug="HY-07, stops of one replica count twice",
        module=_BOOK,
        old="if len({each.source for each in read}) != len(read) or len(read)",
        new="if len(read)",
    ),
    Mutant(
        name="waits-for-all-stops",
        bug="HY-13, who is faulty need not stop, and the others wait for it",
        module=_CONFIGURATION,
        old="return self.n - self.f\n",
        new="return self.n\n",
    ),
    Mutant(
        name="only-the-primary-asks",
        bug="HY-13",
        module=_SWITCHES,
        old=(
            "    if node.raft_epoch is None or len(node.stops) < node.config.stops_needed:\n"
            "        return Outcome(node)\n"
            "    if is_patient and not node.pbft.is_primary:\n"
        ),
        new=(
            "    if node.raft_epoch is None or len(node.stops) < node.config.stops_needed:\n"
            "        return Outcome(node)\n"
            "    if not node.pbft.is_primary:\n"
        ),
    ),
    Mutant(
        name="hands-over-what-it-holds-itself",
        bug="HY-01, the local state",
        module=_SWITCHES,
        old="    chain = next((each.chain for each in told if each.stop.held == last), ())\n",
        new="    chain = node.raft_epoch.chain\n",
    ),
    Mutant(
        name="hands-over-the-first-seal",
        bug="HY-01, of whichever replica comes first",
        module=_RULES,
        old="return max(known, key=lambda seal: (seal.term, seal.index), default=None)",
        new="return next(iter(known), None)",
    ),
    Mutant(
        name="hands-over-the-longest-of-all-terms",
        bug="docs/hybrid.md: the longest chain of the highest term",
        module=_RULES,
        old="return max(known, key=lambda seal: (seal.term, seal.index), default=None)",
        new="return max(known, key=lambda seal: (seal.index, seal.term), default=None)",
    ),
    Mutant(
        name="hands-over-the-shortest-of-the-term",
        bug="docs/hybrid.md: the longest chain of the highest term, rounded down",
        module=_RULES,
        old="return max(known, key=lambda seal: (seal.term, seal.index), default=None)",
        new="return max(known, key=lambda seal: (seal.term, -seal.index), default=None)",
    ),
    Mutant(
        name="hands-over-the-lowest-term",
        bug="HY-01, the seal of the lowest term",
        module=_RULES,
        old="return max(known, key=lambda seal: (seal.term, seal.index), default=None)",
        new="return min(known, key=lambda seal: (seal.term, seal.index), default=None)",
    ),
    Mutant(
        name="any-chain-taken-over",
        bug="HY-01, the chain is not compared with the seal",
        module=_BOOK,
        old="(last and chain_digest(epoch, links) != last.digest)",
        new="(last and False)",
    ),
    Mutant(
        name="chain-of-any-length-taken-over",
        bug="HY-01, a chain that nobody holds",
        module=_BOOK,
        old="if len(links) != (last.index if last else 0) or (last",
        new="if (last",
    ),
    Mutant(
        name="nothing-taken-over",
        bug="HY-01, the next epoch begins without",
        module=_BOOK,
        old="        after = book.extended(self.service, links)\n        reasons",
        new="        after = book\n        reasons",
    ),
    Mutant(
        name="any-epoch-closed",
        bug="HY-08, a close of another epoch",
        module=_BOOK,
        old="        if (epoch, RAFT) != (book.epoch, book.protocol):\n",
        new="        if book.protocol != RAFT:\n",
    ),
    Mutant(
        name="bft-epoch-closed",
        bug="only Raft epochs are closed",
        module=_BOOK,
        old="        if (epoch, RAFT) != (book.epoch, book.protocol):\n",
        new="        if epoch != book.epoch:\n",
    ),
    Mutant(
        name="one-threat-suffices",
        bug="HY-07, for BFT",
        module=_BOOK,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STANDSTILL] > self.f",
        new="is_bft = reasons[Reason.THREAT] + reasons[Reason.STANDSTILL] > 0",
    ),
    Mutant(
        name="standstill-is-no-attack",
        bug="docs/hybrid.md: a threat or a standstill",
        module=_BOOK,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STANDSTILL] > self.f",
        new="is_bft = reasons[Reason.THREAT] > self.f",
    ),
    Mutant(
        name="long-logs-end-in-bft",
        bug="docs/hybrid.md: else Raft again, with a new log",
        module=_BOOK,
        old="is_bft = reasons[Reason.THREAT] + reasons[Reason.STANDSTILL] > self.f",
        new="is_bft = True",
    ),
    # --- BFT epochs ---------------------------------------------------------------------------------
    Mutant(
        name="both-protocols-decide",
        bug="HY-02, PBFT decides on operations in a Raft epoch",
        module=_BOOK,
        old="        if (last is None or last.sequence < sequence) and book.protocol == BFT:\n",
        new="        if last is None or last.sequence < sequence:\n",
    ),
    Mutant(
        name="past-operation-answered-as-the-last",
        bug="the result of another operation is a client's answer",
        module=_BOOK,
        old='        if last.sequence > sequence:\n            return book, ("past", book.epoch, last.sequence)\n',
        new="",
    ),
    Mutant(
        name="calm-at-once",
        bug="HY-06",
        module=_SWITCHES,
        old="return node.is_bft and node.dwelt >= needed and level(node.threat) < Level.HIGH",
        new="return node.is_bft and level(node.threat) < Level.HIGH",
    ),
    Mutant(
        name="calm-at-any-level",
        bug="HY-06, the dwell alone",
        module=_SWITCHES,
        old="return node.is_bft and node.dwelt >= needed and level(node.threat) < Level.HIGH",
        new="return node.is_bft and node.dwelt >= needed",
    ),
    Mutant(
        name="futile-epochs-not-counted",
        bug="HY-06, a Raft epoch that comes to nothing is tried again as soon as before",
        module=_SWITCHES,
        old="needed = node.config.dwell_ticks * min(2**node.agreed.futile, node.config.backoff_max)",
        new="needed = node.config.dwell_ticks",
    ),
    Mutant(
        name="dwell-of-the-epoch-before",
        bug="HY-06, the clock is not set back",
        module=_SWITCHES,
        old="        dwelt=0,\n",
        new="",
    ),
    Mutant(
        name="never-calm",
        bug="docs/hybrid.md: it comes back",
        module=_SWITCHES,
        old="return node.is_bft and node.dwelt >= needed and level(node.threat) < Level.HIGH",
        new="return False",
    ),
    Mutant(
        name="one-calm-opens",
        bug="HY-07, back to Raft",
        module=_BOOK,
        old="        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):\n",
        new="        if len(wanting) < 1:\n",
    ),
    Mutant(
        name="weak-quorum-opens",
        bug="docs/hybrid.md: f + 1 raise, a quorum lowers",
        module=_BOOK,
        old="        if len(wanting) < quorum.byzantine_quorum(len(self.replicas), self.f):\n",
        new="        if len(wanting) < self.f + 1:\n",
    ),
    Mutant(
        name="calm-of-anybody",
        bug="HY-07, signatures of calms are not looked at",
        module=_BOOK,
        old="            if each and self._is_replica(each.source) and is_signed(each, self.keys)\n",
        new="            if each and self._is_replica(each.source)\n",
    ),
    Mutant(
        name="calm-of-a-stranger",
        bug="HY-07, who is no replica is calm",
        module=_BOOK,
        old="            if each and self._is_replica(each.source) and is_signed(each, self.keys)\n",
        new="            if each and is_signed(each, self.keys)\n",
    ),
    Mutant(
        name="any-epoch-opened",
        bug="HY-08, an open of another epoch",
        module=_BOOK,
        old="        if (epoch, BFT) != (book.epoch, book.protocol):\n",
        new="        if book.protocol != BFT:\n",
    ),
    Mutant(
        name="raft-epoch-opened",
        bug="only BFT epochs are left by an open",
        module=_BOOK,
        old="        if (epoch, BFT) != (book.epoch, book.protocol):\n",
        new="        if epoch != book.epoch:\n",
    ),
    # --- into the next epoch ------------------------------------------------------------------------
    Mutant(
        name="epoch-begins-with-a-laggards-state",
        bug="HY-11",
        module=_SWITCHES,
        old="epoch = RaftEpoch(epoch=book.epoch, opening=book, raft=server.durable)",
        new="epoch = RaftEpoch(epoch=book.epoch, opening=node.book, raft=server.durable)",
    ),
    Mutant(
        name="open-takes-back-what-was-done",
        bug="HY-11, what BFT decided is lost",
        module=_BOOK,
        old='        return attrs.evolve(book, epoch=epoch + 1, protocol=RAFT), ("opened", epoch + 1)\n',
        new='        return attrs.evolve(book, epoch=epoch + 1, protocol=RAFT, value=self.service.initial), ("opened", epoch + 1)\n',
    ),
    Mutant(
        name="switches-by-itself",
        bug="HY-05",
        module=_SWITCHES,
        old="        stops={**node.stops, node.name: stopped},\n    )\n",
        new=(
            "        stops={**node.stops, node.name: stopped},\n    )\n"
            '    node = attrs.evolve(node, agreed=attrs.evolve(node.agreed, epoch=node.epoch + 1, protocol="bft"))\n'
            "    node = attrs.evolve(node, raft_epoch=None)\n"
        ),
    ),
    Mutant(
        name="stops-of-the-epoch-before",
        bug="HY-08, stops count in the next epoch",
        module=_SWITCHES,
        old="        stops={},\n        calms={},\n",
        new="        calms={},\n",
    ),
    Mutant(
        name="calms-of-the-epoch-before",
        bug="HY-08, calms count in a later epoch",
        module=_SWITCHES,
        old="        stops={},\n        calms={},\n",
        new="        stops={},\n",
    ),
    Mutant(
        name="acks-of-the-epoch-before",
        bug="HY-08, acks count in the next epoch",
        module=_SWITCHES,
        old="        acks={},\n        heard={},\n",
        new="        heard={},\n",
        equivalent=True,
        why="the digest of a chain begins with the epoch: an ack of one epoch is never beside a chain of another",
    ),
    Mutant(
        name="digests-of-the-epoch-before",
        bug="HY-08, the chain of the epoch before",
        module=_SWITCHES,
        old="        digests=(),\n",
        new="",
        equivalent=True,
        why="the digest of a chain begins with the epoch, so that they match nothing until the log has an entry",
    ),
    Mutant(
        name="waiting-clients-forgotten",
        bug="who waits when an epoch ends is served in the next",
        module=_SWITCHES,
        old="        waiting={client: attrs.evolve(each, ticks=0) for client, each in left.items()},\n",
        new="        waiting={},\n",
        equivalent=True,
        why="clients ask again as long as they do not know: a switch takes longer for them, and no rule says how long",
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
        bug="HY-08, what was signed in one epoch has its signature in any",
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
        old='return encode(("Carried", message.epoch, message.source, raft_value(message.message)))',
        new='return encode(("Carried", message.source, raft_value(message.message)))',
    ),
    Mutant(
        name="contents-of-raft-not-signed",
        bug="a message of Raft is signed without its contents",
        module=_SIGNING,
        old='return encode(("Carried", message.epoch, message.source, raft_value(message.message)))',
        new='return encode(("Carried", message.epoch, message.source))',
    ),
    Mutant(
        name="signatures-not-looked-at",
        bug="who is named as the source has said it",
        module=_CORE,
        old="    if not is_signed(signed_by, node.config.keys):\n",
        new="    if False:\n",
    ),
    Mutant(
        name="raft-under-another-name",
        bug="a message of Raft counts for whom it names, whoever signed it",
        module=_CORE,
        old="    if message.source != carried.source or message.dest != node.name:\n",
        new="    if message.dest != node.name:\n",
    ),
    Mutant(
        name="raft-for-somebody-else",
        bug="what a leader sent to one replica is shown to another",
        module=_CORE,
        old="    if message.source != carried.source or message.dest != node.name:\n",
        new="    if message.source != carried.source:\n",
    ),
    Mutant(
        name="seal-not-looked-at",
        bug="a seal is believed whoever brings it",
        module=_CORE,
        old="    if flaw := seal_flaw(seal, node.epoch, config.replicas, config.f, config.keys):\n",
        new='    if flaw := "":\n',
    ),
    Mutant(
        name="stop-not-looked-at",
        bug="a stop is believed whatever it says",
        module=_CORE,
        old="            if flaw := switches.stop_flaw(node, message):\n",
        new='            if flaw := "":\n',
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
        name="book-not-persisted",
        bug="HY-10, of PBFT",
        module=_CORE,
        old="        before.pbft.durable is not after.pbft.durable\n        or before",
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
        name="back-without-its-chain",
        bug="HY-10, what it executed is forgotten in a crash",
        module=_CORE,
        old="book=epoch.opening.extended(config.service, epoch.chain),",
        new="book=epoch.opening,",
    ),
    Mutant(
        name="back-without-its-stop",
        bug="HY-10, its reverse: it does not count its own stop",
        module=_CORE,
        old="stops={node.name: Stopped(epoch.stopped, epoch.chain)} if epoch.stopped is not None else {},",
        new="stops={},",
    ),
    Mutant(
        name="back-without-its-log",
        bug="HY-10, the digests of its log are not computed again",
        module=_CORE,
        old="digests=digests_of(epoch.epoch, epoch.raft.log, (), ()),",
        new="digests=(),",
    ),
    # --- chains -------------------------------------------------------------------------------------
    Mutant(
        name="digest-of-the-last-link-alone",
        bug="the digest at an index covers all before",
        module=_CHAIN,
        old="    return digest((last, link_value(link)))\n",
        new="    return digest((len(last), link_value(link)))\n",
    ),
    Mutant(
        name="old-digests-kept",
        bug="a log that was replaced has the digests of the one before",
        module=_CHAIN,
        old="        if one is not other and one != other:\n            break\n",
        new="",
    ),
    Mutant(
        name="chains-of-all-epochs-alike",
        bug="HY-08, a chain of one epoch is one of another",
        module=_CHAIN,
        old='    return digest(("chain", epoch))\n',
        new='    return digest(("chain", 0))\n',
        equivalent=True,
        why="acks name their epoch under their signature as well, and seals, stops and closes are compared by it",
    ),
    # --- clients ------------------------------------------------------------------------------------
    Mutant(
        name="client-believes-a-weak-quorum",
        bug="docs/hybrid.md: a quorum of replicas with one epoch and term",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="client.f + 1",
    ),
    Mutant(
        name="client-believes-a-majority",
        bug="HY-03, at the client",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="len(client.replicas) // 2 + 1 if term else client.f + 1",
    ),
    Mutant(
        name="client-believes-f",
        bug="paper, 4.1: f + 1 like answers",
        module=_CLIENT,
        old="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f + 1",
        new="quorum.byzantine_quorum(len(client.replicas), client.f) if term else client.f",
    ),
    Mutant(
        name="client-believes-nothing-but-quorums",
        bug="f + 1 answers suffice for what is in the book",
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
        bug="a client does not look at signatures",
        module=_CLIENT,
        old="if is_own and message.source in client.replicas and is_signed(message, client.keys):",
        new="if is_own and message.source in client.replicas:",
    ),
    Mutant(
        name="answers-of-strangers",
        bug="a client listens to who is no replica",
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
        old="is_own = message.client == client.name and client.first <= message.timestamp <= client.timestamp",
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
        bug="a replica asks for the next thing while it waits for the last",
        module=_ORDERING,
        old="    if node.name in node.pbft.waiting:\n",
        new="    if False:\n",
        equivalent=True,
        why="the request has the same timestamp until one is executed, and so takes the place of the one before",
    ),
    Mutant(
        name="contradiction-not-noticed",
        bug="two acks of one replica that contradict each other are proof",
        module=_SUSPICION,
        old="    if before is None or _place(before) != _place(ack) or before.digest == ack.digest:\n",
        new="    if before is None or before.digest != ack.digest:\n",
    ),
    Mutant(
        name="contradiction-of-two-terms",
        bug="acks of different terms may contradict each other: that is no proof",
        module=_SUSPICION,
        old="    return ack.epoch, ack.term, ack.index\n",
        new="    return ack.epoch, 0, ack.index\n",
    ),
    Mutant(
        name="exposure-of-anybody",
        bug="a liar shows acks that nobody signed",
        module=_SUSPICION,
        old="        and all(is_signed(ack, node.config.keys) for ack in (one, other))\n",
        new="",
    ),
    Mutant(
        name="exposure-of-two",
        bug="acks of two replicas are shown as those of one",
        module=_SUSPICION,
        old="        one.source == other.source\n        and one.source in",
        new="        one.source in",
    ),
    # --- no difference ------------------------------------------------------------------------------
    Mutant(
        name="terms-of-acks-left-to-raft",
        bug="A1: the terms of acks grow",
        module=_RULES,
        old="        if term < acked.term:\n            return False\n",
        new="",
        equivalent=True,
        why="the term of an ack is Raft's, which is durable and never goes back",
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
