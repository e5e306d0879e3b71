"""Conformance tests of Raft: `impl/raft` against `specs/raft`, and against judges that know nothing of it.

| module                             | is                                                               |
|------------------------------------|------------------------------------------------------------------|
| `adapter`, `translation`           | actions of the spec as inputs of the implementation              |
| `replays`                          | recorded traces, edges and walks of the spec on it               |
| `protocol`, `settings`, `host`     | declarations for `tlacheck.harness`, and the host of a server    |
| `recorder`                         | steps of hosts as steps of the spec                              |
| `judge`, `safety`                  | judges without the spec, and the situations that runs must meet  |
| `mutants`, `layers`                | seeded bugs, and the checks that catch them                      |
| `scenarios`, `scenarios_full`      | scenario tests; `scenario_syntax` has their inputs and texts     |
| `runs`, `validation`               | run logs of clusters, validated against the spec                 |
| `service`                          | the replicated state machine on Raft                             |
| `clients`, `histories`, `film`     | its clients, and whether what they saw is linearizable           |
| `scale`                            | large clusters, for figures                                      |
"""
