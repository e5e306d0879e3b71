"""The authority of a cluster: certificates that say who their holders are.

A certificate holds one name, the URI `consensus://CLUSTER/ROLE/NAME`, where the role is `node` or
`client`. Who connects is who the certificate says, and nobody else: a client's certificate does not make
a node, a node's does not make another one, and that of another cluster counts for nothing. Host names
play no part, for nodes move.
"""

import datetime as dt
import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.errors import NodeError

__all__ = ["Authority", "Credentials", "Holder", "holder_of"]

_SCHEME: Final = "consensus://"
_YEARS: Final = dt.timedelta(days=3650)
_SKEW: Final = dt.timedelta(minutes=5)


@attrs.frozen
class Holder:
    """The holder of a certificate.

    Attributes:
        cluster: the name of its cluster.
        role: `node` or `client`.
        name: its name there.
    """

    cluster: str
    role: str
    name: str

    @property
    def uri(self) -> str:
        """The name in its certificate."""
        return f"{_SCHEME}{self.cluster}/{self.role}/{self.name}"


def holder_of(certificate: Mapping[str, Any] | None) -> Holder | None:
    """Return the holder of a certificate as `ssl` shows it; None if it is not of this kind."""
    names = (certificate or {}).get("subjectAltName", ())
    uris = [str(value) for kind, value in names if kind == "URI"]
    if len(uris) != 1 or not uris[0].startswith(_SCHEME):
        return None
    parts = uris[0].removeprefix(_SCHEME).split("/")
    return Holder(*parts) if len(parts) == 3 and all(parts) else None


@attrs.frozen
class Credentials:
    """The files by which a node or a client says who it is.

    Attributes:
        authority: the certificates that are believed.
        certificate: its own.
        key: its private key, which nobody else may read.
    """

    authority: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the context in which others connect to it.

        Raises:
            NodeError: a file is missing, is none of this kind, or may be read by others.
        """
        return self._context(ssl.PROTOCOL_TLS_SERVER)

    def client_context(self) -> ssl.SSLContext:
        """Return the context in which it connects; who answers is up to the caller, by `holder_of`.

        Raises:
            NodeError: as `server_context`.
        """
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, side: int) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._check_mode()
        try:
            context.load_verify_locations(self.authority)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise NodeError(
                f"the certificate {self.certificate} with the key {self.key} and the authority "
                f"{self.authority} cannot be used: {error}. `python -m node init` makes them"
            ) from error
        return context

    def _check_mode(self) -> None:
        try:
            mode = self.key.stat().st_mode & 0o777
        except OSError as error:
            raise NodeError(
                f"{self.key} cannot be read: {error.strerror}. `python -m node init` makes keys"
            ) from error
        if mode & 0o077:
            raise NodeError(
                f"{self.key} has mode {mode:o}, so that others may read this private key: chmod 600 it"
            )


class Authority:
    """A certificate authority, kept in a folder as `authority.pem` and `authority.key`.

    Args:
        folder: the folder; the authority is made if there is none in it.
        cluster: the name of the cluster.

    Raises:
        NodeError: there is one that cannot be read.
    """

    def __init__(self, folder: Path, cluster: str) -> None:
        self.cluster = cluster
        self.path = folder / "authority.pem"
        key_path = folder / "authority.key"
        if self.path.exists():
            try:
                self._certificate = x509.load_pem_x509_certificate(self.path.read_bytes())
                key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
            except (OSError, ValueError, TypeError) as error:
                raise NodeError(
                    f"the authority in {folder} cannot be read: {error}. Give another folder to `init`, or "
                    "restore authority.pem and authority.key"
                ) from error
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise NodeError(f"{key_path} is no key of an elliptic curve, as `init` makes them")
            self._key = key
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {cluster}")])
        self._certificate = (
            _builder(name, name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write(self.path, self._certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(key_path, _private(self._key), 0o600)

    def issue(self, folder: Path, role: str, name: str) -> Credentials:
        """Make a key and a certificate for a node or a client, in a folder, in place of those there.

        Args:
            folder: the holder's folder, made if it is not there.
            role: `node` or `client`.
            name: its name.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if role == "node":
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
        uri = x509.UniformResourceIdentifier(Holder(self.cluster, role, name).uri)
        local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            _builder(subject, self._certificate.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName([uri, local]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        found = Credentials(folder / "authority.pem", folder / "own.pem", folder / "own.key")
        _write(found.key, _private(key), 0o600)
        _write(found.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(found.authority, self.path.read_bytes(), 0o644)
        return found


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _YEARS)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
