"""What an operator writes down: one TOML file per node. Every mistake names file, line, key and remedy.

Source: 4.2 (one program at three tiers); 6.3.1 (listeners and their protection are settings one can see).
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from anju.errors import ConfigError

Port = Annotated[int, Field(ge=1, le=65_535)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeConfig(_Strict):
    """Who this node is. ``region`` is the administrative code of the place it is responsible for."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    name: Name
    region: Annotated[str, Field(pattern=r"^(\d{6}|\d{9}|\d{12})$")] = "510800"


class DatabaseConfig(_Strict):
    """Where PostgreSQL is. Without ``url`` it is started from its package and kept under ``data``."""

    url: str = ""
    owner_url: str = ""
    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "anju"
    port: Port | None = None

    @model_validator(mode="after")
    def _both(self) -> "DatabaseConfig":
        if bool(self.url) != bool(self.owner_url):
            raise ValueError("url and owner_url go together: the first works, the second migrates")
        return self


class BusConfig(_Strict):
    """Where NATS is. Without ``urls`` it is started from its package."""

    urls: tuple[str, ...] = ()
    port: Port | None = None


class WebConfig(_Strict):
    """The console's listener. Beyond loopback it is always TLS; without a certificate one is made."""

    host: str = "127.0.0.1"
    port: Port = 8700
    certificate: Path | None = None
    key: Path | None = None

    @property
    def tls(self) -> bool:
        """Return whether browsers must speak TLS."""
        return self.certificate is not None or not _is_loopback(self.host)


class DockingConfig(_Strict):
    """Where the tier below comes in; always TLS. ``region`` bounds what may be announced from below."""

    host: str = "127.0.0.1"
    port: Port = 8712


class GatewayConfig(_Strict):
    """Where devices come in."""

    host: str = "127.0.0.1"
    dc09: Port | None = 8707


class IntakeConfig(_Strict):
    """Where devices speak GA/T 1400. Plain, or TLS with ``tls``; without a certificate one is made.

    ``code`` is the node's own 20-digit code as a view library (视图库); without it one is made from the region.
    ``processes`` share the port. Source: 4.3 (GA/T 1400); 6.3.1.
    """

    host: str = "127.0.0.1"
    port: Port = 8701
    tls: bool = False
    certificate: Path | None = None
    key: Path | None = None
    code: Annotated[str, Field(pattern=r"^(\d{20})?$")] = ""
    processes: Annotated[int, Field(ge=1, le=16)] = 1

    @model_validator(mode="after")
    def _both(self) -> "IntakeConfig":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: name both, or neither and one is made")
        if self.certificate and not self.tls:
            raise ValueError("tls: a certificate is named: set tls = true, or remove it")
        return self


class VideoConfig(_Strict):
    """Where GB/T 28181 is spoken, and where pictures flow.

    ``code`` is the node's own 20-digit code as a platform; without it one is made from the region. Devices send to
    ``media_host``, by default the address they reach us at, on the ports from ``rtp_first`` to ``rtp_last``; browsers
    look at ``viewers``, one port for each of the ``workers``. Recordings lie on ``volumes``, by default in the data
    folder, and stop ``reserve_gb`` before a volume is full. Source: 5.4.1, 5.4.3.
    """

    host: str = "127.0.0.1"
    sip: Port = 8706
    code: Annotated[str, Field(pattern=r"^(\d{20})?$")] = ""
    media_host: str = ""
    rtp_first: Port = 40000
    rtp_last: Port = 40499
    viewers: Port = 8705
    workers: Annotated[int, Field(ge=1, le=16)] = 1
    volumes: tuple[Path, ...] = ()
    reserve_gb: Annotated[float, Field(ge=0.1, le=10_000)] = 5.0

    @model_validator(mode="after")
    def _ports(self) -> "VideoConfig":
        if self.rtp_last - self.rtp_first < 2 * self.workers - 1:
            raise ValueError(
                f"rtp_last: {self.workers} workers need at least {2 * self.workers} ports from rtp_first on"
            )
        if self.viewers + self.workers - 1 > 65_535:
            raise ValueError("viewers: each worker needs a port from there on: choose a lower one")
        return self


