"""Any bytes in any cut on a listener: answered or cut off, nothing raised, what is held stays bounded.

Run ``python fuzz/fuzz_http.py -max_total_time=60``.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import atheris
import uvicorn
from uvicorn.server import ServerState

with atheris.instrument_imports():
    from anju.devices.viid_http import Exchange, HungUp, No, Room, copied
    from anju.wire.http import HEAD_BYTES, _Protocol

LOOP = asyncio.new_event_loop()
ROOM = Room(200_000)
HEADS = (
    b"POST /VIID/Faces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    b"POST /viid//../Faces?IDList=a,b HTTP/1.1\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /VIID/System/Time HTTP/1.0\r\nUser-Identify: x\r\n\r\n",
    b"",
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read a request as the door for GA/T 1400 does, and answer it."""
    if scope["type"] != "http":
        return
    told = Exchange.of(scope, receive)
    with suppress(HungUp):
        status = await _status(told)
        assert len(copied(told)) < 20_000
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def _status(told: Exchange) -> int:
    try:
        told.check()
        async with told.read(ROOM) as body:
            told.ids(body)
        return 200
    except No as no:
        return no.status


CONFIG = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
CONFIG.load()


class Line(asyncio.Transport):
    """The other end of the line, which swallows everything."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.closed = False

    def write(self, data: Any) -> None:
        """Forget it."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def set_protocol(self, protocol: Any) -> None:
        """Stay with the first."""

    def pause_reading(self) -> None:
        """Go on: there is no more."""

    def resume_reading(self) -> None:
        """Go on."""


def one(data: bytes) -> None:
    """Send ``data`` behind one of the heads, cut as its first bytes say, and hang up."""
    source = atheris.FuzzedDataProvider(data)
    head, cut = source.PickValueInList(list(HEADS)), source.ConsumeIntInRange(1, 200)
    LOOP.run_until_complete(_talk(head + source.ConsumeBytes(60_000), cut))
    assert ROOM.held == 0


async def _talk(data: bytes, cut: int) -> None:
    protocol = _Protocol(config=CONFIG, server_state=ServerState(), app_state={}, _loop=LOOP)
    line = Line()
    protocol.connection_made(line)
    for start in range(0, len(data), cut):
        if line.closed:
            break
        protocol.data_received(data[start : start + cut])
        assert protocol._head_bytes <= HEAD_BYTES + cut
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    for task in list(protocol.tasks):
        await task


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
