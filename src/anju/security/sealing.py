"""Field encryption: AES-256-GCM with a key outside the database.

Source: 6.3.2 (access to personal data strictly limited).
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anju.errors import ConfigError, Invalid

KEY_BYTES = 32
NONCE_BYTES = 12
FORM = b"\x01"  # first byte of every sealed value: AES-256-GCM, key 1


class Sealer:
    """Seals small values for the database: device credentials, phones, one-time-password secrets."""

    def __init__(self, keys: Path) -> None:
        """Take the key from folder ``keys``; on first use it is made there, for its owner's eyes only (0600)."""
        self._aead = AESGCM(key_in(keys / "fields.key"))

    def seal(self, value: bytes, about: str) -> bytes:
        """Return ``value`` sealed. ``about`` names the row and field it belongs to: it opens nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return FORM + nonce + self._aead.encrypt(nonce, value, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Return what was sealed. Raises Invalid where it was changed, moved, or sealed with another key."""
        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != FORM:
                raise InvalidTag
            return self._aead.decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError) as error:
            raise Invalid("cannot_open", f"{about} cannot be opened with this node's key") from error


def key_in(path: Path) -> bytes:
    """Return the 32 bytes in ``path``, made on first use for its owner's eyes only (0600). Raises ConfigError."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} holds {len(key)} bytes, not {KEY_BYTES}: restore it from a backup.")
    return key


def _make(path: Path) -> None:
    """Write a fresh key; where another process is faster, its key stays."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(AESGCM.generate_key(KEY_BYTES * 8))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(part)
    except FileExistsError:
        pass
    finally:
        part.unlink()
