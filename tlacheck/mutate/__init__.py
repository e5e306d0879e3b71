"""Mutants made by operators: every rule of an implementation is dropped, weakened or shifted, one at a time.

Beside `tlacheck.mutants`, whose mutants somebody thought of, this makes all those that follow from the
syntax tree of a module, and asks the same layers of checks. A survivor is a hole in a check, or makes no
difference; then `mutate.toml` beside the protocol lists it with a reason.

| module      | is                                                                          |
|-------------|-----------------------------------------------------------------------------|
| `operators` | the operators: which edits of an expression or a statement there are        |
| `code`      | the mutants of a module, each with a name that stays, and its diff          |
| `probes`    | a module whose statements tell that they ran                                |
| `reached`   | the statements that each layer reaches in the unchanged code, and its time  |
| `process`   | one mutant, or the unchanged code, in a process with limits                 |
| `reviewed`  | `mutate.toml`: what is mutated, what makes no difference, what nobody judges |
| `work`      | the trials as a campaign: recorded, resumed, shared among processes         |
| `score`     | the fates of all mutants, as tables and as JSON                             |
| `plan`      | all of it in one call: `mutate`                                             |
"""

from tlacheck.mutate.code import CodeMutant, mutants_of
from tlacheck.mutate.plan import Plan, mutate
from tlacheck.mutate.score import Fate, Score, Trial

__all__ = ["CodeMutant", "Fate", "Plan", "Score", "Trial", "mutants_of", "mutate"]
