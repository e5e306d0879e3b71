"""The coordination flow of A102 as pure cores: queries, coordinators, clients. MANAGER-4.

Theory of operation. Agents, in categories, keep their state in gossip; coordinators, one a category, run Raft
and are part of the gossip. A client asks a coordinator, and gets one answer within a bounded time: complete,
partial with the reason of each agent that is missing, or failed with a reason.

| query                                                  | way    | because                            |
|--------------------------------------------------------|--------|------------------------------------|
| of one category, of a type that A102 gossips           | gossip | its coordinator has the copies     |
| of several categories                                  | Raft   | all is read at one place in a log  |
| of a type that A102 gives to Raft (a dependency check) | Raft   | A102 wants it strong               |

By gossip no message of Raft is sent. By Raft the coordinator that was asked, the aggregator, has Raft decide
the query. Each coordinator that applies it reads its own category, and sends its part to the aggregator.
After a while the aggregator asks deputies for what is missing, and at the time-out it answers with what there
is. A copy is read only if the barrier's rules let the coordinator act on it (`impl.manager.barrier`), so that
an answer rests on nothing older than the last fence.

A client whose coordinator is silent asks the next one, and after some of them says that it failed.

| module        | contents                                                |
|---------------|---------------------------------------------------------|
| `queries`     | queries, answers, the categories and their coordinators |
| `reading`     | what a coordinator may say of an agent                  |
| `coordinator` | a coordinator: `step(coordinator, input)`               |
| `client`      | a client: `step(client, input)`                         |
"""

from impl.coordination import client, coordinator
from impl.coordination.queries import Answer, BadQuery, Outcome, Query, Topology, Way, way_of
from impl.coordination.reading import Reading, View, read, stamped

__all__ = [
    "Answer",
    "BadQuery",
    "Outcome",
    "Query",
    "Reading",
    "Topology",
    "View",
    "Way",
    "client",
    "coordinator",
    "read",
    "stamped",
    "way_of",
]
