"""A community written in one description comes into the registry, once."""

from copy import deepcopy
from typing import Any

from anju.control.seed import registry_seed
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE
from anju.store import devices, places
from anju.store.database import Database
from anju.store.devices import Filter
from anju.store.log import NodeId
from tests.conftest import FrozenClock

SPEC: dict[str, Any] = {
    "jurisdictions": [{"code": "510802530000", "name": "东坝派出所"}],
    "regions": [
        {"kind": "city", "name": "广元市", "code": "510800"},
        {"kind": "county", "name": "利州区", "code": "510802"},
    ],
    "sites": [
        {
            "name": "东坝一号院",
            "profile": {"era": "built", "form": "closed"},
            "jurisdiction": "510802530000",
            "places": [{"kind": "area", "name": "西围墙"}],
            "devices": [
                {
                    "kind": "alarm_panel",
                    "name": "周界主机",
                    "protocol": "dc09",
                    "account": "0/1234",
                    "place": "西围墙",
                    "supervision_s": 60,
                    "zones": [
                        {"area": "01", "number": "003", "name": "西墙 3 号"},
                        {"area": "01", "number": "009", "name": "按钮", "kind": "panic"},
                    ],
                }
            ],
        }
    ],
}


async def seed(db: Database, node: NodeId, clock: FrozenClock, spec: dict[str, Any]) -> None:
    async with db.transaction() as tx:
        await registry_seed(tx, spec, node=node, at=clock())


async def test_a_description_becomes_places_panels_and_zones(db: Database, node: NodeId, clock: FrozenClock) -> None:
    await seed(db, node, clock, SPEC)
    (panel,) = await devices.page(db, EVERYWHERE, Filter(), after="", limit=9)
    assert (panel.account, panel.jurisdiction, panel.particulars.supervision_s) == ("0/1234", "510802530000", 60)
    assert [(each.name, each.place_name, each.kind) for each in panel.zones] == [
        ("西墙 3 号", "西围墙", None),
        ("按钮", "西围墙", EventKind.PANIC),
    ]


async def test_a_second_run_adds_only_what_is_new(db: Database, node: NodeId, clock: FrozenClock) -> None:
    await seed(db, node, clock, SPEC)
    more = deepcopy(SPEC)
    more["sites"][0]["places"].append({"kind": "gate", "name": "东门"})
    await seed(db, node, clock, more)
    assert [each.version for each in await places.listed(db, EVERYWHERE)] == [1] * 5
    assert len(await devices.page(db, EVERYWHERE, Filter(), after="", limit=9)) == 1


async def test_cameras_come_with_how_they_send_and_a_region_with_the_platform_below(
    db: Database, node: NodeId, clock: FrozenClock
) -> None:
    spec = deepcopy(SPEC)
    code, lower = "51080200001320000011", "51080200012000000001"
    about = {"protocol": "gb28181", "credential": "x"}
    camera = {"kind": "camera", "name": "球机", "account": code, "code": code, "gb28181": {"media": "tcp_passive"}}
    spec["sites"][0]["devices"] = [{**about, **camera, "place": "西围墙"}]
    spec["devices"] = [{**about, "kind": "platform", "name": "社区平台", "account": lower, "code": lower}]
    await seed(db, node, clock, spec)
    await seed(db, node, clock, spec)
    found = {each.kind: each for each in await devices.page(db, EVERYWHERE, Filter(), after="", limit=9)}
    assert (found["camera"].code, found["camera"].particulars.gb28181.media) == (code, "tcp_passive")
    assert (found["platform"].account, found["platform"].place_path) == (lower, "/510800/510802/")
