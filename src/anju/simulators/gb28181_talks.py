"""Voices of a simulated device: it fetches what is broadcast to it, and talks with who asks for sound.

Source: GB/T 28181-2016 9.12; 5.2.2.4.
"""

from anju.errors import DeviceSilent, SipRefused
from anju.protocols import sdp
from anju.protocols.manscdp_voice import Broadcast
from anju.protocols.sdp import Description
from anju.protocols.sip import SDP
from anju.simulators.gb28181_answers import Self
from anju.simulators.gb28181_described import described, line_for
from anju.simulators.gb28181_line import UdpLine
from anju.simulators.gb28181_mouth import Mouth
from anju.simulators.gb28181_voice import Voice, offer
from anju.wire.sip import Dialog, Incoming, SipEndpoint


class Talks:
    """All voices of one device, by Call-ID in ``voices``."""

    def __init__(self, endpoint: SipEndpoint, device: Self, mouth: Mouth) -> None:
        self._endpoint, self._device, self._mouth = endpoint, device, mouth
        self.voices = dict[str, Voice]()
        self._dialogs = dict[str, Dialog]()

    async def invited(self, incoming: Incoming, offered: Description) -> None:
        """Talk with who made this offer; who only sends is only heard."""
        host, device = self._endpoint.host(incoming.peer), self._device
        line, dialog = line_for(offered, host), incoming.dialog()
        told = described(offered, device.habits, device.chance, owner=device.code, host=host, port=line.port)
        await incoming.reply(200, headers=[("Content-Type", SDP)], body=told.encode())
        self._begin(dialog, Voice(line, offered.ssrc_number or 1, speaks=offered.direction != sdp.SENDONLY))

    async def fetch(self, told: Broadcast) -> None:
        """Ask for a voice that was announced, and hear it. Raises SipRefused or DeviceSilent."""
        host = self._endpoint.host(self._mouth.peer)
        line = UdpLine(host)
        number = f"{self._device.chance.randrange(10**9):010}"
        wanted = offer(told.target, host, line.port, number).encode()
        subject = [("Subject", f"{told.source}:{number},{told.target}:0")]
        try:
            dialog = await self._endpoint.invite(
                self._mouth.peer,
                f"sip:{told.source}@{self._mouth.domain}",
                from_=f"sip:{told.target}@{self._mouth.domain}",
                to=f"sip:{told.source}@{self._mouth.domain}",
                sdp=wanted,
                headers=subject,
            )
        except (SipRefused, DeviceSilent):
            line.close()
            raise
        self._begin(dialog, Voice(line, int(number), speaks=False))

    async def stop(self, *, bye: bool) -> None:
        """Hang up all, with a word or without."""
        voices, dialogs = list(self.voices.values()), list(self._dialogs.values())
        self.voices.clear()
        self._dialogs.clear()
        for voice in voices:
            await voice.stop()
        for dialog in dialogs:
            if bye:
                await dialog.bye(within_s=1.0)
            else:
                dialog.forget()

    def _begin(self, dialog: Dialog, voice: Voice) -> None:
        self.voices[dialog.call_id], self._dialogs[dialog.call_id] = voice, dialog
        dialog.on_bye = lambda _: self._over(dialog.call_id)
        voice.start()

    async def _over(self, call_id: str) -> None:
        self._dialogs.pop(call_id, None)
        if voice := self.voices.pop(call_id, None):
            await voice.stop()
