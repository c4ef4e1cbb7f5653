"""What may be kept of a body that was refused: its shape and what is known to name nobody.

A body nobody could read is not sealed with a record, and any member may hold a person: only members of the standard
that name no person keep their values.
Source: 6.3.2-c (personal data is not disclosed).
"""

import re

from anju.protocols.viid_kinds import KINDS
from anju.protocols.viid_members import PERSONAL, SUB_IMAGE

MASK = b'"***"'
_FREE = {"Title", "TitleNote", "SpecialIName", "Keyword", "ContentDescription", "SubjectCharacter", "Desc", "UserId"}
_TOLD = {name for kind in KINDS.values() for name in kind.table} | set(SUB_IMAGE) | {"Data", "IDList", "TimeZone"}
HARMLESS = frozenset(name.lower().encode() for name in _TOLD - PERSONAL - _FREE)
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)("?)(\s*:)?|(?<![\w"])[^\s,:{}\[\]"]+', re.DOTALL)
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_.]{0,63}")


def without_persons(body: bytes) -> bytes:
    """Return JSON ``body``, however broken, with every value starred out whose member may name a person."""
    kept = False  # whether values of the member read last may stay

    def shown(found: re.Match[bytes]) -> bytes:
        nonlocal kept
        text, end, colon = found[1], found[2], found[3]
        if text is None or not colon:
            return found[0] if kept else MASK
        kept = end == b'"' and text.lower() in HARMLESS
        return found[0] if _NAME.fullmatch(text) else MASK + colon

    return _TOKEN.sub(shown, body)
