"""The way to a GB/T 28181 device: messages to where it registered from, in its charset; questions and their answers.

Source: 5.4.3 (GB/T 28181 messages); RFC 3581 (answers and requests go where the last message came from).
"""

from collections.abc import Callable, Iterable

from anju.devices.gb28181_presence import SipPresence
from anju.devices.gb28181_questions import Questions
from anju.domain.devices import Device
from anju.errors import Conflict, SipRefused
from anju.protocols.manscdp import CONTENT_TYPE, Message, write
from anju.protocols.manscdp_text import GB2312, GB18030, UTF_8
from anju.protocols.sip import host_of
from anju.store.sip_registrations import Registration
from anju.wire.sip import Dialog, Peer, SipEndpoint

ANSWER_S = 4.0
"""How long a device may take to acknowledge a message; its answer proper comes later."""
LATEST = "3.0"  # X-GB-Ver of GB/T 28181-2022


class Line:
    """Talks to devices as ``platform``, our own 20-digit code."""

    def __init__(self, endpoint: SipEndpoint, presence: SipPresence, questions: Questions, *, platform: str) -> None:
        self._endpoint, self._presence, self.questions = endpoint, presence, questions
        self.platform, self.domain = platform, platform[:10]

    def registration(self, device: Device) -> Registration:
        """Return where a device is. Raises Conflict with a code of ``domain.video.NO_PICTURE``."""
        found = self._presence.find(device.id)
        if found is None:
            code = "not_registered" if self._presence.last(device.id) is None else "device_offline"
            raise Conflict(code, f"{device.name} is not registered")
        if not self._presence.online(device.id):
            raise Conflict("device_offline", f"{device.name}: {self._presence.why(device.id)}")
        return found

    def peer(self, device: Device) -> Peer:
        """Return where messages to a device go. Raises Conflict."""
        found = self.registration(device)
        host, port = found.host, found.port
        if device.particulars.gb28181.to_contact and (contact := host_of(found.contact))[0]:
            host, port = contact[0], contact[1] or 5060
        return Peer(host, port, "tcp" if found.transport == "tcp" else "udp", found.local_host)

    def uri(self, code: str) -> str:
        """Return the address of a device or channel of ours."""
        return f"sip:{code}@{self.domain}"

    @property
    def me(self) -> str:
        """Return our own address."""
        return self.uri(self.platform)

    def host(self, device: Device) -> str:
        """Return the address a device knows us by. Raises Conflict."""
        return self._endpoint.host(self.peer(device))

    def body(self, device: Device, told: Message) -> bytes:
        """Return a body in the charset a device reads."""
        charset = device.particulars.gb28181.charset
        if not charset:
            registration = self._presence.last(device.id)
            charset = GB18030 if registration and registration.gb_version >= LATEST else GB2312
        return write(told, UTF_8 if charset.lower() == "utf-8" else charset.upper())

    async def send(self, device: Device, told: Message, *, to: str = "", within_s: float = ANSWER_S) -> None:
        """Send a message to a device or a channel of it; return once it is acknowledged.

        Raises Conflict, DeviceSilent, SipRefused.
        """
        code = to or device.account
        response = await self._endpoint.request(
            self.peer(device),
            "MESSAGE",
            self.uri(code),
            from_=self.me,
            to=self.uri(code),
            body=self.body(device, told),
            content_type=CONTENT_TYPE,
            within_s=within_s,
        )
        if response.status >= 300:
            raise SipRefused(response.status, response.reason)

    async def gather(
        self,
        device: Device,
        command: str,
        build: Callable[[int], Message],
        take: Callable[[Message], bool],
        *,
        first_s: float,
        then_s: float,
        to: str = "",
    ) -> bool:
        """Ask, and give each message of the answer to ``take`` until that says it is whole; return whether it did.

        Raises Conflict, SipRefused, or DeviceSilent where not a single message came.
        """
        with self.questions.ask(device.id, command) as waiting:
            await self.send(device, build(waiting.sn), to=to)
            async for told in waiting.each(first_s, then_s):
                if take(told):
                    return True
        return False

    async def ask(
        self, device: Device, command: str, build: Callable[[int], Message], *, within_s: float = 5.0, to: str = ""
    ) -> Message:
        """Ask, and return the one message of the answer. Raises Conflict, SipRefused, DeviceSilent."""
        with self.questions.ask(device.id, command) as waiting:
            await self.send(device, build(waiting.sn), to=to)
            return await waiting.next(within_s)

    async def subscribe(self, device: Device, event: str, told: Message, expires_s: int) -> Dialog:
        """Subscribe to what a device tells of itself. Raises Conflict, SipRefused, DeviceSilent."""
        return await self._endpoint.subscribe(
            self.peer(device),
            self.uri(device.account),
            from_=self.me,
            to=self.uri(device.account),
            headers=_subscription(event, expires_s),
            body=self.body(device, told),
            content_type=CONTENT_TYPE,
            within_s=ANSWER_S,
        )

    async def renew(self, dialog: Dialog, device: Device, event: str, told: Message, expires_s: int) -> int:
        """Renew a subscription in its dialog; return the status. Raises DeviceSilent."""
        response = await dialog.request(
            "SUBSCRIBE",
            headers=_subscription(event, expires_s),
            body=self.body(device, told),
            content_type=CONTENT_TYPE,
            within_s=ANSWER_S,
        )
        return response.status

    async def invite(self, device: Device, code: str, sdp: bytes, *, subject: str, within_s: float) -> Dialog:
        """Ask a channel for a stream. Raises Conflict, SipRefused, DeviceSilent."""
        return await self._endpoint.invite(
            self.peer(device),
            self.uri(code),
            from_=self.me,
            to=self.uri(code),
            sdp=sdp,
            headers=[("Subject", subject)],
            within_s=within_s,
        )

    def dialog(self, peer: Peer, **named: str | int) -> Dialog:
        """Return a dialog of a process that is gone, to end it."""
        return Dialog(
            self._endpoint,
            peer,
            call_id=str(named["call_id"]),
            local=str(named["local"]),
            remote=str(named["remote"]),
            target=str(named["target"]),
            cseq=int(named["cseq"]),
        )


def _subscription(event: str, expires_s: int) -> Iterable[tuple[str, str]]:
    return [("Event", event), ("Expires", str(expires_s))]
