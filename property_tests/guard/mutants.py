"""Wrong guards, one change each, by which a correct replica is taken for faulty."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS"]

_CORE: Final = "impl.guard.core"
_EVIDENCE: Final = "impl.guard.evidence"
_STATE: Final = "impl.guard.state"

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="signatures-not-checked",
        bug="evidence is believed without its signatures",
        module=_EVIDENCE,
        old="if not is_signed_by(accused, message, config.keys):",
        new="if False:",
    ),
    Mutant(
        name="views-contradict-each-other",
        bug="votes of different views are taken for an equivocation",
        module=_EVIDENCE,
        old='return ("vote", message.view, message.seq)',
        new='return ("vote", 0, message.seq)',
    ),
    Mutant(
        name="stable-is-concealed",
        bug="a commit behind a stable checkpoint is taken for concealed",
        module=_EVIDENCE,
        old="if change.view <= commit.view or change.checkpoint.seq >= commit.seq:",
        new="if change.view <= commit.view:",
    ),
    Mutant(
        name="replaced-is-concealed",
        bug="a certificate that a later one replaced is taken for concealed",
        module=_EVIDENCE,
        old=(
            "and (each.view > commit.view or (each.view == commit.view and digest(each.batch) == "
            "commit.digest))"
        ),
        new="and each.view == commit.view",
    ),
    Mutant(
        name="later-commits-are-concealed",
        bug="a commit after the view change is taken for concealed",
        module=_EVIDENCE,
        old="if change.view <= commit.view or change.checkpoint.seq >= commit.seq:",
        new="if change.checkpoint.seq >= commit.seq:",
    ),
    Mutant(
        name="nobody-may-propose-nothing",
        bug="a null request that fills a gap after a view change is taken for an offence",
        module=_EVIDENCE,
        old="is_empty = message.view == 0 and message.batch == NULL_BATCH",
        new="is_empty = message.batch == NULL_BATCH",
    ),
    Mutant(
        name="reports-are-believed",
        bug="evidence is counted, and not verified",
        module=_EVIDENCE,
        old='return "" if offence(messages, config) else "a correct replica may sign that"',
        new='return ""',
    ),
    Mutant(
        name="forgery-convicts-whom-it-names",
        bug="the replica that a forged message names is taken for its author",
        module=_CORE,
        old="""    if why not in _TELLING:
        return None
""",
        new="""    if why is Why.FORGED and proof.is_message(message) and \
getattr(message, "source", "") in config.replicas:
        return Evidence(accused=message.source, messages=(message,))
    if why not in _TELLING:
        return None
""",
    ),
    Mutant(
        name="low-score-quarantines",
        bug="suspicion leads to quarantine",
        module=_STATE,
        old="return self.proved[: self.config.f]",
        new="return tuple(name for name, score in self.scores.items() if score < 95)[: self.config.f]",
    ),
)
