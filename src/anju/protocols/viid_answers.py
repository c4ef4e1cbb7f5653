"""Small GA/T 1400 bodies beside the objects: answers, registration, keep-alive, time.

Source: GA/T 1400.4 (ResponseStatus, Register, UnRegister, Keepalive, SystemTime).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from anju.errors import ViidError
from anju.protocols.viid_ids import stamp
from anju.protocols.viid_json import AROUND, decoded, without_mark
from anju.protocols.viid_kinds import KINDS
from anju.protocols.viid_members import Unfit, cleaned, identity, instant, integer, text

OK, OTHER_ERROR, BUSY, DEVICE_ERROR, INVALID_OPERATION = 0, 1, 2, 3, 4
_MOST_BYTES, _MOST_VALUES = 64 * 1024, 1_000


def answer(url: str, results: Sequence[tuple[str, int, str]], at: datetime, *, text_codes: bool = False) -> bytes:
    """Return the answer to a batch: one (id, StatusCode, StatusString) per submitted object, in order.

    ``text_codes`` writes StatusCode as text, as some senders want it.
    Source: GA/T 1400.4 (ResponseStatusList).
    """
    entries = [_status(url, code, words, name, at, text_codes=text_codes) for name, code, words in results]
    return msgspec.json.encode({"ResponseStatusListObject": {"ResponseStatusObject": entries}})


def status(url: str, code: int, words: str, name: str, at: datetime, *, text_codes: bool = False) -> bytes:
    """Return the answer to a single operation.

    Source: GA/T 1400.4 (ResponseStatus).
    """
    return msgspec.json.encode({"ResponseStatusObject": _status(url, code, words, name, at, text_codes=text_codes)})


def _status(url: str, code: int, words: str, name: str, at: datetime, *, text_codes: bool) -> dict[str, Any]:
    return {
        "RequestURL": cleaned(url)[:256],
        "StatusCode": str(code) if text_codes else code,
        "StatusString": cleaned(words)[:256],
        "Id": cleaned(name)[:64],
        "LocalTime": stamp(at),
    }


def system_time(server_id: str, at: datetime, *, mode: str = "1") -> bytes:
    """Return the answer to ``/VIID/System/Time``; ``mode`` 1 is network time, 2 set by hand.

    Source: GA/T 1400.4 (SystemTime).
    """
    told = {"VIIDServerID": server_id, "TimeMode": mode, "LocalTime": stamp(at), "TimeZone": "UTC+08:00"}
    return msgspec.json.encode({"SystemTimeObject": told})


def collection(kind: str, objects: Sequence[dict[str, Any]], *, first: int, total: int) -> bytes:
    """Return the answer to a GET on the collection of ``kind``: the page from the 1-based ``first`` of ``total``."""
    spec = KINDS[kind]
    page = {"RecordStartNo": first, "PageRecordNum": len(objects), "TotalNum": total}
    return msgspec.json.encode({spec.wrapper: {**page, spec.item: list(objects)}})


def parse_sender(body: bytes) -> str:
    """Return the DeviceID of a Register, UnRegister or Keepalive body; "" for an empty body or one without.

    Raises ViidError where it is no JSON, or the identifier could be a path.
    Source: GA/T 1400.4 (registration, keep-alive).
    """
    if not body.strip(AROUND.encode()):
        return ""
    found = _member(body, "DeviceID")
    try:
        return "" if found is None else identity(found, 20, _unnoted) or ""
    except Unfit as error:
        raise ViidError(error.code, error.message, data=body[:64]) from error


def parse_time(body: bytes) -> datetime | None:
    """Return the time in any server's answer to ``/VIID/System/Time``; None where none can be read."""
    try:
        return instant(text(_member(body, "LocalTime") or "", 32, _unnoted) or "")
    except (ViidError, Unfit):
        return None


def parse_statuses(body: bytes) -> list[tuple[str, int]]:
    """Return (id, StatusCode) of each entry of an answer, in order; an empty body says nothing.

    Takes one entry, a list of them, numbers as texts and any wrapper. Raises ViidError where it is no answer.
    """
    if not body.strip(AROUND.encode()):
        return []
    value, _ = decoded(without_mark(body)[0], most_values=100_000)
    while isinstance(value, dict) and "StatusCode" not in value:
        value = next((each for name, each in value.items() if name.startswith("ResponseStatus")), None)
    if value is None:
        raise ViidError(8, "no ResponseStatus", data=body[:64])
    return [_entry(each) for each in (value if isinstance(value, list) else [value])]


def _entry(value: Any) -> tuple[str, int]:
    told = value if isinstance(value, dict) else {}
    code = integer(told.get("StatusCode"), 0, _unnoted)
    return str(told.get("Id") or told.get("ID") or "")[:64], OTHER_ERROR if code is None else code


def _member(body: bytes, name: str) -> Any:
    """Return the member ``name`` of ``body`` or of the object that wraps it."""
    if len(body) > _MOST_BYTES:
        raise ViidError(8, f"more than {_MOST_BYTES} bytes", data=body[:64])
    value, _ = decoded(without_mark(body)[0], most_values=_MOST_VALUES)
    for _ in range(3):
        if not isinstance(value, dict) or name in value:
            break
        value = next((each for each in value.values() if isinstance(each, dict)), None)
    return value.get(name) if isinstance(value, dict) else None


def _unnoted(_flag: str) -> None:
    """Let a flag go where nobody keeps it."""
