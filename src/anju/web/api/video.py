"""Pictures of a camera: live and recorded by ticket, one picture, and what is recorded when.

Source: 5.4.1 (recording), 5.4.2 (live video), 4.2.1.2 (playback), 6.3.2 (no data without rights).
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from anju.domain.recording import Source
from anju.domain.rights import Action, Located
from anju.domain.video import Channel, Grade, Purpose
from anju.domain.viewing import Viewing
from anju.errors import Invalid
from anju.security.stream_tickets import ACTION
from anju.store import channels
from anju.web.context import Caller, Here, Me
from anju.web.streams import Streams, streams
from anju.web.timelines import LONGEST, timeline
from anju.web.words import Body, Name, Time

router = APIRouter(prefix="/video/channels", tags=["video"])
LONGEST_PLAYED = timedelta(hours=24)
Out = Annotated[Streams, Depends(streams)]
Moment = Annotated[Time, Query()]


class LiveIn(Body):
    """Which of the camera's streams is wanted."""

    grade: Grade = Grade.MAIN


class PlaybackIn(Body):
    """Which recording is wanted, and whose."""

    start: Time
    end: Time
    source: Source = Source.PLATFORM


@router.post("/{channel_id}/live")
async def live(channel_id: Name, wanted: LiveIn, me: Me, here: Here, out: Out, request: Request) -> dict[str, Any]:
    """Where the live picture is: a WebSocket that opens once, within a minute. 409 ``no_video`` on nodes without."""
    channel = await seen(me, here, channel_id, ACTION[Purpose.LIVE])
    return _answer(out, me, Viewing(channel.id, Purpose.LIVE, wanted.grade), channel, request)


@router.post("/{channel_id}/playback")
async def playback(
    channel_id: Name, wanted: PlaybackIn, me: Me, here: Here, out: Out, request: Request
) -> dict[str, Any]:
    """Where the recording of at most 24 hours is played: as ``live``."""
    channel = await seen(me, here, channel_id, ACTION[Purpose.PLAYBACK])
    if not timedelta(0) < wanted.end - wanted.start <= LONGEST_PLAYED:
        raise Invalid("bad_span", "a playback ends after it begins, within 24 hours")
    viewing = Viewing(channel.id, Purpose.PLAYBACK, Grade.MAIN, wanted.start, wanted.end, wanted.source)
    return _answer(out, me, viewing, channel, request)


@router.get("/{channel_id}/snapshot", response_class=Response)
async def snapshot(channel_id: Name, me: Me, here: Here, out: Out) -> Response:
    """One JPEG of now. 503 with why there is none; the operator log says who took it."""
    channel = await seen(me, here, channel_id, Action.VIDEO_LIVE)
    async with me.acting("video.snapshot", channel.id):
        return Response(await out.snapshot(channel.id), 200, {"Cache-Control": "no-store"}, "image/jpeg")


@router.get("/{channel_id}/timeline")
async def recorded(channel_id: Name, since: Moment, until: Moment, me: Me, here: Here) -> dict[str, Any]:
    """What is recorded from ``since`` to ``until``, at most 31 days: segments, gaps with why, alarms, locks."""
    channel = await seen(me, here, channel_id, Action.VIDEO_PLAYBACK)
    if not timedelta(0) < until - since <= LONGEST:
        raise Invalid("bad_span", "a time line ends after it begins, within 31 days")
    alarms = await here.rights.may(me.principal, Action.ALARMS_READ)
    return await timeline(here.db, channel, since, until, may=alarms)


async def seen(me: Caller, here: Here, channel_id: str, action: str) -> Channel:
    """Return a camera with which the caller may do ``action``. Raises Forbidden, NotFound."""
    return (await channels.find(here.db, await me.may(action), channel_id)).channel


def _answer(out: Streams, me: Caller, viewing: Viewing, channel: Channel, request: Request) -> dict[str, Any]:
    at = Located(channel.place_path, channel.jurisdiction)
    url, expires_at = out.address(viewing, me.principal, me.session.id, at, host=request.url.hostname or "")
    return {"url": url, "expires_at": expires_at}
