"""Java's remote calls, bound to one address of this machine instead of all of them.

RMI listens on every interface, authenticates nobody, and has no option against it: only a subclass of
`RMISocketFactory` decides where it listens. JPype implements interfaces, not classes, and no Java
compiler is required here, so this one class of three methods is assembled by hand.
"""

import struct
from pathlib import Path

import jpype

__all__ = ["HOST_PROPERTY", "bind"]

#: The system property with the address under which others reach this process.
HOST_PROPERTY = "java.rmi.server.hostname"

_NAME = "TlacheckSockets"
#: The classes accepted over the network: those that TLC's processes exchange, and no others.
_WELCOME = "java.**;jdk.proxy*;com.sun.proxy.*;tlc2.**;tla2sany.**;util.**;!*"

_FACTORY = "java/rmi/server/RMISocketFactory"
_SOCKET, _SERVER, _ADDRESS = "java/net/Socket", "java/net/ServerSocket", "java/net/InetAddress"

# The JVM instructions used.
_ALOAD_0, _ALOAD_1, _ILOAD_1, _ILOAD_2 = b"\x2a", b"\x2b", b"\x1b", b"\x1c"
_NEW, _DUP, _BACKLOG, _RETURN, _ARETURN = b"\xbb", b"\x59", b"\x10\x32", b"\xb1", b"\xb0"
_LDC, _VIRTUAL, _SPECIAL, _STATIC = b"\x13", b"\xb6", b"\xb7", b"\xb8"


def bind(host: str, folder: Path) -> None:
    """Make this JVM serve remote calls on `host` only, and accept only TLC's classes.

    Args:
        host: an address of this machine.
        folder: a private folder, for the class.
    """
    jpype.JClass("java.lang.System").setProperty(HOST_PROPERTY, host)
    incoming = jpype.JClass("java.io.ObjectInputFilter").Config
    incoming.setSerialFilter(incoming.createFilter(_WELCOME))
    (folder / f"{_NAME}.class").write_bytes(_factory())
    place = jpype.JClass("java.io.File")(f"{folder}/").toURI().toURL()
    loader = jpype.JClass("java.net.URLClassLoader")(jpype.JClass("java.net.URL")[:]([place]))
    jpype.JClass("java.rmi.server.RMISocketFactory").setSocketFactory(jpype.JClass(loader.loadClass(_NAME))())


class _Constants:
    """The constant pool of a class file: every constant once, numbered from 1."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def text(self, text: str) -> bytes:
        return self._number(b"\x01" + _u2(len(text)) + text.encode("ascii"))

    def type(self, name: str) -> bytes:
        return self._number(b"\x07" + self.text(name))

    def string(self, text: str) -> bytes:
        return self._number(b"\x08" + self.text(text))

    def method(self, owner: str, name: str, signature: str) -> bytes:
        named = self._number(b"\x0c" + self.text(name) + self.text(signature))
        return self._number(b"\x0a" + self.type(owner) + named)

    def _number(self, constant: bytes) -> bytes:
        return _u2(self._numbers.setdefault(constant, len(self._numbers) + 1))

    def __bytes__(self) -> bytes:
        return _u2(len(self._numbers) + 1) + b"".join(self._numbers)


def _factory() -> bytes:
    """Return the class file.

    The address of a server socket is looked up when it is made: `InetAddress.getByName` of the
    property. `50` is Java's own number of callers that may wait.
    """
    pool = _Constants()
    make = _method(
        pool, "<init>", "()V", _ALOAD_0 + _SPECIAL + pool.method(_FACTORY, "<init>", "()V") + _RETURN
    )
    call = _method(
        pool,
        "createSocket",
        f"(Ljava/lang/String;I)L{_SOCKET};",
        _NEW + pool.type(_SOCKET) + _DUP + _ALOAD_1 + _ILOAD_2
        + _SPECIAL + pool.method(_SOCKET, "<init>", "(Ljava/lang/String;I)V") + _ARETURN,
    )  # fmt: skip
    listen = _method(
        pool,
        "createServerSocket",
        f"(I)L{_SERVER};",
        _NEW + pool.type(_SERVER) + _DUP + _ILOAD_1 + _BACKLOG
        + _LDC + pool.string(HOST_PROPERTY)
        + _STATIC + pool.method("java/lang/System", "getProperty", "(Ljava/lang/String;)Ljava/lang/String;")
        + _STATIC + pool.method(_ADDRESS, "getByName", f"(Ljava/lang/String;)L{_ADDRESS};")
        + _SPECIAL + pool.method(_SERVER, "<init>", f"(IIL{_ADDRESS};)V") + _ARETURN,
    )  # fmt: skip
    names = pool.type(_NAME) + pool.type(_FACTORY)
    # Java 8's format, public; no interfaces, no fields, three methods, no attributes.
    head = b"\xca\xfe\xba\xbe" + _u2(0) + _u2(52) + bytes(pool) + _u2(0x21) + names + _u2(0) + _u2(0)
    return head + _u2(3) + make + call + listen + _u2(0)


def _method(pool: _Constants, name: str, signature: str, code: bytes) -> bytes:
    stack_and_locals = _u2(6) + _u2(3)
    body = stack_and_locals + struct.pack(">I", len(code)) + code + _u2(0) + _u2(0)
    attribute = pool.text("Code") + struct.pack(">I", len(body)) + body
    return _u2(1) + pool.text(name) + pool.text(signature) + _u2(1) + attribute


def _u2(number: int) -> bytes:
    return struct.pack(">H", number)
