"""The command line: every command says what it did in a sentence, and every failure ends with its own exit code."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import structlog
import typer

from anju import __version__
from anju.config import Config, load
from anju.domain.pictures import Count
from anju.errors import AnjuError, BackupError, ConfigError, EngineError

if TYPE_CHECKING:
    from anju.simulators.gb28181_device import Device

EXIT_CONFIG, EXIT_FAILED, EXIT_BROKEN, EXIT_STOPPED = 78, 1, 2, 130
Result = TypeVar("Result")
DEFAULT = Path("/etc/anju/anju.toml")
ConfigOption = Annotated[Path, typer.Option("--config", help="the node's TOML file")]

main = typer.Typer(
    name="anju",
    help="Anju 安居: security platform of residential communities, three tiers in one program.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
audit = typer.Typer(help="The sealed operator log.", no_args_is_help=True)
main.add_typer(audit, name="audit")
site = typer.Typer(help="The whole site as one text file.", no_args_is_help=True)
main.add_typer(site, name="site")
blobs = typer.Typer(help="The kept pictures.", no_args_is_help=True)
main.add_typer(blobs, name="blobs")
simulate = typer.Typer(help="Be devices of many kinds.", invoke_without_command=True)
main.add_typer(simulate, name="simulate")
PASSPHRASE = "ANJU_PASSPHRASE"  # noqa: S105 - the variable's name


@main.command()
def run(config: ConfigOption = DEFAULT) -> None:
    """Start this node: its engines and its processes, until it is told to stop."""
    from anju.app import run_node

    _ended(run_node(_loaded(config), config))


@main.command(hidden=True)
def role(name: str, config: ConfigOption = DEFAULT) -> None:
    """Run one process of a node; started by `anju run`, which hands over the engines' addresses on standard input."""
    from anju.app import run_role
    from anju.supervisor import Addresses

    addresses = Addresses.read(sys.stdin.readline())
    _ended(run_role(name, _loaded(config), addresses))


@main.command("check-config")
def check_config(config: ConfigOption = DEFAULT) -> None:
    """Say whether the configuration is right; each mistake with file, line, key and remedy."""
    found = _loaded(config)
    roles = ", ".join(found.roles)
    typer.echo(f"{config}: right. {found.tier} node {found.node.id} ({found.node.name}); processes: {roles}.")


@main.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@main.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="where the three nodes keep their data")] = None,
    panels: Annotated[int, typer.Option(help="how many simulated alarm panels", min=1, max=500)] = 6,
    *,
    quiet: Annotated[bool, typer.Option(help="panels stay connected and report nothing by themselves")] = False,
) -> None:
    """Start city, county and community on this machine, with simulated panels; print where to log in."""
    from anju.demo import demo_folder, run_demo

    _ended(run_demo(data.resolve() if data else demo_folder(), panels=panels, quiet=quiet))


@simulate.callback()
def panels(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="the node's gateway")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="its DC-09 port")] = 8707,
    first: Annotated[str, typer.Option(help="account of the first panel, hexadecimal")] = "1001",
    panels: Annotated[int, typer.Option(min=1, max=5_000)] = 1,
    rate: Annotated[float, typer.Option(help="reports a second, all panels together", min=0.01, max=5_000)] = 1.0,
    seconds: Annotated[float, typer.Option(min=1)] = 60.0,
    fault: Annotated[
        list[str] | None, typer.Option(help="NAME=SHARE: duplicate, cut, garbage, split, joined, clock_off_s")
    ] = None,
    *,
    udp: Annotated[bool, typer.Option(help="UDP instead of TCP")] = False,
) -> None:
    """Be so many alarm panels, with the faults real ones have; print what was acknowledged."""
    from anju.demo import run_panels

    if context.invoked_subcommand is None:
        faults = dict(_fault(each) for each in fault or ())
        _ended(run_panels(host, port, first=first, panels=panels, rate=rate, seconds=seconds, faults=faults, udp=udp))


