"""Connections: who may connect, what may come, how much may wait."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from node import transport
from node.authority import Authority, Credentials, Holder
from node.errors import BadFrame, NodeError
from node.transport import Connection, Link, framed, serve

LIMIT_S = 20


class Peers:
    """Credentials of a cluster, and of another one."""

    def __init__(self, folder: Path) -> None:
        own, other = Authority(folder / "own", "cluster"), Authority(folder / "other", "cluster")
        self.n1 = own.issue(folder / "n1", "node", "n1")
        self.n2 = own.issue(folder / "n2", "node", "n2")
        self.client = own.issue(folder / "c1", "client", "c1")
        self.stranger = other.issue(folder / "stranger", "node", "n2")
        self.foreign = Authority(folder / "own", "another").issue(folder / "foreign", "node", "n2")


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Peers:
    return Peers(tmp_path_factory.mktemp("peers"))


def with_server(peers: Peers, talk: Callable[[int], Awaitable[None]]) -> list[tuple[Holder, bytes | str]]:
    """Return all that the server of n1 saw while `talk` ran: senders, bodies, reasons of closing."""
    seen: list[tuple[Holder, bytes | str]] = []

    async def handle(connection: Connection) -> None:
        try:
            while (body := await connection.read()) is not None:
                seen.append((connection.holder, body))
        except BadFrame as error:
            seen.append((connection.holder, str(error)))
            raise

    async def run() -> None:
        server = await serve(("127.0.0.1", 0), peers.n1.server_context(), "cluster", handle)
        await talk(server.sockets[0].getsockname()[1])
        await asyncio.sleep(0.1)
        server.close()

    asyncio.run(asyncio.wait_for(run(), LIMIT_S))
    return seen


async def connected(link: Link) -> None:
    while not link.is_up:  # noqa: ASYNC110 - a link tells nobody
        await asyncio.sleep(0.01)


async def sent(port: int, context: ssl.SSLContext, data: bytes) -> bytes:
    """Return all that comes back until the server closes the connection, or half a second has passed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(data)
    try:
        async with asyncio.timeout(0.5):
            return await reader.read(100)
    except TimeoutError:
        return b"open"
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(("role", "name"), [("node", "n2"), ("client", "c1")])
def test_who_connects_is_who_the_certificate_names(peers: Peers, role: str, name: str) -> None:
    credentials = peers.n2 if role == "node" else peers.client

    async def talk(port: int) -> None:
        assert await sent(port, credentials.client_context(), framed(b"hello")) == b"open"

    assert with_server(peers, talk) == [(Holder("cluster", role, name), b"hello")]


@pytest.mark.parametrize("name", ["stranger", "foreign"])
def test_a_certificate_of_another_authority_or_cluster_is_refused(peers: Peers, name: str) -> None:
    credentials: Credentials = getattr(peers, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(peers.n1.authority)
    context.load_cert_chain(credentials.certificate, credentials.key)

    async def talk(port: int) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await sent(port, context, framed(b"hello")) != b"open"

    assert with_server(peers, talk) == []


def test_who_has_no_certificate_is_refused(peers: Peers) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(peers.n1.authority)

    async def talk(port: int) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await sent(port, context, framed(b"hello")) != b"open"

    assert with_server(peers, talk) == []


def test_tls_1_2_is_refused(peers: Peers) -> None:
    context = peers.n2.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def talk(port: int) -> None:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await sent(port, context, b"")

    assert with_server(peers, talk) == []


def test_a_frame_that_announces_too_much_closes_the_connection(peers: Peers) -> None:
    async def talk(port: int) -> None:
        assert await sent(port, peers.n2.client_context(), b"\xff\xff\xff\xff") != b"open"

    ((_, reason),) = with_server(peers, talk)
    assert "4294967295 bytes is announced" in str(reason)


def test_a_frame_that_does_not_end_closes_the_connection(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_PATIENCE_S", 0.2)

    async def talk(port: int) -> None:
        assert await sent(port, peers.n2.client_context(), b"\x00\x00\x00\x09slow") != b"open"

    ((_, reason),) = with_server(peers, talk)
    assert "did not end within 0.2 s" in str(reason)


def test_a_link_sends_to_its_peer_and_to_nobody_else(peers: Peers) -> None:
    async def talk(port: int) -> None:
        right = Link(Holder("cluster", "node", "n1"), ("127.0.0.1", port), peers.n2.client_context())
        wrong = Link(Holder("cluster", "node", "n3"), ("127.0.0.1", port), peers.n2.client_context())
        tasks = [asyncio.create_task(link.keep()) for link in (right, wrong)]
        await connected(right)
        await asyncio.sleep(0.3)
        assert right.send(framed(b"one"))
        assert not wrong.send(framed(b"two"))
        assert (right.lost, wrong.lost) == (0, 1)
        for task in tasks:
            task.cancel()

    assert with_server(peers, talk) == [(Holder("cluster", "node", "n2"), b"one")]


def test_a_link_to_a_peer_that_does_not_read_keeps_a_bounded_buffer(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "BUFFER_BYTES", 1 << 16)

    async def run() -> None:
        release = asyncio.Event()

        async def handle(_: Connection) -> None:
            await release.wait()

        server = await serve(("127.0.0.1", 0), peers.n1.server_context(), "cluster", handle)
        port = server.sockets[0].getsockname()[1]
        link = Link(Holder("cluster", "node", "n1"), ("127.0.0.1", port), peers.n2.client_context())
        task = asyncio.create_task(link.keep())
        await connected(link)
        frame = framed(b"x" * (1 << 15))
        for _ in range(600):
            link.send(frame)
            await asyncio.sleep(0)
        assert link.lost > 0
        release.set()
        task.cancel()
        server.close()

    asyncio.run(asyncio.wait_for(run(), LIMIT_S))


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    credentials = Authority(tmp_path, "cluster").issue(tmp_path / "n1", "node", "n1")
    assert credentials.key.stat().st_mode & 0o777 == 0o600
    credentials.key.chmod(0o644)
    with pytest.raises(NodeError, match="chmod 600"):
        credentials.server_context()


def test_a_key_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    credentials = Authority(tmp_path, "cluster").issue(tmp_path / "n1", "node", "n1")
    credentials.key.unlink()
    with pytest.raises(NodeError, match="node init"):
        credentials.client_context()
