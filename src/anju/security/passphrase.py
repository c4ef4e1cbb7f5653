"""What leaves a node sealed by a passphrase: credentials in a site file, the keys in a backup.

The key is made by Argon2id; AES-SIV seals the same value to the same bytes, so that two site files compare.
Source: 6.3.2 (access to personal data strictly limited).
"""

import base64
import hashlib
import os

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from anju.domain.site_file import SEALED, Sealing
from anju.errors import Invalid

LEAST = 12  # characters
SALT_BYTES = 16
_CHECK = (b"anju", b"check")


class Passphrase:
    """A key out of a passphrase. Making one takes about a tenth of a second and 64 MiB."""

    def __init__(self, words: str, salt: bytes) -> None:
        """Raise Invalid where ``words`` are too short to keep anything."""
        if len(words) < LEAST:
            raise Invalid("short_passphrase", f"a passphrase has at least {LEAST} characters")
        key = hash_secret_raw(
            words.encode(), salt, time_cost=3, memory_cost=65_536, parallelism=1, hash_len=64, type=Type.ID
        )
        self.salt, self._siv = salt, AESSIV(key)

    @classmethod
    def fresh(cls, words: str) -> "Passphrase":
        """Return a key with a salt of its own."""
        return cls(words, os.urandom(SALT_BYTES))

    @classmethod
    def of_node(cls, words: str, node_id: str) -> "Passphrase":
        """Return the key whose salt is the node's: its site files of one passphrase compare line by line."""
        return cls(words, hashlib.sha256(f"anju site file\n{node_id}".encode()).digest()[:SALT_BYTES])

    @classmethod
    def proven(cls, words: str, sealing: Sealing) -> "Passphrase":
        """Return the key that ``sealing`` was made by. Raises Invalid ``wrong_passphrase``."""
        try:
            found = cls(words, base64.b64decode(sealing.salt, validate=True))
            found.open(sealing.check, _CHECK[1].decode())
        except (Invalid, ValueError) as error:
            raise Invalid("wrong_passphrase", "this is not the passphrase it was sealed with") from error
        return found

    @property
    def sealing(self) -> Sealing:
        """Return what a reader needs besides the passphrase."""
        return Sealing(base64.b64encode(self.salt).decode(), self.seal(_CHECK[0], _CHECK[1].decode()))

    def seal(self, value: bytes, about: str) -> str:
        """Return ``value`` as text that opens for ``about`` only."""
        return SEALED + base64.b64encode(self._siv.encrypt(value, [about.encode()])).decode()

    def open(self, text: str, about: str) -> bytes:
        """Return what was sealed. Raises Invalid where it was changed, moved, or sealed by another passphrase."""
        try:
            return self._siv.decrypt(base64.b64decode(text.removeprefix(SEALED), validate=True), [about.encode()])
        except (InvalidTag, ValueError) as error:
            raise Invalid("cannot_open", f"{about} cannot be opened with this passphrase") from error