@simulate.command()
def vehicles(
    password: Annotated[str, typer.Option(envvar="ANJU_CAMERA_PASSWORD", help="what all cameras log in with")],
    host: Annotated[str, typer.Option(help="the node's intake")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="its GA/T 1400 port")] = 8701,
    first: Annotated[str, typer.Option(help="code of the first camera, 20 digits")] = "51080200011190000001",
    user: Annotated[str, typer.Option(help="user name of all cameras; each its own code if not given")] = "",
    cameras: Annotated[int, typer.Option(min=1, max=5_000)] = 1,
    faces: Annotated[float, typer.Option(help="share of face cameras among them", min=0, max=1)] = 0.0,
    rate: Annotated[float, typer.Option(help="objects a second, all cameras together", min=0.01, max=50_000)] = 1.0,
    seconds: Annotated[float, typer.Option(min=1)] = 60.0,
    batch: Annotated[int, typer.Option(help="objects in one post", min=1, max=1_000)] = 1,
    make: Annotated[list[str] | None, typer.Option(help="habits, in turn; all: every make there is")] = None,
    pictures: Annotated[str, typer.Option(help="none, album (a few, told apart) or fresh")] = "album",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=SHARE: duplicate, cut, garbage, bad_base64, no_plate, misread, clock_off_s", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="the same seed sees the same vehicles")] = 1,
    told: Annotated[Path | None, typer.Option(help="write each acknowledged object here, a JSON line each")] = None,
) -> None:
    """Be so many plate and face cameras that speak GA/T 1400; print what was acknowledged."""
    from anju.demo import run_cameras

    faults = dict(_fault(each) for each in fault or ())
    how = {"first": first, "username": user, "password": password, "faces": faces, "pictures": pictures, "seed": seed}
    _ended(run_cameras(host, port, cameras, rate, seconds, batch=batch, makes=make, faults=faults, told=told, **how))


@simulate.command()
def cameras(
    password: Annotated[str, typer.Option(envvar="ANJU_CAMERA_PASSWORD", help="what all devices register with")],
    host: Annotated[str, typer.Option(help="the node's SIP listener")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="its port")] = 8706,
    server: Annotated[str, typer.Option(help="the node's own code, 20 digits")] = "51080200012000000001",
    first: Annotated[str, typer.Option(help="code of the first camera, 20 digits")] = "51080200011320000001",
    cameras: Annotated[int, typer.Option(min=0, max=2_000)] = 1,
    recorders: Annotated[int, typer.Option(min=0, max=100)] = 0,
    channels: Annotated[int, typer.Option(help="of each recorder", min=1, max=5_000)] = 16,
    seconds: Annotated[float, typer.Option(min=1)] = 3_600.0,
    alarms: Annotated[float, typer.Option(help="alarms a minute, all devices together", min=0, max=6_000)] = 0.0,
    habit: Annotated[list[str] | None, typer.Option(help="habits, in turn; all: every one there is")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE: wrong_password, no_rtp, busy, refuses, silent, loss, reorder, duplicate, "
            "keepalive_late_s, drops_after_s, mute_after_s, clock_off_s",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[list[str] | None, typer.Option(help="FROM/TO: a time without recordings, ISO 8601")] = None,
    local: Annotated[str, typer.Option(help="the address the devices have")] = "127.0.0.1",
    loops: Annotated[Path | None, typer.Option(help="where the coded pictures are kept")] = None,
    seed: Annotated[int, typer.Option(help="the same seed errs the same way")] = 1,
) -> None:
    """Be so many cameras and recorders that speak GB/T 28181, with real pictures; print what was done."""
    from anju.simulators.gb28181_crowd import Wanted, crowd
    from anju.simulators.gb28181_device import Platform
    from anju.simulators.gb28181_habits import HABITS, Faults

    named = sorted(HABITS) if habit == ["all"] else habit or ["book"]
    faults = dict(_fault(each) for each in fault or ())
    many: dict[str, Any] = {"cameras": cameras, "recorders": recorders, "channels": channels, "local": local}
    try:
        gaps = [_gap(each) for each in gap or ()]
        platform = Platform(host, port, server)
        wanted = Wanted(platform, password, first, habits=named, faults=faults, gaps=gaps, seed=seed, **many)
        devices = crowd(wanted, loops or Path(tempfile.gettempdir()) / "anju-loops")
    except (KeyError, TypeError, ValueError) as error:
        known = f"habits are {', '.join(HABITS)}; faults are {', '.join(Faults.__slots__)}"
        typer.echo(f"{error}: {known}", err=True)
        raise typer.Exit(EXIT_CONFIG) from error
    _ended(_played(devices, seconds, alarms))


