"""SIP endpoints on real sockets: each request handled once whatever is lost, streams agreed and ended on both sides."""

import asyncio

import pytest

from anju.errors import DeviceSilent, SipRefused
from anju.protocols import digest, sdp
from anju.protocols.sip import MANSCDP, Request, Response, parse
from anju.wire.sip import Dialog, Incoming, Peer, SipEndpoint
from anju.wire.sip_registration import Registration
from tests.wire.sip_sides import CAMERA, HOME, Side, road, side, within

OFFER = sdp.Description(owner="51080200012000000001", host="127.0.0.1", port=30020, ssrc="0802000017").encode()
ANSWER = sdp.Description(owner="51080201011320000001", host="127.0.0.1", port=6000, direction="sendonly").encode()
BODY = "<Notify><Name>东门</Name></Notify>".encode("gb18030")


async def ask(asker: Side, other: Side, transport: str = "udp", *, port: int = 0, within_s: float = 10.0) -> Response:
    peer = other.peer(transport, port)
    return await asker.endpoint.request(
        peer, "MESSAGE", CAMERA, from_=HOME, to=CAMERA, body=BODY, content_type=MANSCDP, within_s=within_s
    )


class Agreeing:
    """Answers an INVITE with a stream, and keeps the dialogs."""

    def __init__(self, *, wait: asyncio.Event | None = None) -> None:
        self.dialogs, self.reasons, self._wait = list[Dialog](), list[str](), wait
        self.over = asyncio.Event()

    async def __call__(self, incoming: Incoming) -> None:
        if self._wait:
            await self._wait.wait()
        dialog = incoming.dialog()
        dialog.on_bye = self._ended
        self.dialogs.append(dialog)
        await incoming.reply(200, headers=[("Content-Type", "APPLICATION/SDP")], body=ANSWER)

    async def _ended(self, reason: str) -> None:
        self.reasons.append(reason)
        self.over.set()


