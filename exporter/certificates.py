"""The certificate that the service shows over TLS, and its key: read, and proved to be what clients take.

What is in the two files is tried by a handshake in memory, which tells all that a client would have against it.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn

from msgspec import Struct

from exporter.events import Instant
from exporter.ownership import open_regular
from exporter.settings import Tls

MAX_BYTES = 1 << 20
"""Of either file."""
_BEGIN = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile("-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""Reasons of OpenSSL where the two are not of one pair, of the same kind or not."""
_OF_THE_CERTIFICATE = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")
"""Reasons of OpenSSL that are not about the key's file."""


class Unusable(Exception):
    """Why a certificate cannot be shown."""

    def __init__(self, key: Literal["cert", "key"], message: str) -> None:
        """`key` is that of `tls` in the configuration of which the file is at fault."""
        super().__init__(message)
        self.key = key


class Certificate(Struct, frozen=True):
    """One that can be shown, with its key."""

    context: ssl.SSLContext
    """For listening: TLS 1.2 and newer."""
    chain: str
    """In PEM, with those that lead to its authority."""
    fingerprint: str
    """SHA-256 of the certificate in DER, hexadecimal: by that the own user's commands know the service."""
    flaw: str | None
    """What clients have against it, whomever they trust: it has expired, perhaps."""
    ends_at: Instant | None
    """Until when it is valid; None where there is a flaw."""
    lacks_issuer: bool
    """Whether nothing leads from it to an authority, though it is not its own."""


def load(tls: Tls) -> Certificate:
    """Read both files.  Raises Unusable."""
    chain, secret = _text(tls.cert, "cert"), _text(tls.key, "key")
    certificates = _CERTIFICATE.findall(chain)
    if not certificates:
        swapped = "; it is a key: cert and key seem to be swapped" if _KEY.search(chain) else ""
        raise Unusable("cert", f"{tls.cert} holds no certificate in PEM, which has a line {_BEGIN}{swapped}")
    if not _KEY.search(secret):
        raise Unusable("key", f"{tls.key} holds no private key in PEM, which has a line -----BEGIN PRIVATE KEY-----")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata="\n".join(certificates))
    except ssl.SSLError as error:
        raise Unusable("cert", f"{tls.cert} holds a certificate that cannot be read: {_why(error)}") from error
    context = _listening(tls)
    shown, flaw = _shown(context, certificates[0])
    lacks_issuer = len(certificates) == 1 and bool(shown) and shown["issuer"] != shown["subject"]
    ends_at = Instant(ssl.cert_time_to_seconds(shown["notAfter"]) * 1000) if shown else None
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificates[0])).hexdigest()
    return Certificate(context, chain, fingerprint, flaw, ends_at, lacks_issuer)


def content_of(path: Path) -> bytes:
    """What is in a file, or of one that is too large the beginning.  Raises OSError."""
    with open_regular(path) as file:
        return file.read(MAX_BYTES + 1)


def _text(path: Path, key: Literal["cert", "key"]) -> str:
    try:
        content = content_of(path)
    except OSError as error:
        raise Unusable(key, f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise Unusable(key, f"{path} is larger than {MAX_BYTES >> 20} MiB, so it is no {key} in PEM")
    return content.decode("ascii", errors="replace")


def _listening(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])

    def ask() -> NoReturn:  # OpenSSL itself would ask at the terminal
        command = f"openssl pkey -in {tls.key} -out NEW"
        raise Unusable("key", f"{tls.key} has a passphrase, which nobody is there to give: {command} takes it away")

    try:
        context.load_cert_chain(tls.cert, tls.key, ask)
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            right = "expected the one that was made with it"
            raise Unusable("key", f"{tls.key} is not the key of the certificate in {tls.cert}: {right}") from error
        if error.reason in _OF_THE_CERTIFICATE:
            raise Unusable("cert", f"{tls.cert} holds a certificate that is too weak: {_why(error)}") from error
        raise Unusable("key", f"{tls.key} holds a private key that cannot be read: {_why(error)}") from error
    except OSError as error:  # gone since
        raise Unusable("key", f"{tls.key} cannot be read: {error.strerror}") from error
    return context


def _shown(listening: ssl.SSLContext, certificate: str) -> tuple[Mapping[str, Any], str | None]:
    """What a client that trusts this very certificate learns from it; nothing, and its flaw, where it takes it not."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    asking.load_verify_locations(cadata=certificate)
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = asking.wrap_bio(ours, theirs), listening.wrap_bio(theirs, ours, server_side=True)
    for _ in range(4):  # flights of a handshake: RFC 8446, 2; RFC 5246, 7.3
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return {}, error.verify_message
            except ssl.SSLError as error:
                return {}, _why(error)
    return client.getpeercert() or {}, None


def _why(error: ssl.SSLError) -> str:
    """In words of OpenSSL."""
    return (error.reason or str(error)).lower().replace("_", " ")
