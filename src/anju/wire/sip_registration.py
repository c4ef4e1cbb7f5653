"""Registering somewhere by SIP, as a device or a platform does: digest, refresh, redirection, unregistering.

Source: GB/T 28181-2016 chapter 9.1, RFC 3261 chapter 10; 5.4.3.
"""

import secrets
from collections.abc import Iterable

from anju.errors import SipRefused, WireError
from anju.protocols import digest
from anju.protocols.sip import Response, host_of
from anju.wire.sip import Peer, SipEndpoint

_TRIES = 4  # unknown, challenged, stale, redirected


class Registration:
    """One registration of ``code`` at the server ``server``, both 20-digit codes, in ``domain``.

    ``peer`` is where it registers, and where it was sent on to. ``username`` is ``code`` where none is given.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        peer: Peer,
        *,
        code: str,
        server: str,
        domain: str,
        password: str,
        username: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._endpoint, self.peer = endpoint, peer
        self._code, self._server, self._domain = code, server, domain
        self._username, self._password, self._headers = username or code, password, tuple(headers)
        self._call_id, self._tag, self._cseq = f"{secrets.token_hex(10)}@{domain}", secrets.token_hex(5), 0

    async def register(self, expires: int, *, within_s: float = 10.0) -> Response:
        """Register for ``expires`` seconds, 0 ends it; return the 200. Raises SipRefused or DeviceSilent.

        ``Response.expires`` says what the server grants. A registration renewed keeps its Call-ID.
        """
        authorization, given = "", await self._ask(expires, "", within_s)
        for _ in range(_TRIES):
            if given.status == 302 and (peer := self._sent_on(given)):
                self.peer, authorization = peer, ""
            elif given.status == 401 and self._worth_it(given, authorization):
                authorization = self._proof(given)
            else:
                break
            given = await self._ask(expires, authorization, within_s)
        if given.status >= 300:
            raise SipRefused(given.status, given.reason)
        return given

    async def _ask(self, expires: int, authorization: str, within_s: float) -> Response:
        self._cseq += 1
        own = f"sip:{self._code}@{self._domain}"
        headers = [("Expires", str(expires)), *self._headers]
        headers += [("Authorization", authorization)] if authorization else []
        return await self._endpoint.request(
            self.peer,
            "REGISTER",
            self._uri,
            from_=f"<{own}>;tag={self._tag}",
            to=own,
            headers=headers,
            call_id=self._call_id,
            cseq=self._cseq,
            within_s=within_s,
        )

    @property
    def _uri(self) -> str:
        return f"sip:{self._server}@{self._domain}"

    def _worth_it(self, given: Response, authorization: str) -> bool:
        """Return whether proving the password may help: the first time, and again where only the nonce was old."""
        return not authorization or self._challenge(given).stale

    def _proof(self, given: Response) -> str:
        asked = self._challenge(given)
        return digest.authorization(
            digest.answered(asked, self._username, self._password, method="REGISTER", uri=self._uri)
        )

    def _challenge(self, given: Response) -> digest.Challenge:
        try:
            return digest.read_challenge(given.headers.get("WWW-Authenticate"))
        except WireError as error:
            raise SipRefused(given.status, "a challenge that cannot be read") from error

    def _sent_on(self, given: Response) -> Peer | None:
        host, port = host_of(given.headers.get("Contact"))
        return Peer(host, port or 5060, self.peer.transport) if host else None
