"""Chained HotStuff as a pure core: `step(node, input) -> (node, effects)`.

Theory of operation. A `Node` is the whole of one replica: its `Config`, its `Durable` state, and the messages
it has received, which a crash may lose. The host fires the timer, carries messages, writes the disk, and has
the leader propose (`ready`). It hands the core one input at a time and carries out the effects *in their
order*; a `Persist` comes before any `Send` that relies on it, and must be on disk first. The host also
delivers what a replica sends to all, or to itself, back to that replica: its own vote, block and time-out
count when they arrive.

| host sees                        | input                         | actions in specs/hotstuff/HotStuff.tla |
|----------------------------------|-------------------------------|----------------------------------------|
| a new replica starts             | `first_start(config)`         | `Init`                                 |
| a replica came back from a crash | `recover(config, disk)`       | `Restart(i)`                           |
| it is the leader's turn          | `Propose(batch)`              | `Propose(i, x)`                        |
| a proposal arrived               | `Receive(Proposal)`           | `Enter`, `Store(i, b)`, `Vote(i, b)`,  |
|                                  |                               | as far as enabled                      |
| a vote arrived                   | `Receive(Vote)`               | `Learn(i, p)` at the last needed       |
| the timer fired                  | `TimerFired()`                | `TimeOut(i)`                           |
| a time-out arrived               | `Receive(Timeout)`            | `Learn(i, p)`; at the last needed      |
|                                  |                               | `Enter(i, v)` or `Join(i, v)`          |
| a certificate arrived by itself  | `Receive(Certificate)`        | `Learn(i, p)`                          |
| a time-out certificate arrived   | `Receive(TimeoutCertificate)` | `Enter(i, v)`                          |
| requested blocks arrived         | `Receive(Blocks)`             | `Store(i, b)` for each, `Learn`,       |
|                                  |                               | perhaps `Vote`                         |
| a state that f + 1 vouch for     | `Receive(Snapshot)`           | `Store` for all that it missed,        |
|                                  |                               | and `Learn`                            |
| a client's request arrived       | `Receive(Request)`            | none                                   |
| a replica asks for a block       | `Receive(Fetch)`              | none                                   |
| the retransmission timer fired   | `Retransmit()`                | none                                   |

Effects report accepted inputs in the order of those actions (`Stored`, `Voted`, `Learned`, ...), beside the
messages; a rejected input is `Refused` and changes nothing. `rules` holds the rules on which safety rests,
named as in the spec; `tree` walks blocks, `proofs` makes and checks certificates, `shapes` checks the types
of what comes from outside; `chain`, `following`, `pacemaker` and `sync` handle inputs, and `core` combines
them. `metrics`, which the core does not need, reports a replica's condition to operators. Requests, replies
and the service are those of `impl.common`, so that clients need not know which protocol orders them.

Everything that others can make a replica keep is bounded: one vote, time-out, proposal and snapshot of each
replica, one wanted block, `variants_max` blocks of a view, and as many of all views that have not begun,
`retained` committed ones, one request of each of `waiting_max` clients. A view is entered by proof only, so
no replica gets far ahead.

Sources: "paper" is Yin, Malkhi, Reiter, Golan Gueta and Abraham, "HotStuff: BFT Consensus in the Lens of
Blockchain", PODC 2019; "Diem" is the Diem team, "DiemBFT v4: State Machine Replication in the Diem
Blockchain", 2021.
"""

from impl.hotstuff.configuration import Config
from impl.hotstuff.core import first_start, ready, recover, step
from impl.hotstuff.effects import (
    Committed,
    Effect,
    Entered,
    Equivocated,
    Joined,
    Learned,
    Persist,
    Proposed,
    Refused,
    ResetTimer,
    Send,
    StopTimer,
    Stored,
    TimedOut,
    Voted,
    Why,
)
from impl.hotstuff.inputs import Input, Propose, Receive, Retransmit, TimerFired
from impl.hotstuff.messages import (
    Block,
    Blocks,
    Certificate,
    Fetch,
    Message,
    Proposal,
    Snapshot,
    Timeout,
    TimeoutCertificate,
    Vote,
)
from impl.hotstuff.pacemaker import is_waiting
from impl.hotstuff.state import Durable, Node

__all__ = [
    "Block",
    "Blocks",
    "Certificate",
    "Committed",
    "Config",
    "Durable",
    "Effect",
    "Entered",
    "Equivocated",
    "Fetch",
    "Input",
    "Joined",
    "Learned",
    "Message",
    "Node",
    "Persist",
    "Proposal",
    "Propose",
    "Proposed",
    "Receive",
    "Refused",
    "ResetTimer",
    "Retransmit",
    "Send",
    "Snapshot",
    "StopTimer",
    "Stored",
    "TimedOut",
    "Timeout",
    "TimeoutCertificate",
    "TimerFired",
    "Vote",
    "Voted",
    "Why",
    "first_start",
    "is_waiting",
    "ready",
    "recover",
    "step",
]
