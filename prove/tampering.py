"""Whoever owns the database rewrites the operator log and recomputes every hash: ``anju audit verify`` finds it.

A running community anchors its log at its county. Then, as PostgreSQL's superuser, rows are changed, deleted, put in
and cut off, with and without new hashes over all that follows. Each must be found from the county's anchors, by the
real command; only rows after the last anchor can be rewritten unseen, and the command says how many these are.
Prints each attack with what the command said.
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from anju.engines import Postgres
from prove.tiers import Tier, checked, three_tiers

RENAMES = 60  # acts of an administrator: two rows each
LATER = 6  # acts after the last anchor
ANCHOR_S = 100.0
BROKEN = 2
ACCUSED = "principal_name = 'somebody else'"
_REHASH = """
DO $$
DECLARE row operator_log; before bytea := '\\x'; sealed bytea; field text;
BEGIN
    FOR row IN SELECT * FROM operator_log ORDER BY seq LOOP
        sealed := before;
        FOREACH field IN ARRAY ARRAY[row.seq::text, (extract(epoch FROM row.at) * 1000000)::bigint::text,
                row.principal_id, row.principal_name, row.principal_node, row.action, row.target, row.outcome, row.peer,
                row.detail] LOOP
            sealed := sealed || convert_to(octet_length(convert_to(field, 'UTF8')) || ':' || field, 'UTF8');
        END LOOP;
        UPDATE operator_log SET previous = before, hash = sha256(sealed) WHERE seq = row.seq;
        before := sha256(sealed);
    END LOOP;
END $$"""
_CLOSE = "UPDATE operator_log SET seq = -(seq - 1) WHERE seq > {r}; UPDATE operator_log SET seq = -seq WHERE seq < 0"
_OPEN = "UPDATE operator_log SET seq = -(seq + 1) WHERE seq > {r}; UPDATE operator_log SET seq = -seq WHERE seq < 0"
_COPY = """INSERT INTO operator_log SELECT {r} + 1, at, principal_id, principal_name, principal_node, 'doors.open',
    target, outcome, peer, detail, previous, hash FROM operator_log WHERE seq = {r}"""
_APPEND = (
    "SELECT operator_log_append('a', 'a', 'community', 'session', '', 'done', '', '{{}}') FROM generate_series(1, {n})"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """The log before any attack: its last row, the rows the county holds anchors of, the row that is attacked."""

    last: int
    anchors: tuple[int, ...]

    @property
    def row(self) -> int:
        """Return the row under attack, in the middle of what is anchored."""
        return self.anchors[-1] // 2

    def anchor_after(self, row: int) -> int:
        """Return the first anchored row that cannot stay true where ``row`` was rewritten."""
        return next(each for each in self.anchors if each >= row)


@dataclass(frozen=True, slots=True)
class Attack:
    """What is done, in words and in SQL; ``found`` is the row that must be named, None where it cannot be found."""

    words: str
    sql: tuple[str, ...]
    found: Callable[[Ground], int | None]
    rehash: bool = True


_ATTACKS = (
    Attack("a row changed", (f"UPDATE operator_log SET {ACCUSED} WHERE seq = {{r}}",), lambda g: g.row, rehash=False),
    Attack("a row changed", (f"UPDATE operator_log SET {ACCUSED} WHERE seq = {{r}}",), lambda g: g.anchor_after(g.row)),
    Attack(
        "the time of a row changed",
        ("UPDATE operator_log SET at = at - interval '1 hour' WHERE seq = {r}",),
        lambda g: g.anchor_after(g.row),
    ),
    Attack("a row deleted", ("DELETE FROM operator_log WHERE seq = {r}",), lambda g: g.row, rehash=False),
    Attack(
        "a row deleted, the rest renumbered",
        ("DELETE FROM operator_log WHERE seq = {r}", _CLOSE),
        lambda g: g.anchor_after(g.row),
    ),
    Attack("a row put in", (_OPEN, _COPY), lambda g: g.anchor_after(g.row + 1)),
    Attack("the end cut off", ("DELETE FROM operator_log WHERE seq > {r}",), lambda g: g.row + 1),
    Attack(
        "the end cut off and filled again",
        ("DELETE FROM operator_log WHERE seq > {r}", _APPEND),
        lambda g: g.anchor_after(g.row + 1),
    ),
    Attack("the table truncated", ("TRUNCATE operator_log",), lambda _: 1),
    Attack(
        "the table truncated and written anew",
        (
            "TRUNCATE operator_log",
            "INSERT INTO operator_log SELECT * FROM saved",
            f"UPDATE operator_log SET {ACCUSED} WHERE principal_name <> ''",
        ),
        lambda g: g.anchors[0],
    ),
    Attack(
        "the last row, not anchored yet, changed",
        (f"UPDATE operator_log SET {ACCUSED} WHERE seq = {{last}}",),
        lambda _: None,
    ),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the command said and how it ended."""

    code: int
    text: str

    def number(self, pattern: str) -> int | None:
        """Return the first number that ``pattern`` finds."""
        found = re.search(pattern, self.text)
        return int(found[1]) if found else None


