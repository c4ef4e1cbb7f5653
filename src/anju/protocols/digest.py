"""HTTP Digest, both sides: challenges that no process needs to remember, answers of every client met in the field.

A nonce is its issue time and a keyed hash over it, so each process that has the key knows it. Passwords are never
needed here: an account keeps HA1, the MD5 over user, realm and password.
Source: RFC 2617, RFC 2069; GA/T 1400.4 (registration with digest).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from anju.errors import WireError

REALM = "viid"
LIFETIME = timedelta(minutes=15)
_EARLY = timedelta(minutes=1)  # another process's clock may be a little ahead
_LONGEST = 4_096  # characters of a header
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]{0,31})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME = re.compile(r"\bDigest\s+", re.IGNORECASE)
_NOBODY = "0" * 32


class Verdict(StrEnum):
    """What a digest answer proves. STALE: the password is known, the nonce is not fresh; challenge anew with stale."""

    RIGHT = "right"
    STALE = "stale"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An ``Authorization: Digest`` header. Texts are as received, for they are hashed as received."""

    username: str
    nonce: str
    uri: str
    response: str
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    algorithm: str = "MD5"
    realm: str = ""
    opaque: str = ""

    def proves(self, ha1: str, method: str) -> bool:
        """Return whether whoever wrote this knew the password behind ``ha1``; says nothing of nonce and uri."""
        if self.qop.lower() not in {"", "auth"} or self.algorithm.lower() not in {"md5", "md5-sess"}:
            ha1 = secrets.token_hex(16)
        expected = _response(self, ha1.lower(), method)
        return hmac.compare_digest(expected.encode(), self.response.lower().encode("utf-8", "replace"))

    def meant_for(self, target: str) -> bool:
        """Return whether ``uri`` names the request target, in absolute form or not, however percent-encoded."""
        return _normal(self.uri) == _normal(target)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A ``WWW-Authenticate: Digest`` header as a client reads it. ``qop`` is empty where none is offered."""

    realm: str
    nonce: str
    qop: str = ""
    opaque: str = ""
    algorithm: str = ""
    stale: bool = False


class Digests:
    """The server's side. All processes of a node share ``key``; two of them need nothing else in common.

    ``plain`` offers no quality of protection: devices of GB/T 28181 know the oldest form only.
    """

    def __init__(self, key: bytes, *, realm: str = REALM, lifetime: timedelta = LIFETIME, plain: bool = False) -> None:
        self._key, self._realm, self._lifetime, self._plain = key, realm, lifetime, plain
        self._opaque = hmac.new(key, b"opaque " + realm.encode(), hashlib.sha256).hexdigest()[:32]

    def challenge(self, at: datetime, *, stale: bool = False) -> str:
        """Return the value of ``WWW-Authenticate``. Order and plainness matter: some clients read it by pattern."""
        if self._plain:
            head = f'Digest realm="{self._realm}",nonce="{self._nonce(at)}"'
            return f"{head},algorithm=MD5{',stale=true' if stale else ''}"
        told = f'Digest realm="{self._realm}", qop="auth", nonce="{self._nonce(at)}", opaque="{self._opaque}"'
        return f"{told}, algorithm=MD5{', stale=true' if stale else ''}"

    def judge(self, given: Credentials, ha1: str | None, *, method: str, target: str | None, at: datetime) -> Verdict:
        """Say what ``given`` proves about a request; ``ha1`` is None for an unknown account, which takes as long.

        ``target`` None: the digest may name any, as devices of GB/T 28181 write there what they like.
        """
        knows = given.proves(ha1 or _NOBODY, method) and ha1 is not None
        if not knows or not (target is None or given.meant_for(target)):
            return Verdict.WRONG
        return Verdict.RIGHT if self._fresh(given.nonce, at) else Verdict.STALE

    def issued(self, nonce: str, at: datetime) -> bool:
        """Return whether ``nonce`` is one of ours that is still fresh."""
        return self._fresh(nonce, at)

    def _nonce(self, at: datetime) -> str:
        head = f"{int(at.timestamp()):08x}{secrets.token_hex(8)}"
        return head + self._seal(head)

    def _seal(self, head: str) -> str:
        return hmac.new(self._key, head.encode(), hashlib.sha256).hexdigest()[:32]

    def _fresh(self, nonce: str, at: datetime) -> bool:
        head, seal = nonce[:24], nonce[24:]
        if not nonce.isascii() or not hmac.compare_digest(self._seal(head), seal):
            return False
        age = at - datetime.fromtimestamp(int(head[:8], 16), UTC)
        return -_EARLY <= age <= self._lifetime


def ha1(username: str, realm: str, password: str) -> str:
    """Return what an account keeps instead of its password: 32 hexadecimal digits."""
    return _md5(f"{username}:{realm}:{password}")


def read_authorization(header: str) -> Credentials:
    """Return what an ``Authorization`` header (read as Latin-1) claims. Raises WireError where it is no digest."""
    found = _parameters(header)
    if missing := {"username", "nonce", "uri", "response"} - found.keys():
        raise WireError(f"digest without {min(missing)}", data=header.encode("utf-8", "replace")[:64])
    known = {name: _read(found[name]) for name in Credentials.__slots__ if name in found}
    return Credentials(**{**known, "username": re.sub(r"\\(.)", r"\1", _read(found["username"], "gb18030"))})


def read_challenge(header: str) -> Challenge:
    """Return what a ``WWW-Authenticate`` header asks for. Raises WireError where it is no digest challenge.

    Of several methods of protection ``auth`` is taken; another alone is refused.
    """
    found = _parameters(header)
    if missing := {"realm", "nonce"} - found.keys():
        raise WireError(f"challenge without {min(missing)}", data=header.encode("utf-8", "replace")[:64])
    offered = [each.strip().lower() for each in found.get("qop", "").split(",") if each.strip()]
    if (offered and "auth" not in offered) or found.get("algorithm", "MD5").lower() not in {"md5", "md5-sess"}:
        raise WireError("challenge of an unknown kind", data=header.encode("utf-8", "replace")[:64])
    return Challenge(
        realm=found["realm"],
        nonce=found["nonce"],
        qop="auth" if offered else "",
        opaque=found.get("opaque", ""),
        algorithm=found.get("algorithm", ""),
        stale=found.get("stale", "").lower() == "true",
    )


def answered(asked: Challenge, username: str, password: str, *, method: str, uri: str, count: int = 1) -> Credentials:
    """Return a client's answer to ``asked``; ``count`` says how often this nonce has been used, this time included."""
    bare = Credentials(
        username,
        asked.nonce,
        uri,
        "",
        qop=asked.qop,
        nc=f"{count:08x}" if asked.qop else "",
        cnonce=secrets.token_hex(8) if asked.qop or asked.algorithm.lower() == "md5-sess" else "",
        algorithm=asked.algorithm or "MD5",
        realm=asked.realm,
        opaque=asked.opaque,
    )
    return signed(bare, password, method)


