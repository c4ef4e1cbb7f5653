"""Who may come in by GA/T 1400: a digest, or the session it opened from the same address; never a name alone.

Source: 4.3 (GA/T 1400 part 4: registration and digest authentication), 6.3.3 (only known devices exchange data).
"""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from anju.devices.viid_http import Exchange, No
from anju.domain.devices import Device
from anju.errors import WireError
from anju.protocols.digest import REALM, Credentials, Digests, Verdict, ha1, read_authorization
from anju.protocols.viid import INVALID_OPERATION

TRIES, WITHIN = 5, timedelta(minutes=5)
_REMEMBERED = 10_000  # users with wrong digests that are counted at once
_CANDIDATES = 64  # devices of one user name whose passwords are tried


class Registered(Protocol):
    """A device somebody registered. ``key`` is its digest password."""

    @property
    def device(self) -> Device: ...
    @property
    def key(self) -> bytes | None: ...
    def may_speak_for(self, other: Any, /) -> bool: ...


class Session(Protocol):
    """A registration that still holds, and the address it was made from."""

    @property
    def peer(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is known: devices by any of their codes and by user name, and the running session of a device id."""

    find: Callable[[str], Registered | None]
    of_user: Callable[[str], Sequence[Registered]]
    session: Callable[[str], Awaitable[Session | None]]


Who = tuple[str, str, str]
"""User name, code of the device it says it is where somebody registered that, address."""


class Lockout:
    """Counts wrong digests: neither a stranger elsewhere nor another camera of the same user name locks one out."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failed: OrderedDict[Who, deque[datetime]] = OrderedDict()

    def left_s(self, who: Who) -> int:
        """Return for how many seconds ``who`` is locked out, 0 where it is not."""
        failed = self._failed.get(who)
        if not failed or len(failed) < TRIES:
            return 0
        return max(0, int((failed[0] + WITHIN - self._clock()).total_seconds()))

    def failed(self, who: Who) -> None:
        """Count one wrong digest."""
        while len(self._failed) >= _REMEMBERED:
            self._failed.popitem(last=False)
        self._failed.setdefault(who, deque(maxlen=TRIES)).append(self._clock())
        self._failed.move_to_end(who)

    def passed(self, who: Who) -> None:
        """Forget the wrong ones: a right one came."""
        self._failed.pop(who, None)


class _Replays:
    """Knows answers with a count that were used already; without a count the same answer may come again."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def first(self, given: Credentials) -> bool:
        """Return whether ``given`` was not used before in this process."""
        key = (given.nonce, given.nc, given.response)
        if given.nc and key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


class Gate:
    """Lets in who proves who it is. ``nonce_key`` is shared by all processes of a node and never leaves it."""

    def __init__(self, directory: Directory, *, clock: Callable[[], datetime], nonce_key: bytes) -> None:
        self._directory, self._clock = directory, clock
        self._digests, self._replays = Digests(nonce_key), _Replays()
        self.lockout = Lockout(clock)

    async def admit(self, told: Exchange, *, registering: bool = False) -> Registered:
        """Return the device a request is from. Raises No: 401 with a challenge, or 403.

        ``registering``: a digest is needed and no session; otherwise both the digest and a session, or the session
        alone from the address it was opened from. Raises DatabaseAway.
        """
        told.account = told.sender
        if told.header("authorization"):
            found = self._proved(told)
            told.account = found.device.account
            self._check_address(found, told)
            if not registering and await self._directory.session(found.device.id) is None:
                raise self._challenge("register first", reason="not registered")
        else:
            found = await self._bound(told, registering=registering)
        return found

    def check_probe(self, told: Exchange) -> None:
        """Raise No, with a challenge, for a body that is empty and unproved: curl holds it back until it is asked."""
        if not told.body and not told.header("authorization"):
            raise self._challenge("a body is missing")

    async def _bound(self, told: Exchange, *, registering: bool) -> Registered:
        found = self._directory.find(told.sender) if told.sender else None
        if found is None or registering:
            raise self._challenge("digest needed")
        self._check_address(found, told)
        session = (
            None if found.device.particulars.viid.every_request else await self._directory.session(found.device.id)
        )
        if session is None or session.peer != told.peer:
            raise self._challenge("register first" if session is None else "registered from another address")
        return found

    def _proved(self, told: Exchange) -> Registered:
        """Return the device whose password the digest was made with, or the one behind it that it speaks for."""
        try:
            given = read_authorization(told.header("authorization"))
        except WireError as error:
            raise self._challenge(error.reason, reason="bad authorization") from error
        claimed = self._directory.find(told.sender) if told.sender else None
        who = (given.username, claimed.device.account if claimed else "", told.peer)
        if left := self.lockout.left_s(who):
            words = f"locked out for {left} s"
            raise No(403, INVALID_OPERATION, words, reason="locked out", headers={"retry-after": str(left)})
        found, verdict = self._judged(given, self._keyed(given.username, claimed), told)
        if found is None or verdict is Verdict.WRONG:
            self.lockout.failed(who)
            raise self._wrong(given.username, told)
        self.lockout.passed(who)
        if verdict is Verdict.STALE or not self._replays.first(given):
            raise self._challenge("the nonce is not fresh", stale=True)
        return self._named(found, claimed, told)

    def _judged(
        self, given: Credentials, keyed: Sequence[Registered], told: Exchange
    ) -> tuple[Registered | None, Verdict]:
        """Return whose password was used and what that proves; an unknown user takes as long as a known one."""
        tried: Sequence[Registered | None] = keyed or (None,)
        verdicts = [(each, self._judge(given, each, told)) for each in tried]
        return next((pair for pair in verdicts if pair[1] is not Verdict.WRONG), verdicts[0])

    def _keyed(self, user: str, claimed: Registered | None) -> list[Registered]:
        """Return whose passwords are tried: of cameras that share a user name, the one that names itself."""
        found = [each for each in self._directory.of_user(user) if each.key is not None]
        return [claimed] if claimed is not None and claimed in found else found[:_CANDIDATES]

    def _judge(self, given: Credentials, each: Registered | None, told: Exchange) -> Verdict:
        password = None if each is None or each.key is None else each.key.decode("utf-8", "replace")
        known = None if password is None else ha1(given.username, REALM, password)
        return self._digests.judge(given, known, method=told.method, target=told.target, at=self._clock())

    def _named(self, found: Registered, claimed: Registered | None, told: Exchange) -> Registered:
        """Return who it says it is, where that is one it may speak for."""
        if not told.sender or claimed is found:
            return found
        if claimed is None or not found.may_speak_for(claimed):
            raise forbidden(told.sender)
        return claimed

    def _wrong(self, user: str, told: Exchange) -> No:
        told.account = told.sender or user
        known = self._directory.of_user(user)
        keyed = any(each.key is not None for each in known)
        reason = "bad digest" if keyed else "no credential" if known else "unknown_account"
        return self._challenge("the digest is wrong", reason=reason)

    def _check_address(self, found: Registered, told: Exchange) -> None:
        if not found.device.particulars.viid.admits(told.peer):
            told.account = found.device.account
            raise No(403, INVALID_OPERATION, "not from this address", reason="address not allowed")

    def _challenge(self, words: str, *, reason: str = "", stale: bool = False) -> No:
        header = self._digests.challenge(self._clock(), stale=stale)
        return No(401, INVALID_OPERATION, words, reason=reason, headers={"www-authenticate": header})


def forbidden(code: str) -> No:
    """Return the refusal of a device code that the sender may not use."""
    return No(403, INVALID_OPERATION, f"{code} may not be used by this user", reason="identity not allowed")
