"""Who may register by GB/T 28181: a digest over a nonce of ours, used once; renewed and ended only by another one.

Source: 5.4.3 (GB/T 28181 registration), 6.3.3 (only known devices exchange data).
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from anju.devices.viid_gate import Lockout
from anju.domain.devices import Device
from anju.errors import WireError
from anju.protocols.digest import Credentials, Digests, Verdict, ha1, read_authorization
from anju.protocols.sip import Request

LIFETIME = timedelta(minutes=5)
EXPIRES, SHORTEST, LONGEST = 3_600, 30, 7 * 86_400  # seconds
USED_MOST = 100_000  # nonces remembered while they are fresh


class Listed(Protocol):
    """A device somebody registered here. ``key`` is its password."""

    @property
    def device(self) -> Device: ...
    @property
    def key(self) -> bytes | None: ...


Find = Callable[[str], Listed | None]


@dataclass(frozen=True, slots=True)
class Proved:
    """A device that proved who it is; ``expires_s`` 0: it signs off."""

    listed: Listed
    expires_s: int


@dataclass(frozen=True, slots=True)
class Denied:
    """What a REGISTER is answered instead. ``reason`` is counted, '' where it is the usual first round."""

    status: int
    reason: str = ""
    account: str = ""
    challenge: str = ""
    retry_after_s: int = 0


class RegisterGate:
    """Judges REGISTER requests. ``realm`` is our domain; ``key`` seals the nonces of this process.

    A nonce is good for the address it was given to: who writes another's address into his packets sees none of them,
    and can lock nobody out.
    """

    def __init__(self, find: Find, *, realm: str, key: bytes, clock: Callable[[], datetime]) -> None:
        self._find, self._realm, self._clock = find, realm, clock
        self._key = key
        self._used: OrderedDict[str, None] = OrderedDict()
        self.lockout = Lockout(clock)

    def _digests(self, host: str) -> Digests:
        key = hmac.new(self._key, host.encode(), hashlib.sha256).digest()
        return Digests(key, realm=self._realm, lifetime=LIFETIME, plain=True)

    def judge(self, request: Request, host: str) -> Proved | Denied:
        """Say who a REGISTER from ``host`` proves to be, or how it is answered."""
        account = request.from_user or request.to_user
        header = request.headers.get("Authorization")
        if not header:
            known = self._find(account) is not None
            return self._challenge("" if known else "unknown_account", account, host)
        try:
            given = read_authorization(header)
        except WireError:
            return self._challenge("bad authorization", account, host)
        return self._proved(request, given, account, host)

    def _proved(self, request: Request, given: Credentials, account: str, host: str) -> Proved | Denied:
        who = (given.username, account, host)
        if left := self.lockout.left_s(who):
            return Denied(403, "locked out", account, retry_after_s=left)
        listed = self._find(account) or self._find(given.username)
        digests, at = self._digests(host), self._clock()
        verdict = digests.judge(given, self._known(listed, given), method=request.method, target=None, at=at)
        if verdict is not Verdict.RIGHT and not digests.issued(given.nonce, at):
            return self._challenge("", account, host, stale=verdict is Verdict.STALE)
        if listed is None or verdict is Verdict.WRONG:
            self.lockout.failed(who)
            return self._wrong(listed, given, account)
        if not listed.device.particulars.gb28181.admits(host):
            return Denied(403, "address not allowed", listed.device.account)
        if not self._first(given.nonce):
            return self._challenge("", account, host, stale=True)
        self.lockout.passed(who)
        return Proved(listed, _expires(request))

    def _known(self, listed: Listed | None, given: Credentials) -> str | None:
        if listed is None or listed.key is None or given.username not in users(listed.device):
            return None
        return ha1(given.username, self._realm, listed.key.decode("utf-8", "replace"))

    def _wrong(self, listed: Listed | None, given: Credentials, account: str) -> Denied:
        if listed is None:
            return Denied(403, "unknown_account", account)
        reason = "bad digest"
        if listed.key is None:
            reason = "no credential"
        elif given.realm and given.realm != self._realm:
            reason = "wrong realm"
        elif given.username not in users(listed.device):
            reason = "wrong user"
        return Denied(403, reason, listed.device.account)

    def _first(self, nonce: str) -> bool:
        """Return whether a nonce was not used before: what was overheard opens nothing a second time."""
        if nonce in self._used:
            return False
        self._used[nonce] = None
        if len(self._used) > USED_MOST:
            self._used.popitem(last=False)
        return True

    def _challenge(self, reason: str, account: str, host: str, *, stale: bool = False) -> Denied:
        return Denied(401, reason, account, self._digests(host).challenge(self._clock(), stale=stale))


def users(device: Device) -> set[str]:
    """Return the user names a device may log in with."""
    return {device.particulars.gb28181.user or device.account}


def _expires(request: Request) -> int:
    asked = request.expires
    if asked is None:
        return EXPIRES
    return 0 if asked == 0 else min(max(asked, SHORTEST), LONGEST)
