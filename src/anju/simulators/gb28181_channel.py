"""One channel of a simulated device: where it looks, what positions it keeps, whether it records and is armed."""

from dataclasses import dataclass, field

from anju.protocols.manscdp_catalog import CatalogItem
from anju.protocols.manscdp_control import DragZoom, HomePosition
from anju.protocols.manscdp_presets import Preset
from anju.protocols.ptz import Instruction, Move, PresetAct, PresetOrder
from anju.simulators.gb28181_archive import Archive
from anju.simulators.video_scene import View

Position = tuple[int, int, int]  # pan, tilt, zoom: -1, 0 or 1


@dataclass(slots=True)
class Channel:
    """One camera, with ``code``; ``turns`` where it is a dome. ``orders`` keeps what it was told, newest last."""

    code: str
    name: str
    parent: str
    turns: bool = True
    online: bool = True
    recording: bool = True
    armed: bool = False
    longitude: float = 105.843
    latitude: float = 32.435
    archive: Archive = field(default_factory=Archive)
    position: Position = (0, 0, 0)
    presets: dict[int, tuple[str, Position]] = field(default_factory=lambda: {1: ("大门", (0, 0, 0))})
    home: HomePosition | None = None
    orders: list[object] = field(default_factory=list)

    @property
    def view(self) -> View:
        """Return which loop shows where it looks."""
        pan, tilt, zoom = self.position
        if zoom:
            return View.NEAR if zoom > 0 else View.FAR
        if pan:
            return View.RIGHT if pan > 0 else View.LEFT
        return View.HOME if not tilt else View.UP if tilt > 0 else View.DOWN

    def move(self, wanted: Instruction, name: str = "") -> None:
        """Do what a PTZCmd says: one step that can be seen for each order to move; lens, cruise and scan are noted."""
        self.note(wanted)
        if not self.turns:
            return
        if isinstance(wanted, Move):
            steps = (wanted.pan, wanted.tilt, wanted.zoom)
            pan, tilt, zoom = (_step(at, by) for at, by in zip(self.position, steps, strict=True))
            self.position = (pan, tilt, zoom)
        elif isinstance(wanted, PresetOrder):
            self._preset(wanted, name)

    def drag(self, wanted: DragZoom) -> None:
        """Zoom in on a box, or out of it."""
        self.note(wanted)
        if self.turns:
            self.position = (0, 0, 1 if wanted.inward else -1)

    def note(self, order: object) -> None:
        """Remember the last 100 orders."""
        self.orders = [*self.orders[-99:], order]

    def kept(self) -> list[Preset]:
        """Return the presets in their order."""
        return [Preset(number, name) for number, (name, _) in sorted(self.presets.items())]

    def item(self) -> CatalogItem:
        """Return what a catalog says of it."""
        return CatalogItem(
            self.code,
            self.name,
            online=self.online,
            manufacturer="Anju",
            model="Simulated",
            owner="0",
            civil_code=self.code[:6],
            address="模拟小区",
            parents=(self.parent,),
            longitude=self.longitude,
            latitude=self.latitude,
            ptz_type=1 if self.turns else 3,
            info={"Resolution": "6", "DownloadSpeed": "1/2/4/8"},
        )

    def _preset(self, wanted: PresetOrder, name: str) -> None:
        if wanted.act is PresetAct.SET:
            self.presets[wanted.number] = (name or f"预置点{wanted.number}", self.position)
        elif wanted.act is PresetAct.DELETE:
            self.presets.pop(wanted.number, None)
        elif wanted.number in self.presets:
            self.position = self.presets[wanted.number][1]


def _step(at: int, by: int) -> int:
    return max(-1, min(1, at + (by > 0) - (by < 0)))