async def invite(asker: Side, peer: Peer, within_s: float = 10.0) -> Dialog:
    subject = [("Subject", "51080201011320000001:0802000017,51080200012000000001:0")]
    return await asker.endpoint.invite(
        peer, CAMERA, from_=HOME, to=CAMERA, sdp=OFFER, headers=subject, within_s=within_s
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_message_is_asked_and_answered(transport: str) -> None:
    async with side() as home, side() as camera:
        given = await ask(home, camera, transport)
        (asked,) = camera.asked
    assert (given.status, asked.request.body, asked.request.content_type) == (200, BODY, "application/manscdp+xml")
    assert (asked.peer.transport, asked.request.to_tag) == (transport, "")
    assert f"127.0.0.1:{home.endpoint.port};rport" in asked.request.headers.get("Via")


@pytest.mark.parametrize("way", ["there", "back"])
async def test_what_is_lost_on_the_way_is_repeated_and_handled_once(way: str) -> None:
    async with (
        side() as home,
        side() as camera,
        road(camera.endpoint.port, lambda to, n: to == way and n < 3) as (_, port),
    ):
        given = await within(10, ask(home, camera, port=port))
    assert (given.status, camera.methods) == (200, ["MESSAGE"])
    assert home.endpoint.counters["repeated"] == 2


async def test_a_repeat_gets_the_same_answer_though_the_handler_is_not_asked_again() -> None:
    async with (
        side() as home,
        side() as camera,
        road(camera.endpoint.port, lambda to, n: to == "back" and n < 3) as (_, port),
    ):
        given = await within(10, ask(home, camera, port=port))
    assert camera.endpoint.counters["repeats absorbed"] == 2
    assert given.to_tag
    assert given.to_tag == camera.asked[0]._tag


async def test_who_never_answers_is_silent() -> None:
    async with side() as home, side() as camera, road(camera.endpoint.port, lambda *_: True) as (_, port):
        with pytest.raises(DeviceSilent):
            await within(5, ask(home, camera, port=port, within_s=0.8))
    assert home.endpoint.counters["silent"] == 1


async def test_nobody_at_the_other_end_of_tcp_is_silent_at_once() -> None:
    async with side() as home, side() as camera:
        gone = camera.peer("tcp")
        await camera.endpoint.close()
        with pytest.raises(DeviceSilent):
            await within(5, home.endpoint.request(gone, "MESSAGE", CAMERA, from_=HOME, to=CAMERA))


async def test_a_connection_that_breaks_ends_the_waiting() -> None:
    held = asyncio.Event()

    async def hold(_: Incoming) -> None:
        await held.wait()

    async with side() as home, side(MESSAGE=hold) as camera:
        asking = asyncio.ensure_future(ask(home, camera, "tcp", within_s=30))
        await within(5, camera.heard.wait())
        await camera.endpoint.close()
        with pytest.raises(DeviceSilent):
            await within(5, asking)


async def test_later_requests_go_back_over_the_connection_that_came() -> None:
    async with side() as home, side() as camera:
        await ask(camera, home, "tcp")
        came = home.asked[0].peer
        given = await within(5, home.endpoint.request(came, "MESSAGE", CAMERA, from_=HOME, to=CAMERA))
    assert (given.status, came.port != camera.endpoint.port) == (200, True)


async def test_a_handler_that_fails_answers_500() -> None:
    async def fail(_: Incoming) -> None:
        raise ValueError("of no use")

    async def forget(_: Incoming) -> None:
        return

    async with side() as home, side(MESSAGE=fail, INFO=forget) as camera:
        given = await ask(home, camera)
        other = await home.endpoint.request(camera.peer(), "INFO", CAMERA, from_=HOME, to=CAMERA)
    assert (given.status, other.status) == (500, 500)


async def test_a_second_answer_is_not_sent() -> None:
    second = list[bool]()

    async def twice(incoming: Incoming) -> None:
        await incoming.reply(403)
        second.append(await incoming.reply(200))

    async with side() as home, side(MESSAGE=twice) as camera:
        assert (await ask(home, camera)).status == 403
    assert second == [False]


async def test_options_and_unknown_methods_are_answered_without_the_handler() -> None:
    async with side() as home, side() as camera:
        options = await home.endpoint.request(camera.peer(), "OPTIONS", CAMERA, from_=HOME, to=CAMERA)
        other = await home.endpoint.request(camera.peer(), "PUBLISH", CAMERA, from_=HOME, to=CAMERA)
    assert (options.status, other.status, camera.asked) == (200, 405, [])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_stream_is_agreed_steered_and_ended_by_who_asked(transport: str) -> None:
    agreeing = Agreeing()
    async with side() as home, side(INVITE=agreeing) as camera:
        dialog = await within(5, invite(home, camera.peer(transport)))
        await within(5, agreeing.dialogs[0].acked.wait())
        stepped = await within(5, dialog.info(b"PAUSE RTSP/1.0\r\nCSeq: 2\r\n\r\n"))
        assert await within(5, dialog.bye())
        await within(5, agreeing.over.wait())
        left = len(home.endpoint.dialogs) + len(camera.endpoint.dialogs)
    assert (dialog.sdp, agreeing.dialogs[0].sdp, stepped.status) == (ANSWER, OFFER, 200)
    assert camera.methods == ["INVITE", "INFO"]
    assert camera.asked[1].in_dialog is agreeing.dialogs[0]
    assert (agreeing.reasons, left) == (["bye"], 0)


async def test_a_stream_ended_by_the_device_is_told_once() -> None:
    agreeing, told = Agreeing(), list[str]()

    async def ended(reason: str) -> None:
        told.append(reason)

    async with side() as home, side(INVITE=agreeing) as camera:
        dialog = await within(5, invite(home, camera.peer()))
        dialog.on_bye = ended
        await within(5, agreeing.dialogs[0].acked.wait())
        assert await within(5, agreeing.dialogs[0].bye())
        await within(5, dialog.ended.wait())
        assert await dialog.bye()
    assert (told, home.methods) == (["bye"], [])


@pytest.mark.parametrize("lost", [("there", 1), ("back", 2), ("there", 2)], ids=["INVITE", "200", "ACK"])
async def test_a_stream_is_agreed_whatever_of_its_messages_is_lost(lost: tuple[str, int]) -> None:
    agreeing = Agreeing()
    async with (
        side() as home,
        side(INVITE=agreeing) as camera,
        road(camera.endpoint.port, lambda *now: now == lost) as (_, port),
    ):
        dialog = await within(10, invite(home, camera.peer(port=port)))
        await within(10, agreeing.dialogs[0].acked.wait())
        assert await within(10, dialog.bye())
    assert len(agreeing.dialogs) == 1


async def test_a_refusal_is_acknowledged_and_has_its_status() -> None:
    async def busy(incoming: Incoming) -> None:
        await incoming.reply(486)

    async with side() as home, side(INVITE=busy) as camera:
        with pytest.raises(SipRefused) as refused:
            await within(5, invite(home, camera.peer()))
        served = camera.asked[0]._served
        await within(5, served.acked.wait())
    assert refused.value.status == 486


async def test_an_invite_that_waits_too_long_is_cancelled() -> None:
    agreeing = Agreeing(wait=asyncio.Event())
    async with side() as home, side(INVITE=agreeing) as camera:
        with pytest.raises(DeviceSilent):
            await within(5, invite(home, camera.peer(), within_s=0.3))
        await within(5, camera.asked[0].cancelled.wait())
        assert camera.asked[0].answered
        assert not await camera.asked[0].reply(200)


async def test_a_200_that_comes_after_giving_up_is_acknowledged_and_ended() -> None:
    agreeing = Agreeing()
    lost = {("back", 1), ("back", 2)}  # the 100 and the first 200

    async with (
        side() as home,
        side(INVITE=agreeing) as camera,
        road(camera.endpoint.port, lambda *now: now in lost) as (_, port),
    ):
        with pytest.raises(DeviceSilent):
            await within(5, invite(home, camera.peer(port=port), within_s=0.2))
        await within(10, agreeing.over.wait())
    assert (agreeing.reasons, agreeing.dialogs[0].acked.is_set()) == (["bye"], True)
    assert home.endpoint.counters["late 200s ended"] == 1


async def test_a_dialog_is_found_without_our_tag_only_from_its_own_address() -> None:
    agreeing = Agreeing()
    async with side() as home, side(INVITE=agreeing) as camera:
        dialog = await within(5, invite(home, camera.peer()))
        bare = Request("INFO", CAMERA, home.asked[0].request.headers if home.asked else camera.asked[0].request.headers)
        bare.headers.set("To", f"<{CAMERA}>")
        assert camera.endpoint.dialogs.find(bare, Peer("127.0.0.1", 9)) is agreeing.dialogs[0]
        assert camera.endpoint.dialogs.find(bare, Peer("192.0.2.1", 9)) is None
        assert await dialog.bye()


async def test_a_subscription_is_refreshed_and_notified_in_its_dialog() -> None:
    made = list[Dialog]()

    async def subscribed(incoming: Incoming) -> None:
        if incoming.in_dialog is None:
            made.append(incoming.dialog())
        await incoming.reply(200, headers=[("Expires", "3600")])

    async with side() as home, side(SUBSCRIBE=subscribed) as camera:
        event = [("Event", "Catalog;id=1894"), ("Expires", "3600")]
        dialog = await within(5, home.endpoint.subscribe(camera.peer(), CAMERA, from_=HOME, to=CAMERA, headers=event))
        notified = await within(5, made[0].request("NOTIFY", headers=event[:1], body=BODY, content_type=MANSCDP))
        again = await within(5, dialog.request("SUBSCRIBE", headers=event))
    assert (notified.status, again.status, len(made)) == (200, 200, 1)
    assert home.asked[0].in_dialog is dialog
    assert dialog.answer is not None
    assert dialog.answer.expires == 3600


async def test_more_at_once_than_can_be_worked_on_is_told_to_come_later() -> None:
    held = asyncio.Event()

    async def hold(incoming: Incoming) -> None:
        await held.wait()
        await incoming.reply(200)

    async with side() as home:
        camera = SipEndpoint(hold, most_working=1)
        peer = Peer("127.0.0.1", await camera.open("127.0.0.1", 0))
        first = asyncio.ensure_future(home.endpoint.request(peer, "MESSAGE", CAMERA, from_=HOME, to=CAMERA))
        second = asyncio.ensure_future(home.endpoint.request(peer, "MESSAGE", CAMERA, from_=HOME, to=CAMERA))
        assert (await within(5, second)).status == 503
        held.set()
        assert (await within(5, first)).status == 200
        await camera.close()


@pytest.mark.parametrize("cut", [1, 7, 100])
async def test_a_stream_of_messages_is_answered_however_it_is_cut(cut: int) -> None:
    async with side() as camera:
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.endpoint.port)
        wire = b"".join(_message(number) for number in range(3))
        for start in range(0, len(wire), cut):
            writer.write(wire[start : start + cut])
            await writer.drain()
        answers = b""
        while answers.count(b"SIP/2.0 200") < 3:
            answers += await within(5, reader.read(4096))
        writer.close()
        await writer.wait_closed()
    assert sorted(each.request.cseq[0] for each in camera.asked) == [0, 1, 2]


