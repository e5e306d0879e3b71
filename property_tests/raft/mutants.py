"""Wrong Raft implementations, one line each, most with the shape of a public bug; and equivalent ones.

The ids are those of the project's catalogue of protocol bugs. "paper" is Ongaro and Ousterhout 2014.
"""

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS"]

_CORE = "impl.raft.core"
_RULES = "impl.raft.rules"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="vote-without-log-check",
        bug="RE-01",
        module=_CORE,
        old="\n        and rules.log_is_up_to_date(request.last_log_index, request.last_log_term, node.durable.log)",
        new="",
    ),
    Mutant(
        name="vote-for-the-longer-log",
        bug="RE-01, terms not compared",
        module=_RULES,
        old="return (last_log_term, last_log_index) >= (last_term(log), len(log))",
        new="return last_log_index >= len(log)",
    ),
    Mutant(
        name="vote-not-persisted",
        bug="RE-02",
        module=_CORE,
        old="effects.append(Persist(after.durable))",
        new="effects.append(Persist(attrs.evolve(after.durable, voted_for=None)))",
    ),
    Mutant(
        name="term-not-persisted",
        bug="RE-03",
        module=_CORE,
        old="effects.append(Persist(after.durable))",
        new="effects.append(Persist(attrs.evolve(after.durable, current_term=0)))",
    ),
    Mutant(
        name="log-not-persisted",
        bug="RC-21",
        module=_CORE,
        old="effects.append(Persist(after.durable))",
        new="effects.append(Persist(attrs.evolve(after.durable, log=before.durable.log)))",
    ),
    Mutant(
        name="two-votes-a-term",
        bug="paper, 5.2",
        module=_RULES,
        old="return voted_for is None or voted_for == candidate",
        new="return True",
    ),
    Mutant(
        name="refusal-counted-as-vote",
        bug="RE-10",
        module=_CORE,
        old="\n        or not response.vote_granted\n",
        new="\n",
    ),
    Mutant(
        name="candidate-forgets-its-vote",
        bug="RE-09",
        module=_CORE,
        old="node = attrs.evolve(node, role=Follower())\n    success",
        new="node = attrs.evolve(node, role=Follower(), durable=attrs.evolve(node.durable, voted_for=None))\n    success",
    ),
    Mutant(
        name="half-is-a-majority",
        bug="RE-12, even clusters only",
        module="impl.quorum",
        old="return n // 2 + 1",
        new="return (n + 1) // 2",
    ),
    Mutant(
        name="commit-of-an-earlier-term",
        bug="RC-01, the paper's Figure 8",
        module=_RULES,
        old=" and may_commit_term(term_at(log, held), term)",
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
        name="commit-beyond-what-was-verified",
        bug="RC-11",
        module=_RULES,
        old="return max(commit_index, min(leader_commit, last_new_index))",
        new="return max(commit_index, leader_commit)",
    ),
    Mutant(
        name="match-index-beyond-the-request",
        bug="RC-07",
        module=_CORE,
        old="match_index=last_new_index if success else 0,",
        new="match_index=len(node.durable.log) if success else 0,",
    ),
    Mutant(
        name="match-index-unlearnt",
        bug="late answers, raft.tla before 2018",
        module=_CORE,
        old="match_index=max(known.match_index, response.match_index),",
        new="match_index=response.match_index,",
    ),
    Mutant(
        name="no-truncation-on-conflict",
        bug="RC-09",
        module=_RULES,
        old="            return log[:prev_log_index] + entries\n",
        new="            return log + entries[max(0, len(log) - prev_log_index):]\n",
    ),
    Mutant(
        name="truncation-without-conflict",
        bug="late duplicates, raftos 26",
        module=_RULES,
        old="            return log[:prev_log_index] + entries\n    return log\n",
        new="            return log[:prev_log_index] + entries\n    return log[:prev_log_index] + entries\n",
    ),
    Mutant(
        name="no-consistency-check",
        bug="RC-10",
        module=_RULES,
        old="return prev_log_index <= len(log) and term_at(log, prev_log_index) == prev_log_term",
        new="return prev_log_index <= len(log)",
    ),
    Mutant(
        name="stale-leader-obeyed",
        bug="RC-12",
        module=_CORE,
        old="current = request.term == node.durable.current_term",
        new="current = request.term <= node.durable.current_term",
    ),
    Mutant(
        name="send-before-persist",
        bug="paper, Figure 2: stable storage is updated before an RPC is answered",
        module=_CORE,
        old="        effects.append(Persist(after.durable))\n    effects.extend(own)\n",
        new="        effects.extend(own)\n        effects.append(Persist(after.durable))\n    else:\n        effects.extend(own)\n",
    ),
    Mutant(
        name="next-index-never-backs-off",
        bug="RC-15, liveness",
        module=_CORE,
        old="backed_off = max(known.next_index - 1, known.match_index + 1)",
        new="backed_off = known.next_index",
    ),
    Mutant(
        name="majority-written-otherwise",
        bug="none",
        module="impl.quorum",
        old="return n // 2 + 1",
        new="return (n + 2) // 2",
        equivalent=True,
        why="(n + 2) // 2 is n // 2 + 1 for every n",
    ),
    Mutant(
        name="conflict-by-whole-entry",
        bug="none",
        module=_RULES,
        old="term_at(log, index) != entry.term",
        new="log[index - 1] != entry",
        equivalent=True,
        why="entries of one term at one index are equal (LogMatching), so that comparing values adds nothing",
    ),
)
