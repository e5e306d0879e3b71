"""The parts that protocol cores have in common. They know no protocol.

| module       | has                                                                              |
|--------------|----------------------------------------------------------------------------------|
| `identities` | names of nodes and clients                                                       |
| `encoding`   | values, their canonical bytes, and digests of them                               |
| `keys`       | signatures behind a small interface; symbolic ones for models and tests          |
| `ed25519`    | real ones, by the `cryptography` library; not imported here                      |
| `requests`   | requests of clients, batches of them, and replies                                |
| `service`    | the replicated service, and the state that replicas keep of it                   |
| `results`    | the result of a step, and the refusal of an input                                |
| `shapes`     | checks of objects from outside, field by field, before anything else reads them  |
| `exposition` | numbers of a replica for Prometheus                                              |
| `errors`     | what is wrong with a configuration or a key                                      |
"""

from impl.common.encoding import Digest, NotCanonical, Value, digest, encode
from impl.common.errors import InvalidConfig
from impl.common.identities import ClientId, NodeId
from impl.common.keys import Keys, SymbolicKeys, is_signed_by, signed
from impl.common.results import Refused, StepResult

__all__ = [
    "ClientId",
    "Digest",
    "InvalidConfig",
    "Keys",
    "NodeId",
    "NotCanonical",
    "Refused",
    "StepResult",
    "SymbolicKeys",
    "Value",
    "digest",
    "encode",
    "is_signed_by",
    "signed",
]
