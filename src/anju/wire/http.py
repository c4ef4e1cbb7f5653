"""HTTP client for the tier above: one pinned certificate, every request signed, every wait limited."""

import ssl
from collections.abc import Callable
from datetime import datetime

import httpx2

from anju.errors import UpperAway
from anju.wire import signing

CONNECT_S = 5.0
ANSWER_S = 15.0


class SignedClient:
    """Sends signed requests to one base URL. Raises UpperAway where no whole answer comes in time."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext,
        *,
        sign: signing.Sign,
        node: str,
        epoch: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = httpx2.AsyncClient(base_url=url, verify=context, trust_env=False)
        self._sign, self._node, self._epoch, self._clock = sign, node, epoch, clock

    async def send(self, method: str, path: str, body: bytes = b"", *, wait_s: float = ANSWER_S) -> tuple[int, bytes]:
        """Return (status, body). A repeat of the same call is signed anew."""
        headers = signing.headers(
            self._sign, method=method, path=path, body=body, node=self._node, epoch=self._epoch, at=self._clock()
        )
        try:
            limits = httpx2.Timeout(wait_s, connect=CONNECT_S)
            answer = await self._client.request(method, path, content=body, headers=headers, timeout=limits)
        except (httpx2.HTTPError, OSError) as error:
            raise UpperAway(f"{type(error).__name__}: {error}") from error
        return answer.status_code, answer.content

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()
