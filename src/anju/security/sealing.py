"""Field encryption: AES-256-GCM with a key outside the database.

Source: 6.3.2 (access to personal data strictly limited).
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anju.errors import ConfigError, Invalid
from anju.security.key_files import keep_first

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
    key = keep_first(path, AESGCM.generate_key(KEY_BYTES * 8))
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} holds {len(key)} bytes, not {KEY_BYTES}: restore it from a backup.")
    return key
