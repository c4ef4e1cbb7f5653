"""What is kept of a refused body names nobody, whatever its members are called and wherever it breaks off."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.protocols.viid_copies import without_persons

NAME, PHONE = "欧阳静怡", "13981201357"
FACE = {
    "FaceID": "510802000111900000010220261122081530000010600001",
    "DeviceID": "51080200011190000001",
    "Name": NAME,
    "OwnerPhone": PHONE,
    "Phones": [PHONE, {"Mobile": int(PHONE)}],
    NAME: "1",
    "ShotTime": "20261122081530",
    "LeftTopX": 412,
}


def test_members_of_the_standard_that_name_nobody_stay() -> None:
    shown = json.loads(without_persons(json.dumps({"FaceListObject": {"FaceObject": [FACE]}}).encode()))
    face = shown["FaceListObject"]["FaceObject"][0]
    assert {name: face[name] for name in ("FaceID", "DeviceID", "ShotTime", "LeftTopX")} == {
        name: FACE[name] for name in ("FaceID", "DeviceID", "ShotTime", "LeftTopX")
    }
    assert (face["Name"], face["OwnerPhone"], face["Phones"]) == ("***", "***", ["***", {"Mobile": "***"}])


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@given(st.integers(0, 400))
def test_a_body_broken_off_anywhere_tells_nobody(charset: str, length: int) -> None:
    body = json.dumps({"FaceObject": FACE}, ensure_ascii=False).encode(charset)[:length]
    shown = without_persons(body)
    assert NAME.encode(charset) not in shown
    assert PHONE.encode() not in shown
    assert PHONE[:8].encode() not in shown


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(body: bytes) -> None:
    without_persons(body)
