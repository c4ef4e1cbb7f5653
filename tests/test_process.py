"""What runs together ends together, also where somebody did not hear that it shall."""

import asyncio

import pytest

from anju import process
from anju.process import together


async def test_the_first_that_fails_ends_the_others() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("forever")

    async def fails() -> None:
        raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        await together(forever(), fails())
    assert ended == ["forever"]


async def test_who_lost_the_word_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TOLD_AGAIN_S", 0.05)
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while heard < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard += 1

    task = asyncio.create_task(together(deaf()))
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert heard == 2


async def test_what_ends_by_itself_is_no_failure() -> None:
    await together(asyncio.sleep(0), asyncio.sleep(0.01))
