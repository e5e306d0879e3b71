"""Wrong threat machines, one line each, and equivalent ones.

The ids are those of the project's catalogue of protocol bugs.
"""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_CONFIGURATION: Final = "impl.threat.configuration"
_CORE: Final = "impl.threat.core"
_LEVELS: Final = "impl.threat.levels"
_RULES: Final = "impl.threat.rules"
_SOURCES: Final = "impl.threat.sources"

MUTANTS: Final[tuple[Mutant, ...]] = (
    # --- the cluster score --------------------------------------------------------------------------
    Mutant(
        name="the-largest-score-counts",
        bug="HY-07",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return max(scores)",
    ),
    Mutant(
        name="as-many-as-may-lie-decide",
        bug="HY-07, one too few",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return sorted(scores, reverse=True)[max(0, f - 1)]",
    ),
    Mutant(
        name="liars-withhold-consent",
        bug="HY-07, 2f + 1 must agree",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return sorted(scores, reverse=True)[2 * f]",
    ),
    Mutant(
        name="the-average-counts",
        bug="HY-07, a maximum that is averaged away",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return sum(scores) // len(scores)",
    ),
    Mutant(
        name="each-for-itself",
        bug="HY-05",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return scores[0]",
    ),
    # --- hysteresis and dwell -----------------------------------------------------------------------
    Mutant(
        name="left-where-entered",
        bug="HY-06",
        module=_RULES,
        old="return level == Level.NONE or score >= config.down[level - 1]",
        new="return level == Level.NONE or score >= config.up[level - 1]",
    ),
    Mutant(
        name="left-at-once",
        bug="HY-06, no dwell",
        module=_RULES,
        old="return config.calm_ticks if level == Level.CRITICAL else config.dwell_ticks",
        new="return 1",
    ),
    Mutant(
        name="critical-left-like-others",
        bug="HY-06, of Critical",
        module=_RULES,
        old="return config.calm_ticks if level == Level.CRITICAL else config.dwell_ticks",
        new="return config.dwell_ticks",
    ),
    Mutant(
        name="change-does-not-restart-the-dwell",
        bug="HY-06, a flapping level",
        module=_CORE,
        old="return StepResult(attrs.evolve(threat, durable=durable, calm=0), (*effects, changed))",
        new="return StepResult(attrs.evolve(threat, durable=durable), (*effects, changed))",
    ),
    Mutant(
        name="score-does-not-interrupt-the-dwell",
        bug="HY-06, an oscillating score",
        module=_CORE,
        old="return StepResult(attrs.evolve(threat, calm=0), effects)",
        new="return StepResult(threat, effects)",
    ),
    Mutant(
        name="proof-does-not-restart-the-calm",
        bug="a calm with new proof in it",
        module=_CORE,
        old="shown = attrs.evolve(threat, durable=durable, calm=0)",
        new="shown = attrs.evolve(threat, durable=durable)",
    ),
    Mutant(
        name="left-for-none",
        bug="one level at a time",
        module=_CORE,
        old="return _moved(waited, Level(now - 1), Because.CALM, settled.effects)",
        new="return _moved(waited, Level.NONE, Because.CALM, settled.effects)",
    ),
    Mutant(
        name="dwell-one-tick-short",
        bug="HY-06, off by one",
        module=_CORE,
        old="if waited.calm < rules.dwell(config, now):",
        new="if waited.calm < rules.dwell(config, now) - 1:",
    ),
    Mutant(
        name="threshold-missed-by-one",
        bug="Medium-High boundary",
        module=_RULES,
        old="sum(score >= up for up in config.up)",
        new="sum(score > up for up in config.up)",
    ),
    # --- evidence -----------------------------------------------------------------------------------
    Mutant(
        name="timing-without-limit",
        bug="HY-16",
        module=_RULES,
        old="return min(config.timing_max, timing + weight)",
        new="return min(config.score_max, timing + weight)",
    ),
    Mutant(
        name="timing-is-evidence",
        bug="HY-16, counted as any other suspicion",
        module=_CORE,
        old="if kind is Suspicion.TIMING:",
        new="if False:",
    ),
    Mutant(
        name="timing-adds-to-evidence",
        bug="HY-16, in sum with others",
        module=_RULES,
        old="return max(evidence, timing)",
        new="return evidence + timing",
    ),
    Mutant(
        name="timing-keeps-high",
        bug="HY-16, by settings",
        module=_CONFIGURATION,
        old="if not 0 <= self.timing_max < limit:",
        new="if not 0 <= self.timing_max <= limit:",
    ),
    Mutant(
        name="evidence-without-limit",
        bug="a flood that takes for ever to fade",
        module=_RULES,
        old="return min(config.score_max, evidence + weight)",
        new="return evidence + weight",
    ),
    Mutant(
        name="proof-is-suspicion",
        bug="proof leads to its level by itself",
        module=_CORE,
        old="> durable.level:\n        return _settled(*_moved(shown, floor, Because.PROOF))",
        new="> Level.CRITICAL:\n        return _settled(*_moved(shown, floor, Because.PROOF))",
    ),
    Mutant(
        name="proof-lowers",
        bug="tampering is a way out of Critical",
        module=_CORE,
        old="> durable.level:\n        return _settled(*_moved(shown, floor, Because.PROOF))",
        new="!= durable.level:\n        return _settled(*_moved(shown, floor, Because.PROOF))",
    ),
    Mutant(
        name="equivocation-is-high-only",
        bug="Equivocation: Byzantine behaviour",
        module=_RULES,
        old="ProofKind.EQUIVOCATION: Level.CRITICAL",
        new="ProofKind.EQUIVOCATION: Level.HIGH",
    ),
    Mutant(
        name="proof-counts-again",
        bug="liars hold the level up by convicting themselves",
        module=_RULES,
        old="return known is None or PROVED_LEVEL[kind] > PROVED_LEVEL[known]",
        new="return known is None or PROVED_LEVEL[kind] >= PROVED_LEVEL[known]",
    ),
    Mutant(
        name="tampering-covers-equivocation",
        bug="a small offence shown first hides a grave one",
        module=_RULES,
        old="return known is None or PROVED_LEVEL[kind] > PROVED_LEVEL[known]",
        new="return known is None",
    ),
    Mutant(
        name="proof-against-anybody",
        bug="a memory without bounds",
        module=_CORE,
        old='    if not _is_replica(threat, accused):\n        return _refused(threat, inp, "it accuses',
        new='    if type(accused) is not str:\n        return _refused(threat, inp, "it accuses',
    ),
    # --- statements ---------------------------------------------------------------------------------
    Mutant(
        name="stale-statements-count",
        bug="HY-08, of statements",
        module=_RULES,
        old="return number > heard",
        new="return True",
    ),
    Mutant(
        name="replays-count",
        bug="HY-08, the same statement again",
        module=_RULES,
        old="return number > heard",
        new="return number >= heard",
    ),
    Mutant(
        name="scores-as-stated",
        bug="a liar's score that takes for ever to fade",
        module=_RULES,
        old="return max(0, min(config.score_max, score))",
        new="return score",
    ),
    Mutant(
        name="scores-below-nothing",
        bug="clamped at one end",
        module=_RULES,
        old="return max(0, min(config.score_max, score))",
        new="return min(config.score_max, score)",
    ),
    Mutant(
        name="silent-scores-stay",
        bug="a silent liar holds the level up",
        module=_CORE,
        old="scores={name: rules.faded(config, score) for name, score in threat.scores.items()},",
        new="scores=threat.scores,",
    ),
    Mutant(
        name="own-evidence-stays",
        bug="a level that never comes back",
        module=_CORE,
        old="evidence=rules.faded(config, threat.evidence),",
        new="evidence=threat.evidence,",
    ),
    Mutant(
        name="own-timing-stays",
        bug="a level that never comes back",
        module=_CORE,
        old="timing=rules.faded(config, threat.timing),",
        new="timing=threat.timing,",
    ),
    Mutant(
        name="says-nothing",
        bug="what one sees nobody else knows",
        module=_CORE,
        old="if own_score(seen) > own_score(threat):",
        new="if False:",
    ),
    Mutant(
        name="never-says-it-again",
        bug="a correct replica that is forgotten",
        module=_CORE,
        old="if own_score(faded) and faded.unstated == config.restate_ticks:",
        new="if False:",
    ),
    Mutant(
        name="same-number-again",
        bug="statements that others ignore",
        module=_CORE,
        old="number=threat.durable.number + 1",
        new="number=max(1, threat.durable.number)",
    ),
    Mutant(
        name="speaks-for-itself",
        bug="two scores for one replica",
        module=_CORE,
        old="if not _is_replica(threat, reporter) or reporter == threat.config.node:",
        new="if not _is_replica(threat, reporter):",
    ),
    Mutant(
        name="anybody-reports",
        bug="HY-07, strangers",
        module=_CORE,
        old="if not _is_replica(threat, reporter) or reporter == threat.config.node:",
        new="if type(reporter) is not str or reporter == threat.config.node:",
    ),
    Mutant(
        name="score-of-any-type",
        bug="a step that raises",
        module=_CORE,
        old="    if type(score) is not int:\n",
        new="    if score is None:\n",
    ),
    # --- crashes ------------------------------------------------------------------------------------
    Mutant(
        name="nothing-persisted",
        bug="HY-10",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new="effects = effects",
    ),
    Mutant(
        name="persisted-too-late",
        bug="HY-10, told before it is on the disk",
        module=_CORE,
        old="effects = (Persist(after.durable), *effects)",
        new="effects = (*effects, Persist(after.durable))",
    ),
    Mutant(
        name="crash-forgets-the-level",
        bug="HY-10, a way out of Critical",
        module=_CORE,
        old="    known = attrs.evolve(\n        durable,\n",
        new="    known = attrs.evolve(\n        durable,\n        level=Level.NONE,\n",
    ),
    Mutant(
        name="crash-forgets-numbers",
        bug="HY-08, after a crash",
        module=_CORE,
        old="heard={name: number for name, number in durable.heard.items() if name in config.replicas},",
        new="heard={},",
    ),
    Mutant(
        name="crash-forgets-proofs",
        bug="known proof counts again after each crash",
        module=_CORE,
        old="proved={name: proof for name, proof in durable.proved.items() if name in config.replicas},",
        new="proved={},",
    ),
    # --- what others make of it -----------------------------------------------------------------------
    Mutant(
        name="high-is-raft",
        bug="Medium-High boundary",
        module=_LEVELS,
        old="return BFT if level >= Level.HIGH else RAFT",
        new="return BFT if level > Level.HIGH else RAFT",
    ),
    Mutant(
        name="medium-is-bft",
        bug="Medium-High boundary",
        module=_LEVELS,
        old="return BFT if level >= Level.HIGH else RAFT",
        new="return BFT if level >= Level.MEDIUM else RAFT",
    ),
    Mutant(
        name="equivocation-for-tampering",
        bug="offences of the guard",
        module=_SOURCES,
        old="Offence.EQUIVOCATION: ProofKind.EQUIVOCATION,",
        new="Offence.EQUIVOCATION: ProofKind.TAMPERING,",
    ),
    Mutant(
        name="no-hysteresis-by-settings",
        bug="HY-06, settings that are not refused",
        module=_CONFIGURATION,
        old="if not 1 <= down < up:",
        new="if not 1 <= down <= up:",
    ),
    # --- equivalent -----------------------------------------------------------------------------------
    Mutant(
        name="sorted-the-other-way",
        bug="none",
        module=_RULES,
        old="return sorted(scores, reverse=True)[f]",
        new="return sorted(scores)[-1 - f]",
        equivalent=True,
        why="the same element, counted from the other end",
    ),
)

#: Some of them, of each kind, for a quick look.
SAMPLE: Final = tuple(
    mutant
    for mutant in MUTANTS
    if mutant.name
    in {"the-largest-score-counts", "left-where-entered", "timing-without-limit", "persisted-too-late"}
)