async def test_noise_is_counted_by_reason_and_changes_nothing() -> None:
    async with side() as camera:
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.endpoint.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + _message(1))
        assert b"200 OK" in await within(5, reader.read(4096))
        writer.close()
        await writer.wait_closed()
    assert [name for name in camera.endpoint.counters if name.startswith("unreadable")] == ["unreadable: no start line"]


class Registrar:
    """Registers who knows the password ``Pw-8x``, with nonces it issued; forgets old ones when told to."""

    def __init__(self) -> None:
        self.nonces, self.granted = ["n0"], list[int | None]()

    async def __call__(self, incoming: Incoming) -> None:
        told = incoming.request.headers.get("Authorization")
        given = digest.read_authorization(told) if told else None
        right = given and given.proves(digest.ha1(given.username, "5108020001", "Pw-8x"), "REGISTER")
        if given and right and given.nonce == self.nonces[-1]:
            self.granted.append(incoming.request.expires)
            await incoming.reply(200, headers=[("Expires", str(incoming.request.expires))])
            return
        stale = ",stale=true" if right else ""
        nonce = f'Digest realm="5108020001",nonce="{self.nonces[-1]}",algorithm=MD5{stale}'
        await incoming.reply(401, headers=[("WWW-Authenticate", nonce)])


