"""Who may do what where: actions, grants, scopes and the one rule that decides.

Source: 4.2.1.1 (classified and graded users), 6.3.2 (functions and data, three separated administrators).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """All actions there are. ``read`` shows, ``write`` changes."""

    PLACES_READ = "places.read"
    PLACES_WRITE = "places.write"
    DEVICES_READ = "devices.read"
    DEVICES_WRITE = "devices.write"
    EVENTS_READ = "events.read"
    EVENTS_RAW = "events.raw"
    ALARMS_READ = "alarms.read"
    ALARMS_HANDLE = "alarms.handle"
    ALARMS_REVIEW = "alarms.review"
    ALARMS_SHELVE = "alarms.shelve"
    ALARMS_DRILL = "alarms.drill"
    ALARMS_EXPORT = "alarms.export"
    COMMANDS_ARM = "commands.arm"
    COMMANDS_OUTPUT = "commands.output"
    LINKAGE_READ = "linkage.read"
    LINKAGE_WRITE = "linkage.write"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_FIX = "quarantine.fix"
    STATISTICS_READ = "statistics.read"
    VEHICLES_READ = "vehicles.read"
    VEHICLES_CORRECT = "vehicles.correct"
    VEHICLES_EXPORT = "vehicles.export"
    WATCH_READ = "watch.read"
    WATCH_WRITE = "watch.write"
    PEOPLE_READ = "people.read"
    PICTURES_LOCK = "pictures.lock"
    PICTURES_ERASE = "pictures.erase"
    VIDEO_READ = "video.read"
    VIDEO_LIVE = "video.live"
    VIDEO_PLAYBACK = "video.playback"
    VIDEO_PTZ = "video.ptz"
    VIDEO_TALK = "video.talk"
    VIDEO_EXPORT = "video.export"
    VIDEO_WRITE = "video.write"
    LINKS_READ = "links.read"
    LINKS_WRITE = "links.write"
    USERS_READ = "users.read"
    USERS_WRITE = "users.write"
    ROLES_READ = "roles.read"
    ROLES_WRITE = "roles.write"
    POLICIES_READ = "policies.read"
    POLICIES_WRITE = "policies.write"
    OPERATOR_LOG_READ = "operator_log.read"
    OPERATOR_LOG_VERIFY = "operator_log.verify"
    PERSONAL_REVEAL = "personal.reveal"
    SYSTEM_READ = "system.read"
    SYSTEM_BACKUP = "system.backup"
    SITE_EXPORT = "site.export"
    SITE_IMPORT = "site.import"
    BLOBS_CHECK = "blobs.check"


class ScopeKind(StrEnum):
    """What a grant's scope names."""

    EVERYTHING = "everything"
    PLACE = "place"  # value: a place path; the subtree below it
    JURISDICTION = (
        "jurisdiction"  # value: 12-digit code of a 管辖机构; bodies below share its prefix without trailing 00
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """One role given to one principal in one scope, perhaps until a time."""

    role: str
    actions: frozenset[str]
    scope_kind: ScopeKind
    scope_value: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Where a thing is: the path of its place (``/510000/510800/.../``) and its 管辖机构 code (may be empty)."""

    place_path: str
    jurisdiction: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a principal may reach with one action. Handed to every query.

    ``paths`` are place-path prefixes ending in ``/``; ``jurisdictions`` are code prefixes.
    """

    everything: bool = False
    paths: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.paths) or bool(self.jurisdictions)

    def holds(self, at: Located) -> bool:
        """Return whether ``at`` lies inside."""
        return (
            self.everything
            or any(at.place_path.startswith(path) for path in self.paths)
            or (bool(at.jurisdiction) and any(at.jurisdiction.startswith(code) for code in self.jurisdictions))
        )

    def bounds(self) -> dict[str, object]:
        """Return the query parameters that ``store.database.IN_SCOPE`` names."""
        return {
            "scope_everything": self.everything,
            "scope_paths": list(self.paths),
            "scope_jurisdictions": list(self.jurisdictions),
        }


EVERYWHERE = Scope(everything=True)
NOWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: an account, a linkage rule, a node of another tier, or Anju itself.

    ``kind`` is one of ``account``, ``rule``, ``node``, ``system``.
    """

    id: str
    name: str
    kind: str = "account"
    grants: tuple[Grant, ...] = ()
    node: str = ""


def decide(grants: Iterable[Grant], action: str, *, now: datetime) -> Scope:
    """Return where ``grants`` allow ``action`` at ``now``; an empty scope means nowhere.

    Source: 6.3.2-a.
    """
    valid = [each for each in grants if action in each.actions and (each.expires_at is None or now < each.expires_at)]
    if any(each.scope_kind is ScopeKind.EVERYTHING for each in valid):
        return EVERYWHERE
    return Scope(
        paths=tuple(sorted({each.scope_value for each in valid if each.scope_kind is ScopeKind.PLACE})),
        jurisdictions=tuple(
            sorted({jurisdiction_prefix(e.scope_value) for e in valid if e.scope_kind is ScopeKind.JURISDICTION})
        ),
    )


def jurisdiction_prefix(code: str) -> str:
    """Return the prefix all bodies under ``code`` share: trailing pairs of zeros name no level of their own."""
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
    return code
