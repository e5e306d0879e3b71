"""Signing keys: Ed25519, by which replicas and clients of a Byzantine protocol sign what they say.

A holder's folder has `signing.key` (its secret seed, in hexadecimal, which nobody else may read) and
`signing.json` (name -> public key, in hexadecimal, of all replicas and clients). `cluster init` makes both.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from impl.common.ed25519 import Ed25519Keys, public_key
from impl.common.errors import InvalidConfig
from node.errors import NodeError

__all__ = ["make_keys", "read_keys"]


def make_keys(folders: Mapping[str, Path]) -> None:
    """Make the keys of all replicas and clients of a cluster.

    Args:
        folders: name -> the folder of who has it.
    """
    seeds = {name: secrets.token_bytes(32) for name in folders}
    public = {name: public_key(seed).hex() for name, seed in seeds.items()}
    for name, folder in folders.items():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(folder / "signing.key", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as stream:
            stream.write(seeds[name].hex() + "\n")
        (folder / "signing.json").write_text(json.dumps(public, indent=1), encoding="utf-8")


def read_keys(folder: Path, needed: Iterable[str]) -> Ed25519Keys:
    """Return the keys in a folder.

    Args:
        folder: of a replica or a client.
        needed: who must have a public key.

    Raises:
        NodeError: a file is missing or is none of this kind, others may read the secret one, or somebody has
            no public key.
    """
    secret, public = folder / "signing.key", folder / "signing.json"
    try:
        mode = secret.stat().st_mode & 0o777
        if mode & 0o077:
            raise NodeError(
                f"{secret} has mode {mode:o}, so that others may read this secret key: chmod 600 it"
            )
        seed = bytes.fromhex(secret.read_text(encoding="ascii"))
        said = json.loads(public.read_text(encoding="utf-8"))
        known = {str(name): bytes.fromhex(key) for name, key in said.items()}
        keys = Ed25519Keys(seed, known)
    except (OSError, ValueError, TypeError, AttributeError, InvalidConfig) as error:
        raise NodeError(
            f"the signing keys in {folder} cannot be used: {error}. `python -m node init` makes them for a "
            "cluster whose protocol is pbft or hotstuff"
        ) from error
    if missing := [name for name in needed if name not in known]:
        raise NodeError(f"{public} has no public key of {', '.join(missing)}: restore it from another node")
    return keys
