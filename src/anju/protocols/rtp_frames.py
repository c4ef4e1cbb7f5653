"""From RTP units to frames, whatever is in them: PS, TS, H.264, H.265 or G.711, told by looking, not by the SDP."""

from collections import Counter
from collections.abc import Mapping

from anju.protocols import nal
from anju.protocols.fmp4 import Track
from anju.protocols.frames import CLOCK, Codec, Frame, Timeline
from anju.protocols.g711 import RATE
from anju.protocols.pictures import Pictures
from anju.protocols.ps import START
from anju.protocols.ps_demux import Piece, PsDemuxer
from anju.protocols.rtp_nal import NalReader
from anju.protocols.rtp_units import Unit
from anju.protocols.ts import TsDemuxer, looks_like_ts

_SOUND = {8: Codec.G711A, 0: Codec.G711U}
_NAMES = {"PCMA": Codec.G711A, "PCMU": Codec.G711U, "H264": Codec.H264, "H265": Codec.H265, "HEVC": Codec.H265}
_PATIENCE = 32  # units looked at before what the SDP says is believed
_BARREN = 250  # units without a frame before they are looked at anew
_STAP_A, _FU_A, _KEY_BEGINS = 24, 28, 0x85
_MASK = (1 << 33) - 1


class FrameReader:
    """Put the units of one stream in, take its frames out.

    ``payloads`` is what the SDP says of payload types, believed only where the bytes do not tell. ``kind`` is what was
    recognised: 'ps', 'ts', 'h264', 'h265', or '' so far.
    """

    def __init__(self, payloads: Mapping[int, str] | None = None) -> None:
        self.kind = ""
        self.pictures = Pictures()
        self._payloads = {number: name.upper().split("/")[0] for number, name in (payloads or {}).items()}
        self._demuxer: PsDemuxer | TsDemuxer | None = None
        self._nals: NalReader | None = None
        self._looked = 0
        self._video: Timeline | None = None
        self._sound: Timeline | None = None
        self._by_pts = False
        self._gap = False
        self._last = -1  # time of the last picture

    @property
    def track(self) -> Track | None:
        """Return what a player must know before the first picture, once it is known."""
        return self.pictures.track

    @property
    def odd(self) -> Counter[str]:
        """Return what was wrong so far, counted by reason."""
        found = Counter(self._demuxer.odd) if self._demuxer else Counter()
        jumps = self._video.jumps if self._video else 0
        return found + Counter({"unusable parameter sets": self.pictures.unusable, "time stamps that jump": jumps})

    @property
    def unknown(self) -> set[int]:
        """Return the stream types of a map that are not understood: 0x80 is SVAC, 0x10 MPEG-4."""
        return self._demuxer.unknown if self._demuxer else set()

    def feed(self, unit: Unit) -> list[Frame]:
        """Return the frames that ``unit`` completed."""
        sound = self._sound_of(unit)
        if sound is not None:
            return [self._sound_frame(sound, unit.data, unit.stamp, unit.arrived, Timeline(32, RATE))]
        if not self.kind and not self._recognise(unit):
            return []
        self._gap |= unit.gap
        found = self._elementary(unit) if self._demuxer is None else self._demuxed(self._demuxer, unit)
        self._looked = 0 if found else self._looked + 1
        if self._looked > _BARREN:
            self.kind, self._looked = "", 0
        return found

    def _demuxed(self, demuxer: PsDemuxer | TsDemuxer, unit: Unit) -> list[Frame]:
        data = unit.parts[0] if len(unit.parts) == 1 else b"".join(unit.parts)
        broken = unit.broken or (unit.gap and not data.startswith(START))
        found: list[Frame] = []
        for piece in demuxer.feed(data, stamp=unit.stamp, arrived=unit.arrived, ends=unit.ends, broken=broken):
            frame = self._picture(piece) if piece.video else self._sound_piece(piece)
            if frame is not None:
                found.append(frame)
        return found

    def _picture(self, piece: Piece) -> Frame | None:
        frame = self.pictures.take(nal.split(piece.data), piece.codec)
        if frame is not None:
            self._timed(frame, piece.dts if piece.dts is not None else piece.pts, piece.stamp, piece.arrived)
            frame.broken |= piece.broken
            if piece.dts is not None and piece.pts is not None:
                frame.shift = min((piece.pts - piece.dts) & _MASK, CLOCK)
        return frame

    def _timed(self, frame: Frame, pts: int | None, stamp: int, arrived: float) -> None:
        if self._video is None:
            self._by_pts = pts is not None
            self._video = Timeline(33 if self._by_pts else 32)
        frame.pts = self._last = self._video.at(pts if self._by_pts else stamp, arrived)
        frame.arrived = arrived
        frame.broken = self._gap and not frame.key
        self._gap = False

    def _sound_piece(self, piece: Piece) -> Frame | None:
        codec = piece.codec or (Codec.AAC if piece.data[:1] == b"\xff" and piece.data[1:2] >= b"\xf0" else Codec.G711A)
        if codec.video:
            return None
        by_pts = piece.pts is not None
        stamp = piece.pts if piece.pts is not None else piece.stamp
        return self._sound_frame(codec, piece.data, stamp, piece.arrived, Timeline(33 if by_pts else 32))

    def _sound_frame(self, codec: Codec, data: bytes, stamp: int, arrived: float, fresh: Timeline) -> Frame:
        if self._sound is None:
            self._sound = fresh
            fresh.start = self._last if self._last >= 0 else None
        return Frame(codec, self._sound.at(stamp, arrived), key=False, arrived=arrived, data=data)

    def _sound_of(self, unit: Unit) -> Codec | None:
        """Return the codec of a unit that is sound by its payload type, and does not look like anything else."""
        said = _NAMES.get(self._payloads.get(unit.payload_type, ""), _SOUND.get(unit.payload_type))
        return None if said is None or said.video or unit.parts[0].startswith(START) else said

    def _elementary(self, unit: Unit) -> list[Frame]:
        reader = self._nals
        if reader is None:
            return []
        whole = unit.parts[0].startswith((START, b"\0" + START))
        nals = nal.split(unit.data) if whole else reader.read(unit.parts)
        frame = self.pictures.take(nals, reader.codec) if nals else None
        if frame is None:
            return []
        self._timed(frame, None, unit.stamp, unit.arrived)
        frame.broken |= unit.broken
        return [frame]

    def _recognise(self, unit: Unit) -> bool:
        """Find out what the payloads are; units that say nothing are passed over."""
        codec: Codec | None = None
        kind = next((found for part in unit.parts[:_PATIENCE] if (found := look(part))), "")
        if not kind:
            self._looked += 1
            kind = self._said(unit) if self._looked > _PATIENCE else ""
        if kind in {"h264", "h265"}:
            codec = Codec(kind)
        self._demuxer = PsDemuxer() if kind == "ps" else TsDemuxer() if kind == "ts" else None
        self._nals = NalReader(codec) if codec else None
        self.kind = kind
        return bool(kind)

    def _said(self, unit: Unit) -> str:
        name = self._payloads.get(unit.payload_type, "PS")
        return _NAMES[name].value if name in _NAMES else {"MP2T": "ts", "PS": "ps", "MP2P": "ps"}.get(name, "")


def look(payload: bytes) -> str:
    """Return what an RTP payload is seen to be: 'ps', 'ts', 'h264' or 'h265'; '' where it does not show."""
    if payload.startswith(START) and payload[3:4] > b"\xb9":
        return "ps"
    if looks_like_ts(payload):
        return "ts"
    nals = nal.split(payload) if payload.startswith((START, b"\0" + START)) else [payload, *_inner(payload)]
    codec = nal.guess(nals)
    if codec is None and len(payload) > 2 and payload[0] & 0x9F == _FU_A and payload[1] == _KEY_BEGINS:
        codec = Codec.H264
    return codec.value if codec else ""


def _inner(payload: bytes) -> list[bytes]:
    """Return the first unit of a packet that gathers several."""
    if len(payload) > 4 and payload[0] & 0x1F == _STAP_A:
        return [payload[3:]]
    return [payload[4:]] if payload[:2] == b"\x60\1" else []
