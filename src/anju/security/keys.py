"""The node's own key: made once, kept in the data folder outside the database, readable by its owner only."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anju.security.key_files import keep_first


class NodeKeys:
    """Ed25519: signs what goes to the tier above, and the heads of the operator log."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def load_or_make(cls, data: Path) -> "NodeKeys":
        """Return the key under ``data``/keys, made on first use with mode 0600: one for all processes of a node."""
        path = data / "keys" / "node.pem"
        fresh = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = serialization.load_pem_private_key(keep_first(path, fresh), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{path} holds no Ed25519 key")
        return cls(key)

    @property
    def public(self) -> bytes:
        """Return the 32 bytes others check us by."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes."""
        return self._key.sign(message)


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether ``signature`` over ``message`` is of the key ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
