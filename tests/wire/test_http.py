"""HTTP between our own programs: what is cut short leaves nothing open."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

from anju.wire import tls
from anju.wire.http import SignedClient


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_call_given_up_in_its_handshake_leaves_no_connection_open(tmp_path: Path) -> None:
    greeted, ended = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the first word of a handshake and never answer."""
        await reader.read(1)
        greeted.set()
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
        ended.set()
        writer.close()

    certificate, _ = tls.make_certificate("county", tmp_path, now=now())
    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pinned = tls.pinned(certificate.read_text())
        client = SignedClient(url, pinned, sign=lambda _: bytes(64), node="n", epoch=1, clock=now)
        call = asyncio.create_task(client.send("POST", "/", b""))
        async with asyncio.timeout(10):
            await greeted.wait()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await ended.wait()
        await client.close()
