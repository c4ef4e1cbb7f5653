"""A place moves, or another police body takes charge: everything inside follows in the same transaction.

Records made before keep the path they were made under; grants on a place follow it.
Source: 4.3; 6.3.2-a.
"""

from dataclasses import replace

from anju.domain.alarms import AlarmState
from anju.domain.changes import Lane
from anju.domain.places import Place, check_code, check_under, path_under, site_of
from anju.domain.rights import EVERYWHERE, Scope
from anju.errors import Conflict
from anju.store import devices, log, places
from anju.store.database import Transaction
from anju.store.places import Editor
from anju.store.versions import Subject, bump


async def move(
    tx: Transaction, scope: Scope, place_id: str, parent_id: str, editor: Editor, *, version: int | None = None
) -> Place:
    """Put a place with all that is in it under another one. Raises Refused where the tree does not allow it.

    Refused while alarms are open inside: who handles them must not lose sight of them.
    """
    before = await places.locked(tx, scope, place_id, editor, version=version)
    parent = await places.parent_of(tx, parent_id)
    check_under(before.kind, parent)
    assert parent is not None  # noqa: S101 - found, or refused above
    if parent.place_path.startswith(before.place_path):
        raise Conflict("inside_itself", "a place cannot stand inside itself")
    check_code(before.kind, before.code, parent)
    await check_quiet(tx, before.place_path, before.name)
    old = await places.find(tx, EVERYWHERE, before.parent_id) if before.parent_id else None
    inherited = old is not None and before.jurisdiction == old.jurisdiction
    after = replace(
        before,
        parent_id=parent.id,
        place_path=path_under(parent.place_path, before.id),
        site_id=site_of(before.kind, before.id, parent),
        jurisdiction=parent.jurisdiction if inherited else before.jurisdiction,
    )
    return await _rewrite(tx, before, after, editor)


async def set_jurisdiction(
    tx: Transaction, scope: Scope, place_id: str, code: str, editor: Editor, *, version: int | None = None
) -> Place:
    """Put a police body in charge of a place and of all inside that had the same one; "" inherits. Raises Refused."""
    before = await places.locked(tx, scope, place_id, editor, version=version)
    above = await places.parent_of(tx, before.parent_id)
    inherited = above.jurisdiction if above else ""
    after = replace(before, jurisdiction=await places.known_jurisdiction(tx, code) or inherited)
    return await _rewrite(tx, before, after, editor)


async def check_quiet(tx: Transaction, path: str, name: str) -> None:
    """Raise Conflict while alarms are open below ``path``."""
    row = await tx.fetch_one(
        "SELECT count(*) FROM alarm WHERE state <> %(closed)s AND place_path ^@ %(path)s",
        closed=AlarmState.CLOSED,
        path=path,
    )
    if row and row[0]:
        raise Conflict("open_alarms", f"{row[0]} alarms are open in {name}: close them before it moves")


async def _rewrite(tx: Transaction, before: Place, after: Place, editor: Editor) -> Place:
    """Give the subtree, its devices and zones, and the grants on it the path, 小区 and police body of ``after``."""
    inside = await places.subtree(tx, before.place_path)
    for each in inside:
        if each.home_node != editor.node.id:
            raise Conflict("not_ours", f"{each.name} inside is kept by node {each.home_node}")
    moved = [_follow(each, before, after, editor) for each in inside]
    for each in moved:
        await places.put(tx, each)
    words = {
        "old": before.place_path,
        "new": after.place_path,
        "cut": len(before.place_path) + 1,
        "old_site": before.site_id,
        "new_site": after.site_id,
        "old_body": before.jurisdiction,
        "new_body": after.jurisdiction,
        "at": editor.at,
    }
    changed = {row[0] for query in (_DEVICES, _ZONES) for row in await tx.fetch(query, **words)}
    if before.place_path != after.place_path and await tx.execute(_GRANTS, **words):
        await bump(tx, Subject.RIGHTS)
    await tx.execute(_RULES, **words)
    await places.remember(tx, moved, editor.name)
    await bump(tx, Subject.REGISTRY)
    told = await devices.turned_over(tx, sorted(changed), at=editor.at)
    await log.append(tx, Lane.ALARMS, [places.change(each) for each in moved], at=editor.at, node=editor.node)
    if told:
        await log.append(tx, Lane.BULK, told, at=editor.at, node=editor.node)
    return next(each for each in moved if each.id == after.id)


def _follow(each: Place, before: Place, after: Place, editor: Editor) -> Place:
    return replace(
        each,
        parent_id=after.parent_id if each.id == after.id else each.parent_id,
        place_path=after.place_path + each.place_path[len(before.place_path) :],
        site_id=after.site_id if each.site_id == before.site_id else each.site_id,
        jurisdiction=after.jurisdiction if each.jurisdiction == before.jurisdiction else each.jurisdiction,
        version=each.version + 1,
        updated_at=editor.at,
    )


_FOLLOWS = """place_path = %(new)s || substr(place_path, %(cut)s),
    site_id = CASE WHEN site_id = %(old_site)s THEN %(new_site)s ELSE site_id END,
    jurisdiction = CASE WHEN jurisdiction = %(old_body)s THEN %(new_body)s ELSE jurisdiction END"""
_DEVICES = f"UPDATE device SET {_FOLLOWS} WHERE place_path ^@ %(old)s RETURNING id"
_ZONES = """UPDATE zone SET place_path = %(new)s || substr(place_path, %(cut)s)
    WHERE place_path ^@ %(old)s AND %(old)s <> %(new)s RETURNING device_id"""
_GRANTS = """UPDATE role_grant SET scope_value = %(new)s || substr(scope_value, %(cut)s)
    WHERE scope_kind = 'place' AND scope_value ^@ %(old)s"""
_RULES = f"UPDATE linkage_rule SET {_FOLLOWS} WHERE place_path ^@ %(old)s"
