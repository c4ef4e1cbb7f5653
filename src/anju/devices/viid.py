"""The door for GA/T 1400: devices and libraries register, keep alive and post what they saw; answers follow the commit.

Every object of a batch gets its own answer, in order; one that cannot be used loses no other. What is refused is
counted by its reason. Addresses inside objects are never fetched.
Source: 4.3 (GA/T 1400.4), 4.2.1.4 and 5.2.2.1 (vehicles), 5.2.2.3 (people), 7-d (hostile input).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anju.devices.viid_gate import Directory, Gate, Registered, forbidden
from anju.devices.viid_http import Exchange, HungUp, No, Room, copied
from anju.domain.changes import Fate
from anju.errors import DatabaseAway, EngineError, ViidError, WireError
from anju.protocols import viid
from anju.protocols.viid import (
    BUSY,
    INVALID_OPERATION,
    JSON_CONTENT,
    JSON_FORMAT,
    OK,
    OTHER_ERROR,
    Bad,
    ViidObject,
)
from anju.protocols.viid_kinds import STANDING
from anju.wire.http import HttpServer

MEDIA_TYPE = "application/VIID+JSON;charset=UTF-8"
RETRY_AFTER = {"retry-after": "2"}
IDS_MOST = 1_000  # objects of one DELETE
MOST_LINES = 4_000  # connections: devices keep theirs open
EXIT_PORT = 72
COLLECTIONS = {
    "motorvehicles": "motor_vehicle",
    "nonmotorvehicles": "non_motor_vehicle",
    "persons": "person",
    "faces": "face",
    "images": "image",
    "apes": "ape",
    "tollgates": "tollgate",
    "lanes": "lane",
}
LATER = frozenset(
    (
        *("viidservers", "apss", "videoslices", "files", "things", "scenes", "cases", "dispositions", "subscribes"),
        *("dispositionnotifications", "subscribenotifications", "analysisrules", "videolabels", "dataclasstabs"),
    )
)
"""Resources of the standard that this door does not offer: who asks for one hears so in words."""
_SYSTEM = {"register": "POST", "unregister": "POST", "keepalive": "POST", "time": "GET"}
_FATES = {
    Fate.KEPT: (OK, "OK"),
    Fate.DUPLICATE: (OK, "OK"),
    Fate.HELD: (OK, "OK: held until the device is registered"),
    Fate.DROPPED: (OTHER_ERROR, "not kept"),
}
_log = structlog.get_logger(__name__)

Result = tuple[str, int, str]
"""Id, StatusCode, StatusString of one object."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What one request submits: ``objects`` that can be used, of one kind, and its bytes as they may be kept.

    ``replaces``: the sender means to change what it sent before.
    """

    kind: str
    objects: Sequence[ViidObject]
    raw: bytes
    sender: Registered
    peer: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for kept objects of ``kind``: one by ``object_id``, or those the ``query`` string describes.

    ``part`` is ``info`` or ``data`` where only that of an Image is wanted.
    """

    kind: str
    sender: Registered
    query: str
    object_id: str = ""
    part: str = ""


