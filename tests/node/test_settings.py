"""The file of a cluster: the source document's as it stands, and each mistake with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import NodeError
from node.settings import Place, read_settings, settings_text

KN = (Path(__file__).parent / "kn.yaml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    path = folder / "cluster.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_of_the_source_document_is_read_as_it_stands(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, KN))
    assert settings.names == ("n1", "n2", "n3", "n4", "n5")
    assert settings.places[2] == Place(3, "dc2-node1", 9001, "us-west-2")
    assert (settings.protocol, settings.bft_protocol, settings.byzantine_threshold) == (
        "hybrid",
        "hotstuff",
        1,
    )
    assert (settings.heartbeat_ms, settings.election_ms) == (50, 150)


def test_a_written_file_is_read_as_it_was_meant(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, KN.replace("hybrid", "raft").partition("  bft:")[0]))
    assert read_settings(written(tmp_path, settings_text(settings))) == settings


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("id: 2", "id: 1", 6, "a second node has the id 1"),
        ('"dc1-node2:9001"', '"dc1-node1:9001"', 7, "node 1 has the address dc1-node1:9001 as well"),
        ('"dc1-node2:9001"', '"dc1-node2"', 7, "write host:port"),
        ('"dc1-node2:9001"', '"dc1-node2:90010"', 7, "a port from 1 to 65535"),
        ("byzantine_threshold: 1", "byzantine_threshold: 2", 28, "5 nodes tolerate at most 1 Byzantine"),
        ("byzantine_threshold", "byzantine_treshold", 28, "there is no setting 'byzantine_treshold'"),
        ('"hybrid"', '"paxos"', 23, "there is no protocol 'paxos'"),
        ('"150ms"', '"80ms"', 26, "shorter than two heartbeats"),
        ('"50ms"', '"50"', 25, "is no duration"),
        ("id: 3", "id: x", 10, "'x' is no number"),
        ('    datacenter: "us-west-2"', "    id: 3", 12, "id is set twice"),
        ("nodes:", "nodes: [", 2, "this is no YAML"),
        ('"hotstuff"', "[", 30, "this is no YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in KN
    with pytest.raises(NodeError) as caught:
        read_settings(written(tmp_path, KN.replace(old, new, 1)))
    message = str(caught.value)
    assert reason in message
    assert int(message.split(":")[1]) == line, message


@pytest.mark.parametrize("text", ["", "nodes: []", "nodes: 7", "- 1", "consensus: {}", "nodes:\n  - id: 1\n"])
def test_a_file_without_nodes_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NodeError):
        read_settings(written(tmp_path, text))


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
def test_any_text_is_settings_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.getbasetemp(), text)
    with pytest.raises(NodeError):
        read_settings(path)