class S3Config(_Strict):
    """An S3 store for sealed segments of pictures, which are encrypted before. Files leave after ``here_days``."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    access_key: Name
    secret_key: SecretStr
    region: Name = "us-east-1"
    here_days: Annotated[int, Field(ge=1, le=3_650)] = 7


class PicturesConfig(_Strict):
    """How long pictures are kept, at least 90 days, and where beyond this machine. Source: 4.2.3 (storage)."""

    passage_days: Annotated[int, Field(ge=90, le=36_500)] = 90
    face_days: Annotated[int, Field(ge=90, le=36_500)] = 90
    s3: S3Config | None = None

    @property
    def days(self) -> dict[str, int]:
        """Return the days of each retention class."""
        return {"passage": self.passage_days, "face": self.face_days}


class Config(_Strict):
    """One node."""

    tier: Literal["community", "county", "city"]
    data: Path
    processes: Literal["separate", "single"] = "separate"
    node: NodeConfig
    database: DatabaseConfig = DatabaseConfig()
    bus: BusConfig = BusConfig()
    web: WebConfig = WebConfig()
    docking: DockingConfig | None = None
    gateway: GatewayConfig | None = None
    intake: IntakeConfig | None = None
    video: VideoConfig | None = None
    pictures: PicturesConfig = PicturesConfig()
    backups: Path | None = None

    @property
    def backup_folder(self) -> Path:
        """Return where backups go; on another disk than the data they are worth more."""
        return self.backups or self.data / "backups"

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the processes this node runs; of several of a kind those beyond the first are numbered."""
        doors = (
            ("docking", self.docking),
            ("gateway", self.gateway or self.video),
            ("intake", self.intake),
            ("media", self.video),
        )
        intakes = range(2, self.intake.processes + 1 if self.intake else 0)
        workers = range(2, self.video.workers + 1 if self.video else 0)
        return (
            "web",
            "worker",
            *(role for role, door in doors if door is not None),
            *(f"intake-{number}" for number in intakes),
            *(f"media-{number}" for number in workers),
        )

    @property
    def platform(self) -> str:
        """Return this node's own code as a platform of GB/T 28181: type 200. Source: 5.4.3."""
        given = self.video.code if self.video else ""
        industry = "01" if self.tier == "community" else "00"
        return given or f"{self.node.region[:6]}00{industry}2000000001"

    @property
    def volumes(self) -> tuple[Path, ...]:
        """Return the folders recordings lie in."""
        return (self.video.volumes if self.video else ()) or (self.data / "recordings",)

    @property
    def library(self) -> str:
        """Return this node's own code as a view library: type 503, of a community in its industry 01.

        Source: 4.3 (identifiers of GA/T 1400).
        """
        given = self.intake.code if self.intake else ""
        industry = "01" if self.tier == "community" else "00"
        return given or f"{self.node.region[:6]}00{industry}5030000001"

    @model_validator(mode="after")
    def _whole(self) -> "Config":
        if self.tier == "community" and self.docking is not None:
            raise ValueError("docking: a community has no tier below it: remove the table")
        if self.tier != "community" and self.docking is None:
            raise ValueError(f"docking: a {self.tier} needs the table: communities or counties come in there")
        if self.intake and self.intake.processes > 1 and self.processes == "single":
            raise ValueError('intake.processes: one process cannot be several: write processes = "separate"')
        if self.video and self.video.workers > 1 and self.processes == "single":
            raise ValueError('video.workers: one process cannot be several: write processes = "separate"')
        return self


def load(path: Path) -> Config:
    """Return the configuration in ``path``. Raises ConfigError with one line for each mistake."""
    try:
        text = path.read_text(encoding="utf-8")
        return Config.model_validate(_with_data(tomllib.loads(text), path))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}. Write it, or name another with --config."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text: save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}.") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, each) for each in error.errors())) from error


def _with_data(given: dict[str, Any], path: Path) -> dict[str, Any]:
    """A relative data folder lies beside the file, wherever the program is started."""
    if isinstance(data := given.get("data"), str):
        return given | {"data": str((path.parent / data).resolve())}
    return given


def _explain(path: Path, text: str, error: Any) -> str:
    keys = [str(part) for part in error["loc"]]
    words = error["msg"].removeprefix("Value error, ")
    if not keys and ":" in words:
        keys, words = [words.partition(":")[0]], words.partition(":")[2].strip()
    remedy = {
        "missing": "add it",
        "extra_forbidden": "there is no such key: remove it or mend its spelling",
    }.get(error["type"], words[0].lower() + words[1:])
    return f"{path}:{_line(text, keys)}: {'.'.join(keys) or 'file'}: {remedy}."


def _line(text: str, keys: list[str]) -> int:
    """Return the line of the table and key named by ``keys``, the nearest there is."""
    found, table, wanted = 1, "", ".".join(keys[:-1])
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            table = line.strip("[]").strip()
            if keys and table == ".".join(keys):
                return number
            if table == wanted:
                found = number
        elif keys and table == wanted and line.partition("=")[0].strip() == keys[-1]:
            return number
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