@audit.command()
def verify(config: ConfigOption = DEFAULT) -> None:
    """Prove the operator log against the anchors of the tier above; exit code 2 names the first broken row."""
    from anju.app import verify_log

    verdict = asyncio.run(verify_log(_loaded(config)))
    typer.echo(verdict.message)
    raise typer.Exit(0 if verdict.ok else EXIT_BROKEN)


@site.command("export")
def site_export(
    file: Annotated[Path, typer.Argument(help="where the text goes; - for the screen")],
    config: ConfigOption = DEFAULT,
    *,
    sealed: Annotated[bool, typer.Option(help="with the devices' credentials, sealed by a passphrase")] = False,
) -> None:
    """Write the site of a running node as one text file."""
    from anju.upkeep import export_site

    text = _done(export_site(_loaded(config), _passphrase(again=True) if sealed else ""))
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    typer.echo(f"{file}: {text.count('[[')} entries, {len(text.encode())} bytes.")


@site.command("import")
def site_import(
    file: Annotated[Path, typer.Argument(help="a site file", exists=True, dir_okay=False)],
    config: ConfigOption = DEFAULT,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="do it; without, it is only shown")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave in use what the file does not name")] = False,
    clone: Annotated[bool, typer.Option("--clone", help="make a copy with fresh ids below the regions")] = False,
    sealed: Annotated[bool, typer.Option(help="ask for the passphrase of sealed credentials")] = False,
) -> None:
    """Show what a site file would add, change and retire, with every mistake by its line; do it with --apply."""
    from anju.control.site_files import Asked
    from anju.upkeep import import_site

    asked = Asked(file.read_text(encoding="utf-8"), _passphrase() if sealed else "", retire=not keep, clone=clone)
    plan = _done(import_site(_loaded(config), asked, apply=apply, done=lambda done: _progress("apply", done, 0)))
    for problem in plan.problems:
        typer.echo(f"{file}:{problem.line}: {problem.message}", err=True)
    for each in plan.differences:
        fields = "".join(f"; {name}: {before!r} -> {after!r}" for name, before, after in each.fields)
        typer.echo(f"{each.what} {each.section} {each.key} {each.title}{fields}")
    for _, name in plan.again:
        typer.echo(f"credential must be given again: {name}")
    if plan.problems:
        raise typer.Exit(EXIT_BROKEN)
    typer.echo(f"{len(plan.differences)} changes {'done' if apply else 'to be done: nothing was written'}.")