class Presence(Protocol):
    """Keeps the sessions; ``register`` and ``unregister`` return after their commit."""

    async def register(self, device_id: str, peer: str) -> None: ...
    async def unregister(self, device_id: str) -> None: ...
    def heard(self, device_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the door.

    ``emit`` keeps objects and returns, after the commit, what became of each; ``withdraw`` marks kept ones as withdrawn
    by their device. ``find`` returns the answer to a question, ``picture`` a picture and its media type. ``refused``
    counts refused objects of an account by reason, ``wrong`` a refused request with a bounded copy. ``healthy`` returns
    where data can be kept now. All that await raise DatabaseAway.
    """

    emit: Callable[[Posted], Awaitable[Sequence[Fate | Bad]]]
    withdraw: Callable[[Registered, str, Sequence[str]], Awaitable[Sequence[Result]]]
    find: Callable[[Asked], Awaitable[bytes]]
    picture: Callable[[Asked], Awaitable[tuple[bytes, str]]]
    refused: Callable[[str, str, Mapping[str, int]], None]
    wrong: Callable[[WireError, str], Awaitable[None]]
    healthy: Callable[[], Awaitable[None]]


class ViidDoor:
    """An ASGI application for ``/VIID``; ``library`` is our own code. ``rejected`` counts refusals by reason.

    ``room`` bounds the bodies that are held at once.
    """

    def __init__(
        self,
        directory: Directory,
        presence: Presence,
        behind: Behind,
        *,
        library: str,
        clock: Callable[[], datetime],
        nonce_key: bytes,
    ) -> None:
        self._directory, self._presence, self._behind = directory, presence, behind
        self._library, self._clock = library, clock
        self._gate = Gate(directory, clock=clock, nonce_key=nonce_key)
        self.room = Room()
        self.rejected: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        with suppress(HungUp):
            response = await self._answered(Exchange.of(scope, receive))
            await response(scope, receive, send)

    async def _answered(self, told: Exchange) -> Response:
        try:
            return await self._route(told)
        except No as no:
            return await self._refused(told, no)
        except ViidError as error:
            reason = "json format" if error.code == JSON_FORMAT else "json content"
            return await self._refused(told, No(400, error.code, error.reason, reason=reason))
        except DatabaseAway:
            return await self._refused(told, No(503, BUSY, "busy, try again", headers=RETRY_AFTER))
        except HungUp:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the sender hears it is not kept, and the door stays open
            _log.exception("request failed", target=told.target[:200])
            return await self._refused(told, No(500, OTHER_ERROR, "unexpected failure", reason="failed"))

    async def _refused(self, told: Exchange, no: No) -> Response:
        """Answer a refusal in the standard's words; count it, with a copy up to the bound."""
        with suppress(TimeoutError, No):
            await told.skip()
        if no.reason:
            self.rejected[no.reason] += 1
            with suppress(DatabaseAway):
                await self._behind.wrong(WireError(no.reason, data=copied(told), account=told.account), told.peer)
        return self._status(told, no.code, str(no), told.account, status=no.status, headers=no.headers)

    async def _route(self, told: Exchange) -> Response:
        told.check()
        where = tuple(each.lower() for each in told.parts[:3])
        if where == ("healthz",):
            await self._behind.healthy()
            return Response(b'{"status":"ok"}', 200, media_type="application/json")
        if len(where) < 2 or where[0] != "viid":
            raise _unknown(told)
        if where[1] == "system" and len(told.parts) == 3:
            return await self._system(told, where[2])
        if where[1] in LATER:
            words = f"{told.parts[1][:64]} is not offered here"
            raise No(405, INVALID_OPERATION, words, reason="not offered", headers={"allow": ""})
        return await self._resource(told, where[1])

    async def _resource(self, told: Exchange, name: str) -> Response:
        kind, rest = COLLECTIONS.get(name), told.parts[2:]
        if kind == "image" and len(rest) == 2 and rest[1].lower() in {"info", "data"}:
            return await self._part(told, kind, rest[0], rest[1].lower())
        if kind is None or len(rest) > 1:
            raise _unknown(told)
        return await self._collection(told, kind, rest[0] if rest else "")

    async def _part(self, told: Exchange, kind: str, object_id: str, part: str) -> Response:
        _allow(told, "GET")
        sender = await self._admit(told)
        self._presence.heard(sender.device.id)
        asked = Asked(kind, sender, told.query, object_id, part)
        if part == "info":
            return _json(await self._behind.find(asked))
        data, media_type = await self._behind.picture(asked)
        return Response(data, media_type=media_type)

    async def _system(self, told: Exchange, name: str) -> Response:
        if name not in _SYSTEM:
            raise _unknown(told)
        _allow(told, _SYSTEM[name])
        if name == "register":
            return await self._register(told)
        sender = await self._admit(told)
        self._presence.heard(sender.device.id)
        if name == "time":
            return _json(viid.system_time(self._library, self._clock()))
        if name == "keepalive":
            await self._named(told, sender)
            return self._status(told, OK, "OK", sender.device.account)
        sender = await self._named(told, sender)
        await self._presence.unregister(sender.device.id)
        return self._status(told, OK, "OK", sender.device.account)

    async def _register(self, told: Exchange) -> Response:
        sender = await self._named(told, await self._admit(told, registering=True))
        await self._presence.register(sender.device.id, told.peer)
        status = 201 if sender.device.particulars.viid.created else 200
        return self._status(told, OK, "OK", sender.device.account, status=status)

    async def _admit(self, told: Exchange, *, registering: bool = False) -> Registered:
        sender = await self._gate.admit(told, registering=registering)
        told.account, told.text_codes = sender.device.account, sender.device.particulars.viid.text_status
        return sender

    async def _named(self, told: Exchange, sender: Registered) -> Registered:
        """Return the device the body names, where the sender may speak for it; the sender itself for an empty body."""
        async with told.read(self.room) as body:
            code = viid.parse_sender(body)
        found = self._directory.find(code) if code else sender
        if found is None or not sender.may_speak_for(found):
            raise forbidden(code)
        return found

    async def _collection(self, told: Exchange, kind: str, object_id: str) -> Response:
        methods = ("GET", "PUT", "DELETE") if object_id else ("GET", "POST", "PUT", "DELETE")
        _allow(told, *(methods if kind not in STANDING else methods[: 1 if object_id else 2]))
        sender = await self._admit(told)
        if told.method == "GET":
            self._presence.heard(sender.device.id)
            return _json(await self._behind.find(Asked(kind, sender, told.query, object_id)))
        if told.method == "DELETE":
            return await self._delete(told, kind, sender, object_id)
        return await self._post(told, kind, sender)

    async def _post(self, told: Exchange, kind: str, sender: Registered) -> Response:
        access = sender.device.particulars.viid
        async with told.read(self.room) as body:
            self._gate.check_probe(told)
            request = viid.read_request(kind, body, strict=access.strict)
            good = [each for each in request.objects if isinstance(each, ViidObject)]
            posted = Posted(kind, good, request.raw, sender, told.peer, replaces=told.method == "PUT")
            fates = iter(await self._behind.emit(posted) if good else ())
        self._presence.heard(sender.device.id)
        told_of = [each if isinstance(each, Bad) else _became(each, next(fates)) for each in request.objects]
        bad = [each for each in told_of if isinstance(each, Bad)]
        if bad:
            await self._count(told, bad)
        results = [(each.object_id, each.code, each.message) if isinstance(each, Bad) else each for each in told_of]
        status = 400 if bad and len(bad) == len(results) else 201 if access.created and told.method == "POST" else 200
        return _json(viid.answer(told.path, results, self._clock(), text_codes=access.text_status), status)

    async def _count(self, told: Exchange, bad: Sequence[Bad]) -> None:
        """Count refused objects by their reasons; one copy of the request is enough for all of them."""
        reasons = Counter(each.reason for each in bad)
        self.rejected.update(reasons)
        first = bad[0].reason
        self._behind.refused(told.account, told.peer, reasons - Counter({first: 1}))
        with suppress(DatabaseAway):
            await self._behind.wrong(WireError(first, data=copied(told), account=told.account), told.peer)

    async def _delete(self, told: Exchange, kind: str, sender: Registered, object_id: str) -> Response:
        async with told.read(self.room) as body:
            ids = [object_id] if object_id else told.ids(body)
        if not 0 < len(ids) <= IDS_MOST:
            raise No(400, JSON_CONTENT, f"IDList names 1 to {IDS_MOST} objects", reason="json content")
        self._presence.heard(sender.device.id)
        results = await self._behind.withdraw(sender, kind, ids)
        return _json(viid.answer(told.path, results, self._clock(), text_codes=told.text_codes))

    def _status(
        self,
        told: Exchange,
        code: int,
        words: str,
        name: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        body = viid.status(told.path, code, words, name, self._clock(), text_codes=told.text_codes)
        return _json(body, status, headers)


async def serve(
    door: ViidDoor, host: str, port: int, *, tls: tuple[Path, Path] | None = None, shared: bool = False
) -> HttpServer:
    """Open the door; the caller closes it, which answers what is being kept. ``tls`` is (certificate, key).

    Raises EngineError, with what to do, where the port is taken.
    """
    certificate, key = tls or (None, None)
    server = HttpServer(door, certificate=certificate, key=key, most=MOST_LINES)
    try:
        await server.open(host, port, shared=shared)
    except OSError as error:
        words = f"Port {port} of {host} cannot be opened: {error.strerror}. Choose another in [intake]."
        raise EngineError(words, code=EXIT_PORT) from error
    return server


def _became(each: ViidObject, fate: Fate | Bad) -> Result | Bad:
    return fate if isinstance(fate, Bad) else (each.object_id, *_FATES[fate])


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, MEDIA_TYPE)


def _unknown(told: Exchange) -> No:
    return No(404, INVALID_OPERATION, f"there is no {told.path[:64]} here", reason="unknown address")


def _allow(told: Exchange, *methods: str) -> None:
    if told.method not in methods:
        allowed = ", ".join(methods)
        words = f"{told.method[:16]} is not offered here, only {allowed}"
        raise No(405, INVALID_OPERATION, words, reason="method not allowed", headers={"allow": allowed})
