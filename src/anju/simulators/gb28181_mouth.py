"""How a simulated device speaks to its platform: MESSAGEs with its own numbers, in the charset it has a habit of."""

import re

from anju.protocols.manscdp import Message, write
from anju.protocols.sip import MANSCDP, Response
from anju.simulators.gb28181_habits import Habits
from anju.wire.sip import Peer, SipEndpoint

ANSWER_S = 8.0


class Mouth:
    """Tells ``server`` in ``domain``, at ``peer``, what the device ``code`` has to say."""

    def __init__(
        self, endpoint: SipEndpoint, peer: Peer, *, code: str, server: str, domain: str, habits: Habits
    ) -> None:
        self._endpoint, self.peer = endpoint, peer
        self.server, self.domain = server, domain
        self.own, self.to = f"sip:{code}@{domain}", f"sip:{server}@{domain}"
        self._habits = habits
        self._serial = 0

    def serial(self) -> int:
        """Return the next SN."""
        self._serial += 1
        return self._serial

    def written(self, told: Message) -> bytes:
        """Return ``told`` in the charset this device uses, under the declaration it gives."""
        body = write(told, self._habits.charset)
        declared = self._habits.declares
        return re.sub(rb'encoding="[^"]*"', f'encoding="{declared}"'.encode(), body, count=1) if declared else body

    async def tell(self, told: Message, *, call_id: str = "") -> Response:
        """Send ``told``; return the SIP answer. Raises DeviceSilent without one."""
        return await self._endpoint.request(
            self.peer,
            "MESSAGE",
            self.to,
            from_=self.own,
            to=self.to,
            body=self.written(told),
            content_type=MANSCDP,
            call_id=call_id,
            within_s=ANSWER_S,
        )
