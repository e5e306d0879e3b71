"""Gossip as a pure core: `step(node, input) -> (node, effects)`. GOSSIP-1, -2, -4.

Theory of operation. Each node owns some keys; all nodes keep copies of what the others own. Every second a
node greets a few others, and each pair brings one another up to date by **push-pull** in three messages,
`Syn`, `Reply` and `Ack`, specified in specs/gossip/Gossip.tla. It works because of five rules:

* **Owners write, nobody else.** A write takes the owner's next version. So copies never conflict, and a
  digest is one number for each owner. A deleted key leaves a tombstone until its owner collects it; a copy
  that may have missed a collected tombstone is reset (`rules.may_apply`, `rules.may_reset`).
* **Deltas are prefixes.** A delta has the records above a version in order, as far as a message has room
  (Scuttlebutt, 3.2). Each owner comes first in turn, then the owners of whom the most is missing.
* **Hashes first.** A greeting carries one hash of all that the sender has. A receiver with another hash
  answers with the hashes of 128 parts, and digests cover the parts that differ. A quiet cluster costs one
  hash for each greeting, at any size.
* **Failures are records.** Each node sends heartbeats to a few neighbours on a ring. A neighbour that misses
  some (`detector`) records its suspicion under its own name. The accused refutes it when it reads the record;
  otherwise all nodes bury the accused after a time, and later forget all of it but its generation. A
  forgotten node that is alive comes back in a later generation.
* **Liars.** With `Config.keys`, owners sign their states as a whole, and a liar can spoil its own keys only;
  to bury a node takes more accusers than there are liars. Without keys, nodes may crash but must not lie.

| module                           | contents                                              |
|----------------------------------|-------------------------------------------------------|
| `records`                        | records, copies, deltas, digests                      |
| `rules`                          | the rules on which safety rests, named as in the spec |
| `holdings`                       | all copies of a node, and their hashes                |
| `exchange`                       | digests, deltas in answer to them, merging            |
| `ownership`                      | a node's own keys                                     |
| `detector`                       | the failure detector                                  |
| `members`                        | the ring, suspicion, refutation, burial               |
| `messages`, `inputs`, `effects`, | the types                                             |
| `configuration`, `node`          |                                                       |
| `validation`                     | validation of messages                                |
| `core`                           | one step                                              |
"""

from impl.gossip.configuration import Config
from impl.gossip.core import first_start, recover, restart, step
from impl.gossip.detector import Detector, Intervals, phi, suspects
from impl.gossip.effects import Changed, Durable, Effect, Persist, Refused, Send, Standing
from impl.gossip.inputs import Delete, Input, Receive, Round, Write
from impl.gossip.messages import Ack, Buckets, Heartbeat, Hello, Message, Reply, Syn
from impl.gossip.node import Node, own_copy, standing
from impl.gossip.records import DELETED, NEVER, UNKNOWN, Copy, Delta, Entry, Level, Record, level_of, name_key

__all__ = [
    "DELETED",
    "NEVER",
    "UNKNOWN",
    "Ack",
    "Buckets",
    "Changed",
    "Config",
    "Copy",
    "Delete",
    "Delta",
    "Detector",
    "Durable",
    "Effect",
    "Entry",
    "Heartbeat",
    "Hello",
    "Input",
    "Intervals",
    "Level",
    "Message",
    "Node",
    "Persist",
    "Receive",
    "Record",
    "Refused",
    "Reply",
    "Round",
    "Send",
    "Standing",
    "Syn",
    "Write",
    "first_start",
    "level_of",
    "name_key",
    "own_copy",
    "phi",
    "recover",
    "restart",
    "standing",
    "step",
    "suspects",
]