def signed(bare: Credentials, password: str, method: str) -> Credentials:
    """Return ``bare`` with the response that its other parts and ``password`` make."""
    values = {name: getattr(bare, name) for name in Credentials.__slots__}
    return Credentials(**{**values, "response": _response(bare, ha1(bare.username, bare.realm, password), method)})


def authorization(given: Credentials) -> str:
    """Return the header that tells ``given``, with the quotes that RFC 2617 asks for."""
    quoted = ("username", "realm", "nonce", "uri", "response", "opaque", "cnonce")
    parts = [f'{name}="{value}"' for name in quoted if (value := getattr(given, name))]
    parts += [f"{name}={value}" for name in ("algorithm", "qop", "nc") if (value := getattr(given, name))]
    return "Digest " + ", ".join(parts)


def _parameters(header: str) -> dict[str, str]:
    start = _SCHEME.search(header) if len(header) <= _LONGEST else None
    if start is None:
        raise WireError("no digest", data=header[:64].encode("utf-8", "replace"))
    found = dict[str, str]()
    for name, quoted, plain in _PARAMETER.findall(header, start.end()):
        found.setdefault(name.lower(), quoted or plain)
    return found


def _read(value: str, *charsets: str) -> str:
    """Undo the header's Latin-1, for what was written in UTF-8 or one of ``charsets``."""
    for charset in ("utf-8", *charsets):
        try:
            return value.encode("latin-1").decode(charset)
        except UnicodeError:
            continue
    return value


def _response(given: Credentials, first: str, method: str) -> str:
    if given.algorithm.lower() == "md5-sess":
        first = _md5(f"{first}:{given.nonce}:{given.cnonce}")
    second = _md5(f"{method}:{given.uri}")
    if not given.qop:
        return _md5(f"{first}:{given.nonce}:{second}")
    return _md5(f"{first}:{given.nonce}:{given.nc}:{given.cnonce}:{given.qop}:{second}")


def _normal(target: str) -> tuple[str, str]:
    try:
        parts = urlsplit(re.sub(r"^/+", "/", target))
    except ValueError:
        return target, ""
    return re.sub(r"/{2,}", "/", unquote(parts.path)).rstrip("/"), unquote(parts.query)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