async def verify(tier: Tier) -> Said:
    """Run ``anju audit verify`` at ``tier``."""
    command = [sys.executable, "-m", "anju", "audit", "verify", "--config", str(tier.folder / "anju.toml")]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return Said(child.returncode or 0, out.decode().strip())


async def rename(tier: Tier, times: int) -> None:
    """Act ``times`` times as an administrator does."""
    async with tier.as_("system") as system:
        places = checked(await system.get("/api/places/tree"))["items"]
        building = next(each for each in places if each["kind"] == "building")
        for number in range(times):
            name = {"name": f"{number + 1} 号楼"}
            checked(await system.patch(f"/api/places/{building['id']}", json=name))


async def anchored(county: Tier, *, beyond: int) -> tuple[int, ...]:
    """Return the rows of the community's log that the county holds anchors of, once one is ``beyond`` that row."""
    async with county.opened() as db, asyncio.timeout(ANCHOR_S):
        while True:
            rows = await db.fetch("SELECT seq FROM anchor WHERE node = 'community' ORDER BY seq")
            if rows and rows[-1][0] >= beyond:
                return tuple(int(row[0]) for row in rows)
            await asyncio.sleep(0.2)


async def attack(root: psycopg.AsyncConnection, each: Attack, ground: Ground) -> None:
    """Do to the log what ``each`` says, as the database's superuser."""
    for sql in each.sql:
        await root.execute(sql.format(r=ground.row, last=ground.last, n=ground.last - ground.row).encode())
    if each.rehash:
        await root.execute(_REHASH)


async def restore(root: psycopg.AsyncConnection) -> None:
    """Put the log back as it was."""
    await root.execute("TRUNCATE operator_log")
    await root.execute("INSERT INTO operator_log SELECT * FROM saved")


async def tried(root: psycopg.AsyncConnection, tier: Tier, each: Attack, ground: Ground) -> bool:
    """Attack, verify, put back; print what was said and return whether it is what had to be said."""
    await attack(root, each, ground)
    said, due = await verify(tier), each.found(ground)
    hashes = "all hashes recomputed" if each.rehash else "hashes left"
    print(f"{each.words}, {hashes}: exit {said.code}: {said.text}", flush=True)
    await restore(root)
    if due is None:
        window = ground.last - ground.anchors[-1]
        return said.code == 0 and said.number(r"the last (\d+) are vouched for by nobody") == window
    return said.code == BROKEN and said.number(r"Broken at row (\d+)") == due


async def stays_found(root: psycopg.AsyncConnection, tiers: dict[str, Tier], ground: Ground) -> bool:
    """Rewrite the log for good and let the node go on and anchor it: return whether it is still found afterwards."""
    await attack(root, _ATTACKS[1], ground)
    os.kill(tiers["community"].pids()["worker"], signal.SIGCONT)
    await rename(tiers["community"], 1)
    later = await anchored(tiers["county"], beyond=ground.last + 1)
    said = await verify(tiers["community"])
    print(f"rewritten, and row {later[-1]} anchored on top of it: exit {said.code}: {said.text}")
    return said.code == BROKEN and said.number(r"Broken at row (\d+)") == ground.anchor_after(ground.row)


async def prove() -> bool:
    """Return whether every attack was found that can be found."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        async with three_tiers(Path(name), panels=2) as tiers:
            community = tiers["community"]
            await rename(community, RENAMES)
            await anchored(tiers["county"], beyond=2 * RENAMES)
            await rename(community, LATER)
            root_url = Postgres(community.folder / "data", port=community.ports["postgres"]).root_url("anju")
            async with await psycopg.AsyncConnection.connect(root_url, autocommit=True) as root:
                return await _all(root, tiers)


async def _all(root: psycopg.AsyncConnection, tiers: dict[str, Tier]) -> bool:
    community = tiers["community"]
    os.kill(community.pids()["worker"], signal.SIGSTOP)  # no anchor comes between two attacks
    await root.execute("CREATE TABLE saved AS TABLE operator_log")
    anchors = await anchored(tiers["county"], beyond=1)
    ground = Ground(await community.count("SELECT max(seq) FROM operator_log"), anchors)
    print(f"{ground.last} rows, anchored above at rows {', '.join(map(str, anchors))}; row {ground.row} is attacked")
    held = [await untouched(community)]
    held += [await tried(root, community, each, ground) for each in _ATTACKS]
    held += [await untouched(community), await stays_found(root, tiers, ground)]
    return all(held)


async def untouched(tier: Tier) -> bool:
    """Return whether a log that nobody touched verifies; print what was said."""
    said = await verify(tier)
    print(f"untouched: exit {said.code}: {said.text}", flush=True)
    return said.code == 0


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    raise SystemExit(0 if asyncio.run(prove()) else 1)
