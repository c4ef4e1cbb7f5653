"""Every error raised on purpose, in one tree. The class tells the caller what to do next."""


class AnjuError(Exception):
    """Root of all we raise on purpose."""


class WireError(AnjuError):
    """The peer broke its protocol. Skip to the next frame, count the reason, keep the bytes.

    ``account`` is who the peer said it is, where that much could be read.
    """

    def __init__(self, reason: str, *, data: bytes, account: str = "") -> None:
        super().__init__(f"{reason}: {data[:32].hex(' ')}")
        self.reason = reason
        self.data = data
        self.account = account


class ViidError(WireError):
    """A GA/T 1400 request cannot be used. Answer its StatusCode ``code``; the sender may mend it and repeat."""

    def __init__(self, code: int, reason: str, *, data: bytes = b"") -> None:
        super().__init__(reason, data=data)
        self.code = code


class DeviceSilent(AnjuError):
    """No answer in time. Try again later; mark the device offline, tell once."""


class SipRefused(AnjuError):
    """The peer answered a SIP request with a final error ``status``. Say so; repeat only when something changed."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(f"{status} {reason}".strip())
        self.status = status


class DatabaseAway(AnjuError):
    """PostgreSQL does not answer. Acknowledge nothing; try again soon."""


class PicturesAway(DatabaseAway):
    """The picture store cannot write: disk full, folder gone, too much waiting. Acknowledge nothing; try again soon."""


class BusAway(AnjuError):
    """NATS does not answer. Work goes on: wake-ups are hints and every consumer also looks by itself."""


class UpperAway(AnjuError):
    """The tier above does not answer. Keep the cursor where it is and try again with back-off."""


class EngineError(AnjuError):
    """An engine cannot be started. ``code`` is the exit code, the text says what to do."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class ConfigError(AnjuError):
    """The configuration is wrong; the text names file, line, key and remedy."""


class Refused(AnjuError):
    """A request that must not be done. ``code`` is stable and translated at the glass; the text is English."""

    status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unauthenticated(Refused):
    """Nobody is logged in. Log in again."""

    status = 401


class Forbidden(Refused):
    """The principal has no right to this here. Ask an administrator; do not retry."""

    status = 403


class NotFound(Refused):
    """There is no such thing, or not inside the principal's scope (the two are not told apart)."""

    status = 404


class Invalid(Refused):
    """The request's words are off. Correct them and call again."""

    status = 422


class Conflict(Refused):
    """Somebody else was faster, or the object is not in a state for this. Read again, then decide."""

    status = 409


class Silent(Refused):
    """Another process of this node did not answer in time. Call again soon."""

    status = 503


class OwnerAway(Refused):
    """What is asked for lies at another node, which is away. Show which, and ask again later."""

    status = 503

    def __init__(self, node: str, name: str) -> None:
        super().__init__("owner_away", f"it lies at {name or node}, which is away: ask again later")
        self.more = {"node": node, "name": name or node}


class Erased(Refused):
    """The picture was there and was erased on purpose. Show that, do not ask again."""

    status = 410


class Damaged(Refused):
    """The kept bytes are not those that were written. Show that; restore them from a copy."""

    status = 500


class BackupError(AnjuError):
    """A backup cannot be made or restored; nothing half is left. The text says what to do.

    ``code`` is stable and translated at the glass, ``exit_code`` is the program's.
    """

    def __init__(self, code: str, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code
