"""Wrong Raft implementations, one line each, most with the shape of a public bug; and equivalent ones.

The ids are those of the project's catalogue of protocol bugs; `docs/raft-bugs.md` says of each which check of
the spec and which layer notices it. "paper" is Ongaro and Ousterhout 2014, "thesis" Ongaro 2014. A few are
wrong hosts, since what a disk, a restart and a state machine do is the host's.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_QUORUM: Final = "impl.quorum"
_CONFIGURATION: Final = "impl.raft.configuration"
_CORE: Final = "impl.raft.core"
_ELECTIONS: Final = "impl.raft.elections"
_FOLLOWING: Final = "impl.raft.following"
_LEADING: Final = "impl.raft.leading"
_LOG: Final = "impl.raft.log"
_MEMBERSHIP: Final = "impl.raft.membership"
_READS: Final = "impl.raft.reads"
_REPLICATION: Final = "impl.raft.replication"
_RULES: Final = "impl.raft.rules"
_SNAPSHOTS: Final = "impl.raft.snapshots"
_STATE: Final = "impl.raft.state"
_HOST: Final = "property_tests.raft.host"

MUTANTS: tuple[Mutant, ...] = (
    # --- elections and what is durable -------------------------------------------------------------
    Mutant(
        name="vote-without-log-check",
        bug="RE-01",
        module=_ELECTIONS,
        old=("\n        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, durable)"),
        new="",
    ),
    Mutant(
        name="vote-for-the-longer-log",
        bug="RE-01, terms not compared",
        module=_RULES,
        old="return (last_log_term, last_log_index) >= (durable.last_term, durable.last_index)",
        new="return last_log_index >= durable.last_index",
    ),
    Mutant(
        name="vote-not-persisted",
        bug="RE-02",
        module=_CORE,
        old="Persist(after.durable) if is_safe",
        new=(
            "Persist(Durable(after.durable.current_term, None, after.durable.log, "
            "snapshot=after.durable.snapshot)) if is_safe"
        ),
    ),
    Mutant(
        name="term-not-persisted",
        bug="RE-03",
        module=_CORE,
        old="Persist(after.durable) if is_safe",
        new=(
            "Persist(Durable(0, after.durable.voted_for, after.durable.log, "
            "snapshot=after.durable.snapshot)) if is_safe"
        ),
    ),
    Mutant(
        name="send-before-persist",
        bug="RE-04; paper, Figure 2: stable storage is updated before an RPC is answered",
        module=_CORE,
        old=(
            "    effects: list[Effect] = []\n"
            "    if after.durable is not before.durable:\n"
            "        is_safe = after.durable_index == after.durable.last_index\n"
            "        effects.append(Persist(after.durable) if is_safe else Write(after.durable))\n"
            "    effects.extend(handled.effects)\n"
        ),
        new=(
            "    effects: list[Effect] = [*handled.effects]\n"
            "    if after.durable is not before.durable:\n"
            "        is_safe = after.durable_index == after.durable.last_index\n"
            "        effects.append(Persist(after.durable) if is_safe else Write(after.durable))\n"
        ),
    ),
    Mutant(
        name="vote-counted-twice",
        bug="RE-07",
        module=_ELECTIONS,
        old=(
            "voters = node.role.votes_granted | {response.source}\n"
            "    if node.configuration.has_quorum(voters):\n"
            "        return become_leader(node)"
        ),
        new=(
            "voters = node.role.votes_granted | {response.source}\n"
            "    if node.configuration.has_quorum(voters) or response.source in node.role.votes_granted:\n"
            "        return become_leader(node)"
        ),
    ),
    Mutant(
        name="two-votes-a-term",
        bug="paper, 5.2",
        module=_RULES,
        old="return voted_for is None or voted_for == candidate",
        new="return True",
    ),
    Mutant(
        name="candidate-forgets-its-vote",
        bug="RE-09",
        module=_FOLLOWING,
        old="node = attrs.evolve(node, role=Follower())",
        new="node = attrs.evolve(node, role=Follower(), durable=attrs.evolve(node.durable, voted_for=None))",
    ),
    Mutant(
        name="refusal-counted-as-vote",
        bug="RE-10",
        module=_ELECTIONS,
        old="not isinstance(node.role, Candidate) or not response.vote_granted:",
        new="not isinstance(node.role, Candidate):",
    ),
    Mutant(
        name="pre-vote-counted-as-vote",
        bug="RE-10, answers not told apart",
        module=_ELECTIONS,
        old=(
            "    if not isinstance(node.role, PreCandidate) or response.term != current + 1:\n"
            "        return Handled(node)"
        ),
        new=(
            "    if isinstance(node.role, Candidate) and response.term == current:\n"
            "        return become_leader(node)\n"
            "    if not isinstance(node.role, PreCandidate) or response.term != current + 1:\n"
            "        return Handled(node)"
        ),
    ),
    Mutant(
        name="pre-vote-clears-the-vote",
        bug="RE-10, the vote is reset when an election is prepared",
        module=_ELECTIONS,
        old="asking = attrs.evolve(node, role=PreCandidate(votes_granted=frozenset({me})))",
        new=(
            "asking = attrs.evolve(node, durable=attrs.evolve(durable, voted_for=None), "
            "role=PreCandidate(votes_granted=frozenset({me})))"
        ),
    ),
    Mutant(
        name="pre-vote-of-another-term",
        bug="RE-10, a late pre-vote counts",
        module=_ELECTIONS,
        old="response.term != current + 1:",
        new="response.term < 1:",
    ),
    Mutant(
        name="pre-vote-without-log-check",
        bug="thesis, 9.6",
        module=_ELECTIONS,
        old=(
            "\n"
            "        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, node.durable)"
        ),
        new="",
    ),
    Mutant(
        name="half-is-a-majority",
        bug="RE-12, even clusters only",
        module=_QUORUM,
        old="return n // 2 + 1",
        new="return (n + 1) // 2",
    ),
    Mutant(
        name="union-is-a-quorum",
        bug="RE-13",
        module=_CONFIGURATION,
        old="            for voters in (self.voters, self.outgoing)\n",
        new="            for voters in (self.all_voters,)\n",
    ),
    Mutant(
        name="leader-grants-pre-votes",
        bug="RE-14",
        module=_RULES,
        old=" or (node.config.check_quorum and isinstance(node.role, Leader))",
        new="",
    ),
    Mutant(
        name="votes-though-it-hears-a-leader",
        bug="RE-14, of a follower",
        module=_ELECTIONS,
        old="ignores and not request.transfer and rules.stays_with_leader(node)",
        new="False",
    ),
    Mutant(
        name="term-of-the-snapshot",
        bug="RE-15",
        module=_SNAPSHOTS,
        old="attrs.evolve(node.durable, log=kept, snapshot=request.snapshot)",
        new=(
            "attrs.evolve(\n"
            "                node.durable, current_term=request.snapshot.term, log=kept, "
            "snapshot=request.snapshot\n"
            "            )"
        ),
    ),
    Mutant(
        name="pre-vote-teaches-no-term",
        bug="RE-20, liveness",
        module=_ELECTIONS,
        old="return Handled(follow_term(node, response.term) if response.term > current else node)",
        new="return Handled(node)",
    ),
    Mutant(
        name="pre-vote-refreshes-the-leader",
        bug="RE-20, liveness",
        module=_ELECTIONS,
        old="    return Handled(node, (Send(response),))\n\n\ndef handle_pre_vote_response",
        new=(
            "    return Handled(attrs.evolve(node, heard=node.config.election_ticks), (Send(response),))\n"
            "\n"
            "\n"
            "def handle_pre_vote_response"
        ),
    ),
    Mutant(
        name="timer-fires-though-it-hears-a-leader",
        bug="RE-20, its reverse: the leader is disturbed",
        module=_ELECTIONS,
        old="if node.heard > 0 or not rules.may_campaign(node):",
        new="if not rules.may_campaign(node):",
    ),
    Mutant(
        name="check-quorum-never-asks-again",
        bug="thesis, 6.2: a leader behind a partition stays",
        module=_LEADING,
        old="attrs.evolve(progress, is_active=False)",
        new="progress",
    ),
    Mutant(
        name="disk-report-commits-nothing",
        bug="RE-22, what of it a core can have: a leader that waits for its disk for ever",
        module=_LEADING,
        old="return lead(node, node.durable, node.role) if isinstance(node.role, Leader) else Handled(node)",
        new="return Handled(node)",
    ),
    # --- replication and commit --------------------------------------------------------------------
    Mutant(
        name="commit-of-an-earlier-term",
        bug="RC-01, the paper's Figure 8",
        module=_RULES,
        old=" and may_commit_term(durable.term_at(agreed), durable.current_term)",
        new="",
    ),
    Mutant(
        name="commit-index-goes-back",
        bug="RC-03",
        module=_RULES,
        old="return max(commit_index, min(leader_commit, last_new_index))",
        new="return min(leader_commit, last_new_index)",
    ),
    Mutant(
        name="next-index-left-behind",
        bug="RC-04",
        module=_REPLICATION,
        old="next_index = max(known.next_index, response.match_index + 1)",
        new="next_index = known.next_index",
    ),
    Mutant(
        name="backs-off-behind-what-matches",
        bug="late refusals, as in raft.tla",
        module=_RULES,
        old="max(min(progress.next_index - 1, hint), progress.match_index + 1)",
        new="max(min(progress.next_index - 1, hint), 1)",
    ),
    Mutant(
        name="match-index-beyond-the-request",
        bug="RC-07",
        module=_REPLICATION,
        old="success=True, match_index=last_new_index)",
        new="success=True, match_index=durable.last_index)",
    ),
    Mutant(
        name="match-index-unlearnt",
        bug="late answers, as in raft.tla, which PySyncObj and RaftOS followed",
        module=_RULES,
        old="return max(known, acknowledged)",
        new="return acknowledged",
    ),
    Mutant(
        name="no-truncation-on-conflict",
        bug="RC-09",
        module=_RULES,
        old="            return log[:before] + entries\n",
        new="            return log + entries[max(0, len(log) - before) :]\n",
    ),
    Mutant(
        name="truncation-without-conflict",
        bug="late duplicates, raftos 26",
        module=_RULES,
        old="            return log[:before] + entries\n    return log\n",
        new="            return log[:before] + entries\n    return log[:before] + entries\n",
    ),
    Mutant(
        name="no-consistency-check",
        bug="RC-10",
        module=_RULES,
        old=(
            "    return (\n"
            "        prev_log_index <= snapshot.index + len(log)\n"
            "        and term_of(snapshot, log, prev_log_index) == prev_log_term\n"
            "    )"
        ),
        new="    return prev_log_index <= snapshot.index + len(log)",
    ),
    Mutant(
        name="commit-beyond-what-was-verified",
        bug="RC-11",
        module=_RULES,
        old="return max(commit_index, min(leader_commit, last_new_index))",
        new="return max(commit_index, leader_commit)",
    ),
    Mutant(
        name="stale-leader-obeyed",
        bug="RC-12",
        module=_REPLICATION,
        old="    if request.term < node.durable.current_term:\n",
        new="    if request.term < 0:\n",
    ),
    Mutant(
        name="retry-without-entries",
        bug="RC-14, liveness",
        module=_REPLICATION,
        old="entries = durable.log[behind : behind + room]",
        new="entries = durable.log[behind : behind + room] if prev >= node.commit_index else ()",
    ),
    Mutant(
        name="next-index-never-backs-off",
        bug="RC-15, liveness",
        module=_RULES,
        old="min(progress.next_index - 1, hint)",
        new="progress.next_index",
    ),
    Mutant(
        name="late-refusal-goes-forward",
        bug="RC-15, a late refusal spoils the search",
        module=_RULES,
        old="max(min(progress.next_index - 1, hint), progress.match_index + 1)",
        new="max(hint, progress.match_index + 1)",
    ),
    Mutant(
        name="follower-commits-what-it-receives",
        bug="RC-18, applied before it may be truncated",
        module=_RULES,
        old="return max(commit_index, min(leader_commit, last_new_index))",
        new="return max(commit_index, last_new_index)",
    ),
    Mutant(
        name="log-not-persisted",
        bug="RC-21",
        module=_CORE,
        old="Persist(after.durable) if is_safe",
        new=(
            "Persist(Durable(after.durable.current_term, after.durable.voted_for, before.durable.log, "
            "snapshot=after.durable.snapshot)) if is_safe"
        ),
    ),
    Mutant(
        name="answers-before-its-disk",
        bug="RC-21, a follower does not wait for its disk",
        module=_CORE,
        old="Persist(after.durable) if is_safe",
        new="Write(after.durable) if is_safe",
    ),
    Mutant(
        name="leader-counts-what-it-has-not-written",
        bug="RC-22",
        module=_LEADING,
        old="held[me] = node.synced if node.config.async_disk else durable.last_index",
        new="held[me] = durable.last_index",
    ),
    Mutant(
        name="torn-write-is-valid",
        bug="RC-21, of the host: a torn record is believed",
        module=_HOST,
        old="return self.checksum == hash(fields)",
        new="return self.checksum == hash(fields) or bool(fields)",
    ),
    Mutant(
        name="commit-learnt-from-another-branch",
        bug="RC-24",
        module=_REPLICATION,
        old="        refusal = _answer(node, request, success=False, match_index=0, conflict=conflict)\n",
        new=(
            "        node = attrs.evolve(\n"
            "            node, commit_index=max(node.commit_index, min(request.leader_commit, "
            "durable.last_index))\n"
            "        )\n"
            "        refusal = _answer(node, request, success=False, match_index=0, conflict=conflict)\n"
        ),
    ),
    Mutant(
        name="refusal-goes-on-at-the-wrong-place",
        bug="paper, 5.3: the hint of a refusal",
        module=_REPLICATION,
        old="ConflictHint(0, durable.last_index + 1)",
        new="ConflictHint(0, durable.last_index)",
    ),
    Mutant(
        name="sends-what-was-not-acknowledged",
        bug="thesis, 10.2.2: no limit on what is in flight",
        module=_REPLICATION,
        old="room = max(0, min(room, config.unacknowledged_max - (prev - progress.match_index)))",
        new="room = max(0, room)",
    ),
    # --- snapshots ---------------------------------------------------------------------------------
    Mutant(
        name="appends-below-its-snapshot",
        bug="RS-01",
        module=_RULES,
        old="        entries = entries[-before:]\n        before = 0\n",
        new="        before = 0\n",
    ),
    Mutant(
        name="entries-instead-of-the-snapshot",
        bug="RS-02",
        module=_RULES,
        old="return next_index <= snapshot.index",
        new="return next_index < snapshot.index",
    ),
    Mutant(
        name="no-term-before-the-log",
        bug="RS-04",
        module=_LOG,
        old="return log[behind - 1].term if behind else snapshot.term",
        new="return log[behind - 1].term if behind else 0",
    ),
    Mutant(
        name="answer-of-a-later-term-ignored",
        bug="RS-06",
        module=_REPLICATION,
        old="        return Handled(follow_term(node, response.term))\n",
        new="        return Handled(node)\n",
    ),
    Mutant(
        name="stale-leader-sends-a-snapshot",
        bug="RS-06, at the receiver",
        module=_SNAPSHOTS,
        old="stale = request.term < node.durable.current_term",
        new="stale = request.term < 0",
    ),
    Mutant(
        name="snapshot-for-ever",
        bug="RS-07, liveness",
        module=_REPLICATION,
        old="next_index = max(known.next_index, response.match_index + 1)",
        new=(
            "next_index = response.match_index + 1 if response.match_index == known.next_index else "
            "known.next_index"
        ),
    ),
    Mutant(
        name="snapshot-not-persisted",
        bug="RS-09",
        module=_CORE,
        old="Persist(after.durable) if is_safe",
        new=(
            "Persist(Durable(after.durable.current_term, after.durable.voted_for, after.durable.log, "
            "snapshot=before.durable.snapshot)) if is_safe"
        ),
    ),
    Mutant(
        name="snapshot-drops-the-tail",
        bug="paper, Figure 13, rule 6",
        module=_RULES,
        old="return durable.log[index - durable.snapshot.index :]",
        new="return ()",
    ),
    Mutant(
        name="snapshot-keeps-another-tail",
        bug="paper, Figure 13, rule 7",
        module=_RULES,
        old=" and durable.term_at(index) == term:",
        new=":",
    ),
    Mutant(
        name="stale-snapshot-taken",
        bug="paper, Figure 13",
        module=_RULES,
        old="return index <= commit_index",
        new="return False",
    ),
    Mutant(
        name="snapshot-is-not-committed",
        bug="paper, 7: what it covers is",
        module=_SNAPSHOTS,
        old="durable=durable, commit_index=index, synced=synced)",
        new="durable=durable, synced=synced)",
    ),
    Mutant(
        name="snapshot-not-restored",
        bug="paper, Figure 13, rule 8",
        module=_CORE,
        old="        effects.append(Restore(applied, durable.snapshot.state))\n",
        new="        pass\n",
    ),
    Mutant(
        name="restart-forgets-what-was-compacted",
        bug="RR-07, its reverse: applied again from nothing",
        module=_CORE,
        old="commit_index=durable.snapshot.index,",
        new="commit_index=0,",
    ),
    # --- membership --------------------------------------------------------------------------------
    Mutant(
        name="change-before-own-term-commits",
        bug="RM-01, the bug of 2015",
        module=_RULES,
        old="return node.change_index <= node.commit_index and committed_in_its_term(node)",
        new="return node.change_index <= node.commit_index",
    ),
    Mutant(
        name="disk-wiped-at-a-restart",
        bug="RM-02, of the host: a server returns with its name and an empty disk",
        module=_HOST,
        old="records = [record for slot in range(_SLOTS) if (record := disk.read(slot)) and record.is_whole]",
        new="records: list[Self] = []",
    ),
    Mutant(
        name="goes-by-the-committed-configuration",
        bug="RM-03",
        module=_STATE,
        old="return in_force(self.durable.snapshot, self.durable.log, self.durable.last_index)",
        new="return in_force(self.durable.snapshot, self.durable.log, self.commit_index)",
    ),
    Mutant(
        name="leader-retires-too-early",
        bug="RM-06",
        module=_LEADING,
        old=" and not configuration.is_joint and role.change_index <= commit_index",
        new=" and not configuration.is_joint",
    ),
    Mutant(
        name="only-members-campaign",
        bug="RM-06, of a follower, liveness",
        module=_RULES,
        old=" or me in node.committed_configuration.all_voters",
        new="",
    ),
    Mutant(
        name="new-voters-commit-alone",
        bug="RM-07",
        module=_CONFIGURATION,
        old="return min(agreed, quorum.commit_index([held[voter] for voter in self.outgoing]))",
        new="return agreed",
    ),
    Mutant(
        name="snapshot-forgets-the-old-voters",
        bug="RM-08",
        module=_SNAPSHOTS,
        old="configuration=node.committed_configuration,",
        new="configuration=attrs.evolve(node.committed_configuration, outgoing=frozenset()),",
    ),
    Mutant(
        name="snapshot-of-an-uncommitted-configuration",
        bug="RM-08, a change that may be undone",
        module=_SNAPSHOTS,
        old="configuration=node.committed_configuration,",
        new="configuration=node.configuration,",
    ),
    Mutant(
        name="snapshot-of-the-first-configuration",
        bug="RM-08, the change is forgotten",
        module=_SNAPSHOTS,
        old="configuration=node.committed_configuration,",
        new="configuration=durable.snapshot.configuration,",
    ),
    Mutant(
        name="learner-comes-back-as-voter",
        bug="RM-10",
        module=_SNAPSHOTS,
        old="configuration=node.committed_configuration,",
        new=(
            "configuration=attrs.evolve(\n"
            "            node.committed_configuration, voters=node.committed_configuration.members, "
            "learners=frozenset()\n"
            "        ),"
        ),
    ),
    Mutant(
        name="learner-stays-when-it-votes",
        bug="RM-10, voter and learner",
        module=_CONFIGURATION,
        old="len(changed) == 1 and other.learners == self.learners - changed",
        new="len(changed) == 1",
    ),
    Mutant(
        name="changes-at-once",
        bug="RC-20, changes that are not committed pile up",
        module=_RULES,
        old="return node.change_index <= node.commit_index and committed_in_its_term(node)",
        new="return committed_in_its_term(node)",
    ),
    Mutant(
        name="any-change-is-safe",
        bug="thesis, 4.1",
        module=_RULES,
        old="return old.may_become(new)",
        new="return True",
    ),
    Mutant(
        name="new-member-forgets-the-others",
        bug="thesis, 4.1: what peers hold stays known",
        module=_MEMBERSHIP,
        old="role.of(peer) or Progress(peer, next_index=last_index + 1)",
        new="Progress(peer, next_index=last_index + 1)",
    ),
    # --- reads, leases, and handing over -----------------------------------------------------------
    Mutant(
        name="read-without-a-quorum",
        bug="RR-01",
        module=_LEADING,
        old="itertools.takewhile(lambda read: holds_round(node, role, read.round), role.pending)",
        new="role.pending",
    ),
    Mutant(
        name="read-before-own-term-commits",
        bug="RR-02",
        module=_RULES,
        old="    return committed_in_its_term(node)\n\n\ndef may_hold_lease",
        new="    return True\n\n\ndef may_hold_lease",
    ),
    Mutant(
        name="lease-kept-while-handing-over",
        bug="RR-04",
        module=_MEMBERSHIP,
        old=", lease=NO_LEASE\n",
        new=", lease=role.lease\n",
    ),
    Mutant(
        name="lease-after-handing-over-in-vain",
        bug="RR-04, the request to take over arrives late",
        module=_RULES,
        old="return not leader.handed_over",
        new="return True",
    ),
    Mutant(
        name="read-of-what-was-compacted",
        bug="RR-07",
        module=_READS,
        old="PendingRead(request.read, node.commit_index, number)",
        new="PendingRead(request.read, node.durable.snapshot.index, number)",
    ),
    Mutant(
        name="promise-forgotten-in-a-crash",
        bug="RR-10",
        module=_CORE,
        old="heard=config.election_ticks if config.is_timed else 0",
        new="heard=0",
    ),
    Mutant(
        name="lease-without-a-quorum",
        bug="RR-01, by the clock",
        module=_READS,
        old="    if not holds_round(node, role, role.lease.round):\n",
        new="    if role.lease == NO_LEASE:\n",
    ),
    Mutant(
        name="lease-as-long-as-the-promise",
        bug="thesis, 6.4.1: clocks drift",
        module=_READS,
        old="lease = Lease(number, node.config.lease_ticks)",
        new="lease = Lease(number, node.config.election_ticks)",
    ),
    Mutant(
        name="lease-never-ends",
        bug="thesis, 6.4.1",
        module=_READS,
        old="Lease(lease.round, lease.left - 1) if lease.left > 1 else NO_LEASE",
        new="Lease(lease.round, lease.left)",
    ),
    Mutant(
        name="read-of-an-earlier-round",
        bug="thesis, 6.4: answers from before the read count",
        module=_READS,
        old="number = role.round + 1\n    read",
        new="number = role.round\n    read",
    ),
    Mutant(
        name="stale-refusal-confirms-a-round",
        bug="found here: a refusal of an earlier term, when that leader leads again",
        module=_RULES,
        old="return 0 if stale else number",
        new="return number",
    ),
    Mutant(
        name="round-unlearnt",
        bug="late answers, of rounds",
        module=_REPLICATION,
        old="max(known.acked, response.round)",
        new="response.round",
    ),
    Mutant(
        name="hands-over-too-early",
        bug="thesis, 3.10",
        module=_REPLICATION,
        old="role.transferee == peer and match_index == durable.last_index",
        new="role.transferee == peer",
    ),
    Mutant(
        name="takes-requests-while-handing-over",
        bug="thesis, 3.10",
        module=_LEADING,
        old=('    if role.transferee is not None:\n        return refusal(node, request, f"this'),
        new=(
            "    if role.transferee is not None and role.handed_over:\n"
            '        return refusal(node, request, f"this'
        ),
    ),
    Mutant(
        name="old-request-to-take-over-obeyed",
        bug="thesis, 3.10: of an earlier term",
        module=_ELECTIONS,
        old="request.term == node.durable.current_term\n        and not isinstance(node.role, Leader)",
        new="request.term <= node.durable.current_term\n        and not isinstance(node.role, Leader)",
    ),
    Mutant(
        name="transfer-not-told",
        bug="thesis, 4.2.3: who hears the leader ignores the one that takes over",
        module=_ELECTIONS,
        old="_campaign(node, transfer=True) if obeys",
        new="_campaign(node, transfer=False) if obeys",
    ),
    # --- no difference -----------------------------------------------------------------------------
    Mutant(
        name="majority-written-otherwise",
        bug="none",
        module=_QUORUM,
        old="return n // 2 + 1",
        new="return (n + 2) // 2",
        equivalent=True,
        why="(n + 2) // 2 is n // 2 + 1 for every n",
    ),
    Mutant(
        name="conflict-by-whole-entry",
        bug="none",
        module=_RULES,
        old="log[behind].term != entry.term",
        new="log[behind] != entry",
        equivalent=True,
        why="entries of one term at one index are equal (LogMatching), so that comparing values adds nothing",
    ),
)

#: A tenth of them, some of each part, for a check that is to take a minute; `make mutants` tries them all.
SAMPLE: tuple[Mutant, ...] = MUTANTS[3::10]
