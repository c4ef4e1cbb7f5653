"""Addresses inside messages of others: judged as text, never fetched.

Source: 7-d (hostile input); GA/T 1400.3 (StoragePath, StorageUrl).
"""

import ipaddress
import re
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CLIMBS = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")
_NUMBER = re.compile(r"0x[0-9a-f]+|[0-9]+")
_INSIDE = ("localhost", ".local", ".internal", ".localdomain", ".lan", ".home", ".corp")


def judge_address(text: str) -> str:
    """Return "" for a plain path or a public http address, else what is wrong with ``text``.

    ``path_traversal``, ``scheme``, ``userinfo``, ``inside`` (loopback, link-local, private, a name of this network)
    or ``malformed``.
    """
    plain = unquote(unquote(text))
    if _CLIMBS.search(plain.partition("?")[0]):
        return "path_traversal"
    if not (_SCHEME.match(plain) or plain.startswith(("//", "\\\\", "/\\", "\\/"))):
        return ""
    return _judge_url(plain)


def _judge_url(text: str) -> str:
    try:
        parts = urlsplit(text.replace("\\", "/"))
        host = parts.hostname or ""
    except ValueError:
        return "malformed"
    if parts.scheme not in {"http", "https"}:
        return "scheme"
    if "@" in parts.netloc:
        return "userinfo"
    return "inside" if _inside(host.rstrip(".")) else ""


def _inside(host: str) -> bool:
    if not host or host.startswith("localhost") or host.endswith(_INSIDE):
        return True
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _shorthand(host) or "." not in host
    mapped = getattr(found, "ipv4_mapped", None)
    return not (mapped or found).is_global


def _shorthand(host: str) -> bool:
    """Return whether ``host`` is an address in one of the old forms: 2130706433, 0x7f.1, 0177.0.0.1."""
    return all(_NUMBER.fullmatch(each) for each in host.lower().split("."))
