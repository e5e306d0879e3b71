"""The file that describes a cluster, as the source document has it (KN, "Configuration").

    nodes:
      - id: 1
        address: "dc1-node1:9001"
        datacenter: "us-east-1"
    consensus:
      protocol: "raft"
      raft:
        heartbeat_interval: "50ms"
        election_timeout: "150ms"
      bft:
        byzantine_threshold: 1
        protocol: "hotstuff"

`cluster` (a name) may stand beside `nodes`. The node with the id 1 is called n1. Each mistake in a file
is one `NodeError` that names the file and the line.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import attrs
import yaml

from node.errors import NodeError

__all__ = ["BFT", "PROTOCOLS", "Place", "Settings", "read_settings", "settings_text"]

#: The protocols that a file may name; `node.protocols` has those that a node of this version runs.
PROTOCOLS: Final = ("raft", "pbft", "hotstuff", "hybrid", "gossip")
#: Those that tolerate Byzantine nodes.
BFT: Final = ("pbft", "hotstuff")
_UNITS: Final = {"ms": 1, "s": 1000}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_FILE_BYTES_MAX: Final = 1 << 20


@attrs.frozen
class Place:
    """A node as the file describes it.

    Attributes:
        number: its id in the file, 1 or more.
        host: where it listens.
        port: the port there.
        datacenter: where it stands, for people.
    """

    number: int
    host: str
    port: int
    datacenter: str = ""

    @property
    def name(self) -> str:
        """Its name: `n1` for the id 1."""
        return f"n{self.number}"


@attrs.frozen
class Settings:
    """A cluster.

    Attributes:
        cluster: its name.
        places: its nodes, in the order of the file.
        protocol: one of `PROTOCOLS`.
        heartbeat_ms: the time between two messages of a leader to a peer.
        election_ms: the shortest election timeout.
        byzantine_threshold: how many nodes may be Byzantine, where the protocol is for that; as many as so
            many nodes tolerate if the file does not say.
        bft_protocol: which protocol a hybrid uses against them.
    """

    places: tuple[Place, ...]
    cluster: str = "cluster"
    protocol: str = "raft"
    heartbeat_ms: int = 50
    election_ms: int = 150
    byzantine_threshold: int | None = None
    bft_protocol: str = "pbft"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(place.name for place in self.places)

    @property
    def faults(self) -> int:
        """The number of nodes that may be Byzantine."""
        most = (len(self.places) - 1) // 3
        return most if self.byzantine_threshold is None else self.byzantine_threshold

    @property
    def flaw(self) -> str:
        """The reason why this cluster cannot run its protocol; empty if it can."""
        if self.protocol not in BFT or self.faults:
            return ""
        return (
            f"{self.protocol} on {len(self.places)} nodes tolerates no Byzantine one, which is what it is "
            "for: use 4 nodes or more (3f + 1) and a threshold of 1 or more, or `protocol: raft`"
        )

    def place(self, name: str) -> Place:
        """Return the node of a name.

        Raises:
            NodeError: there is none.
        """
        for place in self.places:
            if place.name == name:
                return place
        raise NodeError(f"there is no node {name!r} in this cluster: there is {', '.join(self.names)}")


def read_settings(path: Path) -> Settings:
    """Read the file of a cluster.

    Raises:
        NodeError: it cannot be read, or says something that no cluster can be; with the line.
    """
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise NodeError(f"{path} is larger than {_FILE_BYTES_MAX} bytes: it is no file of a cluster")
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError(f"{path} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NodeError(f"{path}:{line}: this is no YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise NodeError(f"{path}: this is no YAML: {error}") from error
    return _Reader(path).settings(root)


def settings_text(settings: Settings) -> str:
    """Return the file that describes a cluster."""
    nodes = [
        {"id": each.number, "address": f"{each.host}:{each.port}"}
        | ({"datacenter": each.datacenter} if each.datacenter else {})
        for each in settings.places
    ]
    raft = {
        "heartbeat_interval": f"{settings.heartbeat_ms}ms",
        "election_timeout": f"{settings.election_ms}ms",
    }
    consensus: dict[str, Any] = {"protocol": settings.protocol, "raft": raft}
    if settings.byzantine_threshold is not None:
        consensus["bft"] = {
            "byzantine_threshold": settings.byzantine_threshold,
            "protocol": settings.bft_protocol,
        }
    said = {"cluster": settings.cluster, "nodes": nodes, "consensus": consensus}
    return yaml.safe_dump(said, sort_keys=False)


class _Reader:
    """Reads the parts of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def settings(self, root: yaml.Node | None) -> Settings:
        """The cluster that the file describes."""
        if root is None:
            raise NodeError(f"{self._path}: the file is empty: list the nodes under `nodes:`")
        top = self._fields(root, ("cluster", "nodes", "consensus"), required=("nodes",))
        places = self._places(top["nodes"])
        found: dict[str, Any] = {"places": places}
        if "cluster" in top:
            found["cluster"] = self._name(top["cluster"])
        if "consensus" in top:
            found |= self._consensus(top["consensus"], len(places))
        settings = Settings(**found)
        if settings.flaw:
            self._fail(top["consensus"], settings.flaw)
        return settings

    def _places(self, node: yaml.Node) -> tuple[Place, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._fail(node, "`nodes` is a list of nodes, each with `id` and `address`")
        places: list[Place] = []
        for item in node.value:
            fields = self._fields(item, ("id", "address", "datacenter"), required=("id", "address"))
            host, port = self._address(fields["address"])
            place = Place(
                self._number(fields["id"], 1, 9999),
                host,
                port,
                self._text(fields["datacenter"]) if "datacenter" in fields else "",
            )
            for other in places:
                if place.number == other.number:
                    self._fail(fields["id"], f"a second node has the id {place.number}: ids are unique")
                if (host, port) == (other.host, other.port):
                    self._fail(
                        fields["address"], f"node {other.number} has the address {host}:{port} as well"
                    )
            places.append(place)
        return tuple(places)

    def _consensus(self, node: yaml.Node, count: int) -> dict[str, Any]:
        fields = self._fields(node, ("protocol", "raft", "bft"))
        found: dict[str, Any] = {}
        if "protocol" in fields:
            found["protocol"] = self._choice(fields["protocol"], PROTOCOLS)
        if "raft" in fields:
            found |= self._raft(fields["raft"])
        if "bft" in fields:
            bft = self._fields(fields["bft"], ("byzantine_threshold", "protocol"))
            if "protocol" in bft:
                found["bft_protocol"] = self._choice(bft["protocol"], BFT)
            if "byzantine_threshold" in bft:
                found["byzantine_threshold"] = self._threshold(bft["byzantine_threshold"], count)
        return found

    def _threshold(self, node: yaml.Node, count: int) -> int:
        threshold = self._number(node, 0, 9999)
        if count < 3 * threshold + 1:
            most = (count - 1) // 3
            self._fail(
                node,
                f"{count} nodes tolerate at most {most} Byzantine ones, not {threshold}: "
                f"{threshold} need {3 * threshold + 1} nodes (3f + 1)",
            )
        return threshold

    def _raft(self, node: yaml.Node) -> dict[str, Any]:
        fields = self._fields(node, ("heartbeat_interval", "election_timeout"))
        found: dict[str, Any] = {}
        if "heartbeat_interval" in fields:
            found["heartbeat_ms"] = self._duration(fields["heartbeat_interval"])
        if "election_timeout" in fields:
            found["election_ms"] = self._duration(fields["election_timeout"])
        heartbeat, election = found.get("heartbeat_ms", 50), found.get("election_ms", 150)
        if election < 2 * heartbeat:
            self._fail(
                fields.get("election_timeout", node),
                f"the election timeout of {election} ms is shorter than two heartbeats of {heartbeat} ms: "
                "one lost heartbeat would start an election",
            )
        return found

    # --- values

    def _fields(
        self, node: yaml.Node, known: Collection[str], *, required: Iterable[str] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"here the keys {', '.join(known)} are expected")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                self._fail(key, f"there is no setting {name!r} here: there is {', '.join(known)}")
            if name in found:
                self._fail(key, f"{name} is set twice")
            found[name] = value
        for name in required:
            if name not in found:
                self._fail(node, f"{name} is missing")
        return found

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, "here one value is expected")
        return str(node.value)

    def _name(self, node: yaml.Node) -> str:
        text = self._text(node)
        if not _NAME.fullmatch(text):
            self._fail(node, f"{text!r} is no name: use up to 63 letters, digits, dashes and underscores")
        return text

    def _number(self, node: yaml.Node, least: int, most: int) -> int:
        text = self._text(node)
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            self._fail(node, f"{text!r} is no number from {least} to {most}")
        return int(text)

    def _choice(self, node: yaml.Node, known: Iterable[str]) -> str:
        text, names = self._text(node), list(known)
        if text not in names:
            self._fail(node, f"there is no protocol {text!r} here: there is {', '.join(names)}")
        return text

    def _duration(self, node: yaml.Node) -> int:
        text = self._text(node)
        match = re.fullmatch(r"(\d{1,7})(ms|s)", text)
        if match is None or int(match[1]) == 0:
            self._fail(node, f"{text!r} is no duration: write 50ms or 2s")
        return int(match[1]) * _UNITS[match[2]]

    def _address(self, node: yaml.Node) -> tuple[str, int]:
        text = self._text(node)
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or len(port) > 5 or not 1 <= int(port) <= 65535:
            self._fail(node, f"{text!r} is no address: write host:port, with a port from 1 to 65535")
        return host, int(port)

    def _fail(self, node: yaml.Node, why: str) -> NoReturn:
        raise NodeError(f"{self._path}:{node.start_mark.line + 1}: {why}")
