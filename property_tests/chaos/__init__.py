"""Judging real clusters: the logs of `node` processes against the spec, and campaigns that kill and cut them.

    python -m property_tests.chaos run --seed 1
    python -m property_tests.chaos check FOLDER

| noun       | meaning                                                                     | in           |
|------------|-----------------------------------------------------------------------------|--------------|
| event log  | what one node was given, as `node.events` writes it                         | `logs`       |
| second run | the core, executed again on these inputs: the digests must be the same      | `second_run` |
| order      | one order of the steps of all nodes, by which message came from which step  | `order`      |
| judge      | the steps in that order, through the simulator's recorder, against the spec | `judge`      |
| follower   | the part of the judge for one protocol; also `{pbft,hotstuff}_judge`        | `raft_judge` |
| link proxy | a relay between two nodes, which stalls, delays or resets                   | `proxies`    |
| fault      | what happens to processes, disks and links, by the simulator's names        | `campaign`   |
| campaign   | clients and faults for some seconds, then rest, final reads, and the judges | `campaign`   |
"""
