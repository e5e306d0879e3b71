"""Mutation coverage of a spec: every rule of it is dropped, weakened or shifted, and its models must notice.

A spec that says too little passes all its models. Here each small wrong change of what a behaviour rests on
is checked by the models of a manifest: a property that is then violated, or a witness that is then out of
reach, notices it. What only changes the number of states is a hole in the properties, or a choice that they
leave open; what changes not even that makes no difference within these bounds.

| module      | is                                                                      |
|-------------|-------------------------------------------------------------------------|
| `operators` | the operators: which edits of an expression there are                   |
| `mutants`   | the mutants of modules, each with a name that stays, and its diff       |
| `subject`   | the models that are asked, and which mutants concern each               |
| `work`      | the trials as a campaign: recorded, resumed, shared among processes     |
| `score`     | the fates of all mutants, by definition, operator and property          |
| `plan`      | all of it in one call: `mutate_spec`                                    |
"""

from tlacheck.mutate.spec.mutants import SpecMutant
from tlacheck.mutate.spec.plan import SpecPlan, mutate_spec
from tlacheck.mutate.spec.score import SpecFate, SpecScore, SpecTrial

__all__ = ["SpecFate", "SpecMutant", "SpecPlan", "SpecScore", "SpecTrial", "mutate_spec"]
