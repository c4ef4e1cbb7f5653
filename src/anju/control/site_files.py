"""The whole site out as one text file, and in: a dry run first, then one transaction.

Source: 4.2.1 (one management of all devices), 6.3.2 (credentials never leave in clear).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils.compat import uuid7

from anju.domain import site_file as form
from anju.domain.codes import new_id
from anju.domain.places import Place
from anju.domain.rights import Located, Scope
from anju.domain.site_check import Checked, checked, moved
from anju.domain.site_file import AGAIN, SEALED, Difference, Problem, Site
from anju.errors import Conflict, Invalid
from anju.security.passphrase import Passphrase
from anju.security.sealing import Sealer
from anju.store import site_file as store
from anju.store.database import Database, Executor
from anju.store.log import NodeId
from anju.store.places import Editor
from anju.store.site_file import Progress, Work

MOST_BYTES = 32 * 1024 * 1024
IMPORT_MS = 600_000


Read = Callable[[Site], tuple[Site, list[Problem]]]
"""Makes a site out of a file, given the one that is there. Raises Invalid for what is no such file."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an import: a site file's ``text``, or what ``read`` makes of another kind of file.

    ``within`` says where whoever asks may write each section; None: everything. ``holds`` are his own roles, which he
    cannot change. ``retire``: what the file does not name goes out of use. ``clone``: everything below the regions gets
    a fresh id.
    """

    text: str
    passphrase: str = ""
    retire: bool = True
    clone: bool = False
    within: Mapping[str, Scope] | None = None
    holds: frozenset[str] = frozenset()
    read: Read | None = None


@dataclass(slots=True)
class Plan:
    """What an import would do. ``left_out`` needs rights that whoever asks lacks; ``again`` names devices
    and visitors, by id and title, whose secrets must be given again.
    """

    work: Work | None
    problems: list[Problem]
    differences: list[Difference] = field(default_factory=list)
    left_out: list[Difference] = field(default_factory=list)
    again: list[tuple[str, str]] = field(default_factory=list)


class SiteFiles:
    """Writes and reads site files of one node."""

    def __init__(self, db: Database, node: NodeId, sealer: Sealer, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._sealer, self._clock = db, node, sealer, clock

    async def export(self, passphrase: str = "") -> tuple[str, dict[str, int]]:
        """Return the whole site as text and how much of each section is in it.

        With a ``passphrase`` credentials are in it, sealed; without, each stands there as to be given again.
        """
        site = await store.read(self._db, self._node)
        if passphrase:
            key = Passphrase.of_node(passphrase, self._node.id)
            site.head = _with_sealing(site, key)
            await self._seal(site, key)
        text = await asyncio.to_thread(form.write, site)
        return text, {name: len(entries) for name, entries in site.entries.items()}

    async def _seal(self, site: Site, key: Passphrase) -> None:
        """Put what this node has sealed into ``site``, sealed by ``key``."""
        secrets = await store.secrets(self._db, self._node.id)
        for each in form.secretive(site):
            if value := secrets.get((each.SECTION, each.key)):
                about = store.sealed_for(each.SECTION, each.key)
                each.secret = key.seal(self._sealer.open(value, about), about)

    async def plan(self, asked: Asked, *, db: Executor | None = None) -> Plan:
        """Return what importing would do now; nothing is written. Raises Invalid for what is no site file."""
        site, problems = await self._wanted(asked, db or self._db)
        outside = await store.outside(db or self._db, self._node)
        found = await asyncio.to_thread(checked, site, outside, node=self._node.id, at=self._clock())
        problems = sorted([*problems, *found.problems], key=lambda each: each.line)
        if problems:
            return Plan(None, problems)
        return await self._compare(found, asked, db or self._db)

    async def _wanted(self, asked: Asked, db: Executor) -> tuple[Site, list[Problem]]:
        if asked.read is not None:
            return await asyncio.to_thread(asked.read, await store.read(db, self._node))
        if len(asked.text.encode()) > MOST_BYTES:
            raise Invalid("too_large", f"a site file has at most {MOST_BYTES} bytes")
        site, problems = await asyncio.to_thread(form.read, asked.text)
        if asked.clone:
            return form.renamed(site, fresh), problems
        if site.head.node != self._node.id:
            raise Conflict("other_node", f"this is the site of node {site.head.node}: import it as a copy")
        return site, problems

    async def _compare(self, found: Checked, asked: Asked, db: Executor) -> Plan:
        now, secrets = await store.read(db, self._node), await self._secrets(db, found.site, asked)
        there = await store.standing(db)
        retire = asked.retire and not asked.clone
        elsewhere = moved(there, found)
        all_ = form.differences(now, found.site, retire=retire, moved=elsewhere)
        wanted, left = _split(all_, asked, found, now, there, elsewhere)
        again = _again(now, found.site, secrets)
        return Plan(Work(found, wanted, secrets), [], wanted, left, again)

    async def _secrets(self, db: Executor, site: Site, asked: Asked) -> dict[tuple[str, str], bytes]:
        """Return the secrets of the file in this node's own seal; without passphrase they are as not given.

        What is already here and says the same is left as it is.
        """
        found: dict[tuple[str, str], bytes] = {}
        sealed = [each for each in form.secretive(site) if each.secret.startswith(SEALED)]
        if not sealed or not asked.passphrase or site.head.sealing is None:
            for each in sealed:
                each.secret = AGAIN
            return found
        key, here = Passphrase.proven(asked.passphrase, site.head.sealing), await store.secrets(db, self._node.id)
        for each in sealed:
            name, about = (each.SECTION, each.key), store.sealed_for(each.SECTION, each.key)
            value = key.open(each.secret, about)
            if name in here and self._sealer.open(here[name], about) == value:
                each.secret = AGAIN
            else:
                found[name] = self._sealer.seal(value, about)
        return found

    async def apply(self, asked: Asked, *, by: str, done: Progress = lambda _: None) -> Plan:
        """Do what the dry run told, in one transaction; what changed since is seen. Raises Refused: nothing is kept."""
        async with self._db.transaction() as tx:
            await tx.execute(f"SET LOCAL statement_timeout = {IMPORT_MS}")
            await tx.execute("SELECT pg_advisory_xact_lock(7220007)")  # one import at a time
            plan = await self.plan(asked, db=tx)
            if plan.work is None:
                first = plan.problems[0]
                raise Invalid("problems", f"line {first.line}: {first.message}")
            await store.apply(tx, plan.work, Editor(self._node, by, self._clock()), done=done)
        return plan


def _split(
    all_: list[Difference],
    asked: Asked,
    found: Checked,
    now: Site,
    there: Mapping[str, Place],
    elsewhere: Mapping[tuple[str, str], str],
) -> tuple[list[Difference], list[Difference]]:
    """Return what may be done, and what is left out: beyond rights or one's own role, and what hangs on that.

    Source: 6.3.2-a (all data by rights).
    """
    if asked.within is None:
        return all_, []
    left = {("role", each) for each in asked.holds}
    left |= {(each.section, each.key) for each in all_ if not _inside(each, asked.within, found, now, there)}
    gone = {key for section, key in left if section == "place" and (key not in there or (section, key) in elsewhere)}
    for section in ("device", "linkage", "watch"):
        left |= {(section, each.key) for each in found.site.entries[section] if form.stands_in(each) & gone}
    left |= {("place", key) for key, place in found.places.items() if gone & set(place.place_path.split("/"))}
    return [each for each in all_ if (each.section, each.key) not in left], [
        each for each in all_ if (each.section, each.key) in left
    ]


def _inside(
    each: Difference, within: Mapping[str, Scope], found: Checked, now: Site, there: Mapping[str, Place]
) -> bool:
    """Return whether a change lies where its section may be written: where it stands now, and where it would."""
    scope = within.get(each.section)
    if not scope or scope.everything:
        return bool(scope)
    entries = [site.of(each.section).get(each.key) for site in (now, found.site) if each.section in form.KINDS]
    ids = (
        {each.key} if each.section == "place" else {id_ for entry in entries if entry for id_ in form.stands_in(entry)}
    )
    places = [known[id_] for id_ in ids for known in (there, found.places) if id_ in known]
    return bool(places) and all(scope.holds(Located(place.place_path, place.jurisdiction)) for place in places)


def _with_sealing(site: Site, key: Passphrase) -> form.Head:
    """Return the head of ``site`` with what a reader needs to open its sealed values."""
    head = site.head
    return form.Head(format=head.format, node=head.node, name=head.name, tier=head.tier, sealing=key.sealing)


def _again(now: Site, wanted: Site, secrets: Mapping[tuple[str, str], bytes]) -> list[tuple[str, str]]:
    """Return what will wait for its secret: the file has none for it and this node neither."""
    here = {(each.SECTION, each.key) for each in form.secretive(now) if each.secret} | secrets.keys()
    waiting = (each for each in form.secretive(wanted) if each.secret and (each.SECTION, each.key) not in here)
    return [(each.key, each.title) for each in waiting]


def fresh(section: str) -> str:
    """Return an id for a new object of ``section``."""
    return new_id(section[0]) if section in {"place", "device"} else str(uuid7())
