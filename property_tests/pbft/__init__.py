"""Conformance tests of PBFT: `impl/pbft` against `specs/pbft` and against judges independent of the spec.

| module                             | is                                                                    |
|------------------------------------|-----------------------------------------------------------------------|
| `adapter`, `projection`, `replays` | TLC's traces, edges and walks on the implementation                   |
| `protocol`                         | the declaration for `tlacheck.harness`; docs/byzantine.md goes        |
|                                    | through it                                                            |
| `host`, `clients`, `adversary`     | who takes part in a simulated cluster                                 |
| `recorder`                         | steps of replicas as steps of the spec                                |
| `invariants`, `timing`, `goals`    | judges without the spec, and the situations that runs must meet       |
| `mutants`, `layers`                | wrong implementations, and the checks that catch them                 |
| `calm`, `near_misses`              | two of these: nothing is lost, and nothing unproved may be taken      |
| `midway`, `forgeries`, `hostile`   | one replica in mid-run that is told anything                          |
| `coverage`, `reduction`            | checks of the models                                                  |
| `scale`                            | large clusters, for figures                                           |
"""
