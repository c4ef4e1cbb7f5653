"""Clients that others wrote: they register by digest, post, keep alive, and understand what they are answered."""

import json
from pathlib import Path

import pytest

from tests.devices.test_viid import CAMERA, Door, batch, door, passage
from tests.interop.clients import command, missing, talk

PASSWORD = "gate-7 pass"
__all__ = ["door"]


@pytest.mark.parametrize("name", ["curl", "java", "cpp"])
async def test_a_foreign_client_gets_in_and_is_answered(door: Door, tmp_path: Path, name: str) -> None:
    if reason := missing(name):
        pytest.skip(reason)
    door.password(CAMERA, PASSWORD)
    file = tmp_path / "passages.json"
    file.write_text(json.dumps(batch(*(passage(n, PlateDescribe="川" * 60) for n in range(40))), ensure_ascii=False))
    answers = await talk(await command(name, tmp_path), f"http://127.0.0.1:{door.port}", CAMERA, PASSWORD, file)
    assert [status for status, _ in answers] == [200] * 4
    told = json.loads(answers[1][1])["ResponseStatusListObject"]["ResponseStatusObject"]
    assert [each["StatusCode"] for each in told] == [0] * 40
    assert "SystemTimeObject" in answers[3][1]
    assert len(door.posted[0].objects) == 40
