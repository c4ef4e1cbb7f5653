"""Any body under any kind: objects or ViidErrors, nothing unsafe in what is read, one answer for each object.

The first byte chooses between the bytes as they are and a body grown from them, which gets deeper.
Run ``python fuzz/fuzz_viid.py -max_total_time=60``.
"""

import json
import sys
from contextlib import suppress
from typing import Any

import atheris

with atheris.instrument_imports():
    import msgspec

    from anju.errors import ViidError
    from anju.protocols import viid, viid_ids, viid_query

LIMITS = viid.Limits(body=100_000, picture=2_000, objects=50, values=5_000, depth=16, images=4, extras=8)
KINDS = sorted(viid.KINDS)
WORDS = (
    *("", "1", "0", "-", "null", "true", "川HA5Q68", "20261122081530", "2026-11-22 08:15:30Z", "../x", "/9j/4AAQ"),
    *("51080200011190000001022026112208153000001", "510802000111900000010220261122081530000010600001", "\0\ud800"),
    *("http://127.0.0.1/", "//x@[::1", "data:image/jpeg;base64,AA==", "A" * 300, "\\u002b", "９" * 20),
)
NUMBERS = (0, 1, -1, 5.5, 1e308, 2**31, 2**63, 10**47, 20261122081530, float("nan"))


def one(data: bytes) -> None:
    """Read ``data``, or what grows from it, as each small and each large body."""
    source = atheris.FuzzedDataProvider(data)
    kind, strict, grown = source.PickValueInList(KINDS), source.ConsumeBool(), source.ConsumeBool()
    body = _grown(kind, source) if grown else source.ConsumeBytes(100_000)
    with suppress(ViidError):
        _check(viid.read_request(kind, body, strict=strict, limits=LIMITS))
    _small(kind, body)


def _check(found: viid.Request) -> None:
    assert len(found.objects) <= LIMITS.objects
    for each in found.objects:
        if isinstance(each, viid.ViidObject):
            msgspec.json.encode(each.members)
            assert viid_ids.safe(each.object_id)
            assert viid_ids.safe(each.device_id)
            assert not {"Data", "Password", "SubImageList", "IsVictim"} & each.members.keys()
            assert len(each.images) <= LIMITS.images
            assert ("no_time" in each.flags) == (each.at is None and each.kind not in viid.STANDING)
        else:
            assert each.code in {7, 8}
            assert len(each.object_id) <= 64
    viid.answer(
        "/VIID/Faces", [(each.object_id, 0, "OK") for each in found.objects], viid_ids.read_basic(WORDS[11]).made_at
    )


def _small(kind: str, body: bytes) -> None:
    for read in (viid.parse_sender, viid.parse_statuses, viid.parse_time, viid.raw_without_pictures):
        with suppress(ViidError):
            read(body)
    with suppress(ViidError):
        found = viid_query.parse_query(kind, body)
        assert 1 <= found.count <= viid_query.LARGEST_PAGE
        assert found.first >= 1
    for reading in (viid_ids.read_basic, viid_ids.read_seen, viid_ids.read_dealing):
        with suppress(ViidError):
            text = body.decode("latin-1")
            assert str(reading(text)) == text


def _grown(kind: str, source: Any) -> bytes:
    """Return a body with members of the standard, wrapped by the book or not, and cut or bent by the last bytes."""
    spec = viid.KINDS[kind]
    items = [_object(sorted(spec.names.values()), source) for _ in range(source.ConsumeIntInRange(0, 3))]
    shapes = ({spec.wrapper: {spec.item: items}}, {spec.item: items}, items, {spec.wrapper: items[0] if items else {}})
    text = json.dumps(source.PickValueInList(list(shapes)), ensure_ascii=source.ConsumeBool())
    charset = source.PickValueInList(["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    body = text.encode(charset, "replace")
    return body[: source.ConsumeIntInRange(0, len(body))] if source.ConsumeIntInRange(0, 9) == 0 else body


def _object(names: list[str], source: Any) -> dict[str, Any]:
    found = {source.PickValueInList(names): _value(source, 3) for _ in range(source.ConsumeIntInRange(0, 12))}
    if source.ConsumeBool():
        found["SubImageList"] = {"SubImageInfoObject": [{"Data": _value(source, 0), "Type": _value(source, 0)}]}
    if source.ConsumeBool():
        found[source.ConsumeUnicode(12)] = _value(source, 3)
    return found


def _value(source: Any, depth: int) -> Any:
    choice = source.ConsumeIntInRange(0, 6 if depth else 4)
    if choice < 2:
        return source.PickValueInList(list(WORDS))
    if choice == 2:
        return source.ConsumeUnicode(source.ConsumeIntInRange(0, 40))
    if choice == 3:
        return source.PickValueInList([*NUMBERS, None, True, False])
    if choice == 4:
        return source.ConsumeInt(8)
    inner = [_value(source, depth - 1) for _ in range(source.ConsumeIntInRange(0, 3))]
    return inner if choice == 5 else {source.ConsumeUnicode(8): each for each in inner}


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