@main.command()
def backup(
    target: Annotated[Path, typer.Argument(help="a new folder, or a file that ends in .tar")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Save a running node: database, pictures, keys sealed by a passphrase."""
    from anju.upkeep import at_the_machine, back_up

    found = _loaded(config)
    words = _passphrase(again=True)
    manifest = _done(back_up(found, target, words, told=_progress, more=(config,), by=at_the_machine()))
    rows = sum(each.rows for each in manifest.tables.values())
    stored = sum(each.bytes for each in manifest.files.values())
    typer.echo(f"{target}: {len(manifest.tables)} tables, {rows} rows, {len(manifest.files)} files, {stored} bytes.")
    if manifest.elsewhere:
        typer.echo(f"{len(manifest.elsewhere)} segments of pictures lie in S3 alone and stay there.")
    if manifest.missing:
        typer.echo(
            f"{len(manifest.missing)} segments are missing here: `anju blobs check` names their pictures.", err=True
        )


@main.command()
def restore(
    source: Annotated[Path, typer.Argument(help="a backup: its folder or .tar")],
    config: ConfigOption = DEFAULT,
    *,
    test: Annotated[bool, typer.Option("--test", help="restore beside everything, compare, remove it again")] = False,
) -> None:
    """Make the configuration's empty data folder the node that was saved; compare every table and file."""
    from anju import upkeep

    found = _loaded(config)
    words = _passphrase()
    if test:
        manifest = _done(upkeep.try_restore(source, words, found.backup_folder, told=_progress))
    else:
        manifest = _done(upkeep.restore(found, source, words, told=_progress))
    rows = sum(each.rows for each in manifest.tables.values())
    same = f"{len(manifest.tables)} tables, {rows} rows and {len(manifest.files)} files are as they were saved"
    typer.echo(f"{same}; nothing was kept of it." if test else f"{found.data}: {same}. Start it with `anju run`.")


@blobs.command("check")
def blobs_check(config: ConfigOption = DEFAULT) -> None:
    """Prove every kept picture of a running node; name each that is lost, with its record (exit code 2)."""
    count = _done(_check_pictures(_loaded(config)), stopped="Stopped: the rest was not looked at.")
    faults = ", ".join(f"{number} {fault.value}" for fault, number in count.faults.items()) or "all whole"
    typer.echo(
        f"{count.pictures} pictures ({count.bytes / 1e6:.1f} MB, {count.erased} erased) in {count.segments} segments: "
        f"{faults}. {count.noise_bytes} bytes of pictures that were never acknowledged lie between them."
    )
    raise typer.Exit(0 if count.whole else EXIT_BROKEN)


@blobs.command("repair")
def blobs_repair(
    config: ConfigOption = DEFAULT,
    settled: Annotated[
        float, typer.Option(help="seconds after its last byte until a segment that no row names is removed", min=0)
    ] = 600.0,
) -> None:
    """Seal finished segments, remove what was never acknowledged, fetch harmed files again; then check."""
    _done(_repair_pictures(_loaded(config), settled), stopped="Stopped: what was mended stays so.")
    blobs_check(config)


async def _check_pictures(config: Config) -> Count:
    from anju.picture_check import checking

    async with checking(config) as check:
        async for each in check.run(lambda done, total: _progress("segments", done, total)):
            picture = f" picture {each.blob_id} of {each.record or 'no known record'}" if each.blob_id else ""
            typer.echo(f"{each.fault.value}: {each.segment}{picture}: {each.detail}")
        return check.count


async def _repair_pictures(config: Config, settled: float) -> None:
    from anju.pictures import repair_pictures

    async for each in repair_pictures(config, settled_s=settled):
        typer.echo(f"{each.segment}: {each.what}.")


def _passphrase(*, again: bool = False) -> str:
    """Return the passphrase out of the environment, or typed in."""
    if found := os.environ.get(PASSPHRASE):
        return found
    if not sys.stdin.isatty():
        typer.echo(f"Put the passphrase into the environment as {PASSPHRASE}.", err=True)
        raise typer.Exit(EXIT_CONFIG)
    return str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=again))


def _progress(step: str, done: int, total: int) -> None:
    """Show on a terminal how far it is."""
    if sys.stderr.isatty():
        part = f"{100 * done // total} %" if total else str(done or "")
        typer.echo(f"\r\x1b[K{step} {part}", err=True, nl=False)


def _done(work: Coroutine[Any, Any, Result], *, stopped: str = "Stopped: nothing of it was kept.") -> Result:
    """Run ``work``, which Ctrl-C stops, and return its result; a failure is one sentence and its own exit code."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        typer.echo(stopped, err=True)
        raise typer.Exit(EXIT_STOPPED) from None
    except (EngineError, BackupError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code if isinstance(error, BackupError) else error.code) from error
    except AnjuError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_FAILED) from error


def _fault(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise typer.BadParameter(f"{text}: write it as NAME=SHARE, e.g. duplicate=0.1") from None


def _gap(text: str) -> tuple[datetime, datetime]:
    start, _, end = text.partition("/")
    try:
        return datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC)
    except ValueError:
        raise typer.BadParameter(f"{text}: write it as FROM/TO, e.g. 2026-03-01T07:00/2026-03-01T07:07") from None


async def _played(devices: "Sequence[Device]", seconds: float, alarms: float) -> None:
    from anju.simulators.gb28181_crowd import play

    typer.echo(f"{len(devices)} devices; the first start draws and codes their pictures, which takes a while.")
    done = await play(devices, seconds, alarms_a_minute=alarms)
    told = ", ".join(f"{done[each]} {each}" for each in ("registered", "keepalives", "alarms", "refused", "streams"))
    typer.echo(f"At the end: {told}.")


def _loaded(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from error


def _ended(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends or we are told to stop; say in one sentence why it could not start."""
    from anju.app import run_until_told

    _write_log()
    try:
        run_until_told(work)
    except EngineError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.code) from error
    except AnjuError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_FAILED) from error


def _write_log() -> None:
    """Write the program's own log as JSON lines to standard error, or in words to a terminal."""
    words = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(_json)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            words,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _json(value: object, **options: object) -> str:
    return json.dumps(value, ensure_ascii=False, **options)  # type: ignore[arg-type]
