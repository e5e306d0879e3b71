"""Ed25519 signatures (RFC 8032) by the `cryptography` library, the only module that needs it.

Keys are made of seeds of 32 bytes, which are the host's to draw and to keep secret: nothing here is
random, and Ed25519 signs the same content the same way each time.
"""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from impl.common.errors import InvalidConfig

__all__ = ["Ed25519Keys", "public_key"]

_SEED_BYTES = 32


def public_key(seed: bytes) -> bytes:
    """The public key, 32 bytes, that belongs to a secret seed.

    Raises:
        InvalidConfig: if the seed has not 32 bytes.
    """
    return _private(seed).public_key().public_bytes_raw()


def _private(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != _SEED_BYTES:
        raise InvalidConfig(
            f"a seed has {len(seed)} bytes: draw {_SEED_BYTES} from a source of true randomness"
        )
    return Ed25519PrivateKey.from_private_bytes(seed)


class Ed25519Keys:
    """The secret key of one replica or client, and the public keys of all.

    Args:
        seed: the secret of whose keys these are, 32 bytes.
        public_keys: the public key of each replica and client, 32 bytes each.

    Raises:
        InvalidConfig: if the seed or a public key has not 32 bytes.
    """

    def __init__(self, seed: bytes, public_keys: Mapping[str, bytes]) -> None:
        self._private = _private(seed)
        self._public: dict[str, Ed25519PublicKey] = {}
        for name, key in public_keys.items():
            if len(key) != _SEED_BYTES:
                raise InvalidConfig(
                    f"the public key of {name!r} has {len(key)} bytes: it must have {_SEED_BYTES}"
                )
            self._public[name] = Ed25519PublicKey.from_public_bytes(key)

    def sign(self, content: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._private.sign(content)

    def verify(self, signer: str, content: bytes, signature: bytes) -> bool:
        """Return whether this is `signer`'s signature on the bytes; False for an unknown signer."""
        key = self._public.get(signer)
        if key is None:
            return False
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True
