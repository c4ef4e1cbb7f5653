"""The key that wraps the keys of pictures: kept in the data folder, outside the database that holds what it wraps.

Source: 6.3.2 (personal data unreadable without rights).
"""

from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from anju.errors import Damaged
from anju.security.sealing import key_in

FORM = b"\x01"  # first byte of every wrapped key: AES key wrap (RFC 3394), master key 1


class BlobKeys:
    """Wraps and unwraps the key of one picture at a time.

    RFC 3394 takes no nonce, so one master key wraps as many keys as a city makes.
    """

    def __init__(self, keys: Path) -> None:
        """Take the master key from folder ``keys``; made there on first use. Raises ConfigError."""
        self._master = key_in(keys / "pictures.key")

    def wrap(self, key: bytes) -> bytes:
        """Return ``key`` (32 bytes) as it may stand in the database: 41 bytes."""
        return FORM + aes_key_wrap(self._master, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key. Raises Damaged where it was changed or wrapped by another node's key."""
        try:
            if wrapped[:1] != FORM:
                raise InvalidUnwrap
            return aes_key_unwrap(self._master, wrapped[1:])
        except InvalidUnwrap as error:
            raise Damaged("wrong_key", "the picture's key does not open with this node's key") from error
