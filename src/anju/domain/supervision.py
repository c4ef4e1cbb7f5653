"""Is a panel still there: what was heard when, and which silence has lasted too long.

Source: 5.3.1.2.8 (a lost line is an alarm of its own; asked for doors, held for every supervised device).
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anju.domain.events import DeviceReport, EventKind, EventState

MISSED = 2  # intervals
GRACE = timedelta(seconds=30)
SHORTEST_S = 5.0  # a gap below is a repeat, not an interval
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Seen:
    """What is worth keeping about one line over a restart."""

    last: datetime
    interval_s: float | None
    silent: bool


@dataclass(slots=True)
class _Line:
    last: datetime  # heard, or when we began to listen
    declared_s: float | None = None
    silent: bool = False  # and told so
    back: bool = False  # heard since then
    sign_at: datetime | None = None  # the last supervision message in this run
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=3))

    @property
    def interval_s(self) -> float | None:
        """Declared, or learned from two gaps: the longest of the last three, so that one loss is no alarm."""
        return self.declared_s or (max(self.gaps) if len(self.gaps) > 1 else None)

    def sign(self, at: datetime) -> None:
        gap = (at - self.sign_at).total_seconds() if self.sign_at and not self.silent else 0.0
        if gap >= SHORTEST_S:
            self.gaps.append(gap)
        if not self.sign_at or gap >= SHORTEST_S or self.silent:
            self.sign_at = at


class Supervision:
    """The lines of one protocol by account. Ask ``due``, keep the reports, then say ``told``: nothing is told twice.

    ``since`` is when we began to listen: a silence of our own is not the panel's.
    """

    def __init__(self, protocol: str, *, since: datetime) -> None:
        self.protocol, self._since = protocol, since
        self._lines: dict[str, _Line] = {}
        self._fresh: set[str] = set()

    def restore(
        self, account: str, *, interval_s: float | None = None, last: datetime | None = None, silent: bool = False
    ) -> None:
        """Take up a registered line again after a restart; ``interval_s`` as declared or as ``fresh`` last told it."""
        self._lines[account] = _Line(last or self._since, interval_s, silent)

    def forget(self, account: str) -> None:
        """Leave a line alone that is no longer registered."""
        self._lines.pop(account, None)
        self._fresh.discard(account)

    def heard(self, account: str, at: datetime, *, sign: bool) -> None:
        """Note any valid frame; ``sign`` where it was a supervision message, whose rhythm is learned."""
        line = self._lines.setdefault(account, _Line(at))
        if sign:
            line.sign(at)
        line.last, line.back = max(line.last, at), line.silent
        self._fresh.add(account)

    def fresh(self) -> dict[str, Seen]:
        """Take what changed since the last call, to keep it with the devices in one go."""
        taken, self._fresh = self._fresh, set()
        return {each: Seen(line.last, line.interval_s, line.silent) for each in taken if (line := self._lines[each])}

    def due(self, now: datetime) -> list[DeviceReport]:
        """Return what must be told: lines silent for two intervals and 30 s, and silent ones heard again."""
        return [
            self._report(account, line)
            for account, line in self._lines.items()
            if (line.back if line.silent else self._overdue(line, now))
        ]

    def told(self, report: DeviceReport) -> None:
        """Note that ``report`` of ``due`` is on disk."""
        line = self._lines.get(report.account)
        if line is None:
            return  # forgotten meanwhile
        line.silent, line.back = report.state is EventState.ACTIVE, False
        self._fresh.add(report.account)

    def _overdue(self, line: _Line, now: datetime) -> bool:
        if line.interval_s is None:
            return False
        return now - max(line.last, self._since) >= MISSED * timedelta(seconds=line.interval_s) + GRACE

    def _report(self, account: str, line: _Line) -> DeviceReport:
        state = EventState.CLEARED if line.silent else EventState.ACTIVE
        return DeviceReport(
            protocol=self.protocol,
            account=account,
            kind=EventKind.COMMUNICATION,
            state=state,
            code_space="anju",
            code="silent",
            area="",
            zone="",
            occurred_at=None,
            dedup_key=f"{account}|silent|{state}|{line.last.isoformat()}",
            dedup_window_s=_DAY_S,
            frame=b"",
            peer="",
            detail={"last_heard": line.last.isoformat(), "interval_s": line.interval_s},
        )