def _registration(device: Side, peer: Peer, password: str = "Pw-8x") -> Registration:
    return Registration(
        device.endpoint,
        peer,
        code="51080201011180000001",
        server="51080200012000000001",
        domain="5108020001",
        password=password,
    )


async def test_a_device_registers_refreshes_and_unregisters_with_one_call_id() -> None:
    registrar = Registrar()
    async with side() as device, side(REGISTER=registrar) as home:
        registration = _registration(device, home.peer())
        assert (await within(5, registration.register(3600))).expires == 3600
        await within(5, registration.register(3600))
        await within(5, registration.register(0))
    assert registrar.granted == [3600, 3600, 0]
    assert len({each.request.call_id for each in home.asked}) == 1
    assert [each.request.cseq[0] for each in home.asked] == [1, 2, 3, 4, 5, 6]


async def test_a_wrong_password_is_refused_after_one_try() -> None:
    async with side() as device, side(REGISTER=Registrar()) as home:
        with pytest.raises(SipRefused) as refused:
            await within(5, _registration(device, home.peer(), "guess").register(3600))
    assert (refused.value.status, len(home.asked)) == (401, 2)


async def test_a_registration_follows_where_it_is_sent() -> None:
    registrar = Registrar()
    async with side() as device, side(REGISTER=registrar) as home:

        async def elsewhere(incoming: Incoming) -> None:
            await incoming.reply(302, headers=[("Contact", f"<sip:x@127.0.0.1:{home.endpoint.port}>")])

        async with side(REGISTER=elsewhere) as first:
            await within(5, _registration(device, first.peer()).register(60))
    assert registrar.granted == [60]


def _message(number: int) -> bytes:
    head = (
        f"MESSAGE {HOME} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\nFrom: <{CAMERA}>;tag=1\r\n"
        f"To: <{HOME}>\r\nCall-ID: c\r\nCSeq: {number} MESSAGE\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    assert parse(head.encode() + BODY).body == BODY
    return head.encode() + BODY
