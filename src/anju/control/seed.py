"""Places, police bodies, panels and zones from one plain description; what is there already stays as it is.

Source: 4.2.1 (one management of all devices), 4.3.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from anju.domain.cascade import Upper
from anju.domain.devices import Gb28181Access, Particulars, Zone, read_key, sealed_for
from anju.domain.events import EventKind
from anju.domain.places import Place, PlaceKind
from anju.domain.rights import EVERYWHERE
from anju.store import cascade, devices, places
from anju.store.database import Transaction
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor, NewPlace

BY = "Anju"
Seal = Callable[[bytes, str], bytes]
"""Seals bytes about a name."""


async def registry_seed(
    tx: Transaction, spec: Mapping[str, Any], *, node: NodeId, at: datetime, seal: Seal | None = None
) -> None:
    """Write what ``spec`` names and this node does not have yet; ``seal`` seals the credentials in it.

    ``regions`` go from the city down, each with code, kind and name; ``jurisdictions`` have code and name; each of
    ``sites`` has a name, a profile, ``places`` right under it and ``devices`` standing at one of those by its name;
    ``devices`` beside them stand at the last region, such as the platforms below a county.
    Raises Invalid or Conflict where the tree does not allow it.
    """
    editor = Editor(node, BY, at)
    known = {each.code for each in await places.jurisdictions(tx)}
    for each in spec["jurisdictions"]:
        if each["code"] not in known:
            await places.put_jurisdiction(tx, each["code"], each["name"], editor)
    parent: Place | None = None
    for each in spec["regions"]:
        parent = await _place(tx, parent, each, editor)
    inside = [await _site(tx, parent, each, editor) for each in spec["sites"]]
    for each, there in zip(spec["sites"], inside, strict=True):  # after all places: the lanes of the log in their order
        for device in each["devices"]:
            await _device(tx, there[device["place"]], device, editor, seal)
    for device in spec.get("devices", ()):
        assert parent is not None  # noqa: S101 - no device without a region
        await _device(tx, parent, device, editor, seal)


async def upper_seed(tx: Transaction, upper: Upper, *, password: str, node: NodeId, seal: Seal) -> None:
    """Let this node register at a platform above; one at which it does already stays as it is. Source: 5.4.3."""
    for each in await cascade.uppers(tx):
        if (each.upper.code, each.upper.own_code) == (upper.code, upper.own_code):
            return
    await cascade.add(tx, upper, seal(password.encode(), cascade.about(upper.id)), node=node)


async def _site(tx: Transaction, parent: Place | None, about: Mapping[str, Any], editor: Editor) -> dict[str, Place]:
    """Return the 小区 and the places in it by their names."""
    site = await _place(tx, parent, {"kind": "site", **about}, editor)
    return {site.name: site} | {each["name"]: await _place(tx, site, each, editor) for each in about["places"]}


async def _place(tx: Transaction, parent: Place | None, about: Mapping[str, Any], editor: Editor) -> Place:
    """Return the child of ``parent`` with that name, made if it is not there."""
    row = await tx.fetch_one(
        """SELECT id FROM place WHERE name = %(name)s AND retired_at IS NULL
               AND parent_id IS NOT DISTINCT FROM %(parent)s::text""",
        name=about["name"],
        parent=parent.id if parent else None,
    )
    if row:
        return await places.find(tx, EVERYWHERE, row[0])
    words = ("code", "jurisdiction", "profile", "longitude", "latitude", "sort")
    told = {name: about[name] for name in words if name in about}
    return await places.add(
        tx, NewPlace(parent.id if parent else None, PlaceKind(about["kind"]), about["name"], **told), editor
    )


async def _device(tx: Transaction, place: Place, about: Mapping[str, Any], editor: Editor, seal: Seal | None) -> None:
    there = await tx.fetch_one(
        """SELECT 1 FROM device WHERE home_node = %(node)s AND protocol = %(protocol)s AND account = %(account)s
               AND retired_at IS NULL""",
        node=editor.node.id,
        protocol=about["protocol"],
        account=about["account"],
    )
    if there:
        return
    particulars = Particulars(
        supervision_s=about.get("supervision_s"),
        passes=about.get("passes", ""),
        gb28181=Gb28181Access(**about.get("gb28181", {})),
    )
    named = (about["kind"], about["name"], about["protocol"], about["account"], about.get("code", ""))
    new = NewDevice(*named, particulars=particulars)
    device = await devices.add(tx, place, new, editor, sealed=_sealed(about, seal))
    await devices.set_zones(tx, device, _zones(about.get("zones", ()), place), editor)


def _sealed(about: Mapping[str, Any], seal: Seal | None) -> devices.Sealed | None:
    if "credential" not in about or seal is None:
        return None
    key = read_key(about["protocol"], about["credential"])
    return lambda device_id: seal(key, sealed_for(device_id))


def _zones(about: Sequence[Mapping[str, Any]], place: Place) -> list[Zone]:
    return [
        Zone(
            each["area"],
            each["number"],
            each["name"],
            place.id,
            place.place_path,
            place.name,
            EventKind(each["kind"]) if "kind" in each else None,
        )
        for each in about
    ]
