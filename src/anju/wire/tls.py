"""Self-made certificates and the contexts that pin them. Docking is always TLS; trust is a fingerprint, not a CA."""

import asyncio
import contextlib
import hashlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anju.errors import UpperAway

DAYS = 3650
HANDSHAKE_S = 10.0


def make_certificate(name: str, folder: Path, *, now: datetime) -> tuple[Path, Path]:
    """Return (certificate, key) files under ``folder``, made once for node ``name``; the key is 0600."""
    certificate, key = folder / "docking.crt", folder / "docking.key"
    if not (certificate.exists() and key.exists()):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = ec.generate_private_key(ec.SECP256R1())
        _write(key, _key_pem(secret))
        _write(certificate, _self_signed(secret, name, now).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def fingerprint(pem: str) -> str:
    """Return the certificate's SHA-256 as upper-case hex pairs, as both screens show it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


def pinned(pem: str) -> ssl.SSLContext:
    """Return a client context that trusts exactly the certificate ``pem``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is pinned; tiers move between addresses
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=pem)
    return context


async def shown_certificate(host: str, port: int) -> str:
    """Return the PEM a server shows, unchecked: only to compare its fingerprint. Raises UpperAway."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as error:
        raise UpperAway(f"{host}:{port}: {error}") from error
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return ssl.DER_cert_to_PEM_cert(der)
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


def _self_signed(secret: ec.EllipticCurvePrivateKey, name: str, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    start = now.astimezone(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(subject, subject, secret.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=DAYS))
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        secret, hashes.SHA256()
    )


def _key_pem(secret: ec.EllipticCurvePrivateKey) -> bytes:
    return secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
