"""How a stream runs: what came, how fast, and how far behind it is heard."""

from dataclasses import dataclass, field

import structlog

from anju.media.receive import Line
from anju.protocols.frames import CLOCK, Frame
from anju.protocols.rtp_units import Counts

LATE_S = 1.0
"""A live picture so far behind its pace tells that this machine, or the network, has too much to do."""
TOLD_S = 60.0
_log = structlog.get_logger(__name__)
_DRIFT = 0.001  # seconds a second by which a camera's clock may run slower than ours


@dataclass(slots=True)
class StreamStats:
    """What was received since the stream was opened; rates are those of the last whole second.

    ``lag`` is how many seconds the last picture lay behind the pace of its time stamps: an overloaded receiver shows
    it before it shows any gap. ``key_interval`` is that of the last two key frames, in seconds.
    """

    counts: Counts = field(default_factory=Counts)
    frames: int = 0
    broken: int = 0
    fps: float = 0.0
    bitrate: float = 0.0  # bit/s
    key_interval: float = 0.0
    lag: float = 0.0
    most_lag: float = 0.0
    kernel_drops: int = 0
    asked: int = 0  # INVITEs
    answer_s: float = 0.0  # from the last INVITE to its answer
    packet_s: float = 0.0  # from there to the first packet
    key_s: float = 0.0  # from there to the first key frame

    @property
    def packets(self) -> int:
        """Return how many packets came."""
        return self.counts.packets

    @property
    def bytes(self) -> int:
        """Return how many bytes came."""
        return self.counts.bytes

    @property
    def lost(self) -> int:
        """Return how many packets never came."""
        return self.counts.lost

    @property
    def reordered(self) -> int:
        """Return how many packets came late, but in time."""
        return self.counts.reordered

    @property
    def refused(self) -> int:
        """Return how many packets were not this stream's."""
        return self.counts.refused


class Pace:
    """Keeps the statistics of one stream."""

    def __init__(self, stats: StreamStats) -> None:
        self.stats = stats
        self._offset: float | None = None  # the least there was between arrival and time stamp
        self._arrived = 0.0
        self._key_pts = -1
        self._looked = 0.0
        self._frames = self._bytes = 0
        self._told = -TOLD_S
        self._line: Line | None = None
        self._before = 0

    def seen(self, frame: Frame) -> None:
        """Count a picture."""
        stats = self.stats
        stats.frames += 1
        stats.broken += frame.broken
        offset = frame.arrived - frame.pts / CLOCK
        least = self._offset
        if least is None or offset < least or offset > least + 60:
            least = self._offset = offset
        else:
            least += _DRIFT * (frame.arrived - self._arrived)
            self._offset = least
        self._arrived = frame.arrived
        stats.lag = offset - least if offset > least else 0.0
        stats.most_lag = max(stats.most_lag, stats.lag)
        if frame.key:
            stats.key_interval = (frame.pts - self._key_pts) / CLOCK if self._key_pts >= 0 else 0.0
            self._key_pts = frame.pts

    def look(self, now: float, line: Line, *, live: bool) -> None:
        """Work out the rates, once a second, and log overload; ``now`` in monotonic seconds."""
        passed = now - self._looked
        if passed < 1:
            return
        stats = self.stats
        if self._looked:
            stats.fps = (stats.frames - self._frames) / passed
            stats.bitrate = (stats.bytes - self._bytes) * 8 / passed
        self._looked, self._frames, self._bytes = now, stats.frames, stats.bytes
        drops = self._drops(line)
        if drops > stats.kernel_drops or (live and stats.lag > LATE_S):
            self._warn(now, line.port, drops)
        stats.kernel_drops = drops

    def _drops(self, line: Line) -> int:
        """Return what the kernel threw away of this line and of those before it."""
        if line is not self._line:
            self._line, self._before = line, self.stats.kernel_drops
        return self._before + line.drops()

    def _warn(self, now: float, port: int, drops: int) -> None:
        if now - self._told >= TOLD_S:
            self._told = now
            lag = round(self.stats.lag, 2)
            _log.warning("too much to do: packets are lost here or pictures late", port=port, lag_s=lag, drops=drops)
