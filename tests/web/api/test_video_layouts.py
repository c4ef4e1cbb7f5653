"""Layouts: a person's own, shared ones without the cameras the reader may not see."""

from typing import Any

import pytest

from tests.web.api.cameras import camera
from tests.web.conftest import Web, at_place, everywhere

BODY = {"size": 4, "panes": ["caaaaaaaaaaaa", "", "cbbbbbbbbbbbb", ""]}


async def kept(client: Any, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/video/layouts", json={"name": "四画面", "body": BODY, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_layout_comes_back_as_it_was_kept(web: Web) -> None:
    await camera(web.services.db, BODY["panes"][0])  # type: ignore[index]
    await camera(web.services.db, BODY["panes"][2])  # type: ignore[index]
    await web.account("lihua", everywhere("shift_leader"))
    client = await web.login("lihua")
    made = await kept(client)
    (found,) = (await client.get("/api/video/layouts")).json()["items"]
    assert (found["id"], found["body"], found["own"]) == (made["id"], BODY, True)


async def test_a_shared_layout_leaves_blank_what_its_reader_may_not_see(web: Web) -> None:
    path = await camera(web.services.db, "caaaaaaaaaaaa")
    await camera(web.services.db, "cbbbbbbbbbbbb")
    await web.account("lihua", everywhere("property_manager"))
    await kept(await web.login("lihua"), shared=True)
    await web.account("guard", at_place("guard", path))
    (found,) = (await (await web.login("guard")).get("/api/video/layouts")).json()["items"]
    assert (found["body"]["panes"], found["own"]) == (["caaaaaaaaaaaa", "", "", ""], False)


async def test_others_do_not_change_or_see_what_is_not_shared(web: Web) -> None:
    await web.account("lihua", everywhere("shift_leader"))
    made = await kept(await web.login("lihua"))
    await web.account("other", everywhere("shift_leader"))
    client = await web.login("other")
    address = f"/api/video/layouts/{made['id']}"
    assert (await client.get("/api/video/layouts")).json()["items"] == []
    assert (await client.put(address, json={"name": "x", "body": {}})).status_code == 404
    assert (await client.delete(address)).status_code == 404


async def test_two_who_change_it_are_told(web: Web) -> None:
    await web.account("lihua", everywhere("shift_leader"))
    client = await web.login("lihua")
    made = await kept(client)
    address, change = f"/api/video/layouts/{made['id']}", {"name": "九画面", "body": {"size": 9}, "version": 1}
    assert (await client.put(address, json=change)).json()["version"] == 2
    answer = await client.put(address, json=change)
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")
    assert (await client.delete(address)).status_code == 204


async def test_sharing_needs_the_right_to_keep_cameras(web: Web) -> None:
    await web.account("guard", everywhere("guard"))
    client = await web.login("guard")
    answer = await client.post("/api/video/layouts", json={"name": "x", "body": {}, "shared": True})
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [{"x": "y" * 40_000}, {"x": "\0"}, [], {"a": [[[[[[[[[[[[[]]]]]]]]]]]]]}])
async def test_what_is_no_layout_is_refused(web: Web, body: Any) -> None:
    await web.account("lihua", everywhere("shift_leader"))
    client = await web.login("lihua")
    assert (await client.post("/api/video/layouts", json={"name": "x", "body": body})).status_code == 422
