"""Signatures behind a small interface, and the part of a message that is signed.

The paper assumes that no faulty node can forge a signature, or find two values with one digest
(paper, section 2). The core is given `Keys` in its configuration: Ed25519 in a cluster
(`impl.common.ed25519`), symbolic ones where states are compared and runs repeated. Both are
deterministic: to sign the same content again gives the same signature.
"""

import hashlib
from typing import Any, Protocol, TypeVar

import attrs

from impl.common.encoding import encode

__all__ = ["Keys", "Signed", "SymbolicKeys", "is_signed_by", "signed"]


class Signed(Protocol):
    """A message, an attrs class, with a signature on all its other fields."""

    @property
    def signature(self) -> bytes:
        """The signature."""
        ...


AnyMessage = TypeVar("AnyMessage", bound=Signed)


class Keys(Protocol):
    """The keys of one replica or client: its own secret key, and the public keys of all."""

    def sign(self, content: bytes) -> bytes:
        """The signature on some bytes with the own secret key. The same bytes give the same signature."""
        ...

    def verify(self, signer: str, content: bytes, signature: bytes) -> bool:
        """Return whether this is `signer`'s signature on the bytes; False if its public key is not known.

        Never raises, whatever the signature is.
        """
        ...


@attrs.frozen
class SymbolicKeys:
    """Deterministic signatures without cryptography, for models and tests only.

    They are quick, short and the same in every run.

    A signature is a digest of the signer and the content. Through this interface one can sign only in the
    name of `name`, which suffices for a model of signatures; computing the digest directly forges it.

    Attributes:
        name: whose keys these are.
    """

    name: str

    def sign(self, content: bytes) -> bytes:
        """The signature of `name`."""
        return _mark(self.name, content)

    def verify(self, signer: str, content: bytes, signature: bytes) -> bool:
        """Return whether this is `signer`'s signature on the bytes. Every name is known."""
        return signature == _mark(signer, content)


def _mark(signer: str, content: bytes) -> bytes:
    name = signer.encode()
    return hashlib.sha256(b"%d:%b:%b" % (len(name), name, content)).digest()[:16]


def signed(message: AnyMessage, keys: Keys) -> AnyMessage:
    """The message, signed with these keys over all fields but the signature."""
    plain: Any = message  # of whichever class of messages
    made: AnyMessage = attrs.evolve(plain, signature=keys.sign(encode(message, without="signature")))
    return made


def is_signed_by(signer: str, message: Signed, keys: Keys) -> bool:
    """Return whether `signer` signed this message; its fields must be of the right types."""
    return keys.verify(signer, encode(message, without="signature"), message.signature)
