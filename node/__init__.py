"""A real host of the protocol cores in `impl`: processes, disks, TLS.

A node is one process that owns one core. It promises what the core relies on: an effect is carried out only
after the effects before it, and nothing leaves a node before the disk holds what it says. Its order is always
the same: persist, send, apply, answer.

| noun      | meaning                                                                      | in          |
|-----------|------------------------------------------------------------------------------|-------------|
| settings  | a cluster as its file describes it: nodes, addresses, protocol, timeouts     | `settings`  |
| authority | the certificate authority of a cluster; a certificate says who its holder is | `authority` |
| disk      | files of bytes, of which a crash loses what was not synced                   | `disk`      |
| log (WAL) | write-ahead log: frames with chained checksums, one frame a sync             | `wal`       |
| storage   | the durable state of a replica as records of the log                         | `storage`   |
| engine    | a protocol as the driver knows it: its pure core, and that core at work       | `engine`    |
| link      | the connection by which one node sends to another; frames of bounded size    | `transport` |
| batch     | the steps of the core that share one sync (group commit)                     | `driver`    |
| stamp     | the name of a message: sender, its start, the step, the position in it       | `stamps`    |
| event log | the inputs of the core in order, for the spec to judge afterwards            | `events`    |
| proposal  | an operation of a client, as a log entry holds it                            | `proposals` |

`python -m node` is the command. This package knows no spec: the judge of a real run is in
`property_tests.chaos`.
"""
