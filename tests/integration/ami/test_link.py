"""What a link promises, held against a peer that misbehaves. Each defect of panoramisk 1.4 has its contract here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from daemon.ami.errors import AmiDown, AmiInvalid, AmiRefused, AmiTimeout
from daemon.ami.frames import Frame
from daemon.ami.link import State
from daemon.ami.protocol import SafeProtocol
from tests.integration.ami.scripted import BANNER, DEADLINE, Ears, ScriptedAsterisk, answer, frame, join, linked


@pytest.fixture
async def pbx() -> AsyncIterator[ScriptedAsterisk]:
    peer = ScriptedAsterisk()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def ears() -> Ears:
    return Ears()


# --- the life of a link ------------------------------------------------------------------------------------------


async def test_a_link_comes_up_and_delivers_several_frames_of_one_read_in_order(
    pbx: ScriptedAsterisk, ears: Ears
) -> None:
    async with linked(pbx.port, ears) as link:
        peer = await pbx.peer()
        await ears.until("up")
        assert link.state is State.UP
        assert link.up_since == 1_800_000_000.5
        peer.send(join("1.1") + frame("Event: RTCPSent", "Uniqueid: 9") + join("1.2") + join("1.3"))
        frames = await ears.until_frames(3)
    assert [f.headers["Uniqueid"] for f in frames] == ["1.1", "1.2", "1.3"]
    assert frames[0].at == 1_800_000_000.5
    assert ears.heard[0] == ("up", 1, None)
    assert ears.heard[-1] == ("down", 1, "closed by us")


async def test_frames_that_come_with_the_log_in_are_told_after_the_link_is_up(
    pbx: ScriptedAsterisk, ears: Ears
) -> None:
    pbx.scripts["Login"] = lambda asked: answer(asked) + join("1.1")
    async with linked(pbx.port, ears):
        await ears.until_frames(1)
    assert [kind for kind, *_ in ears.heard] == ["up", "frames", "down"]


async def test_what_asterisk_said_before_it_went_is_delivered_before_the_link_is_down(
    pbx: ScriptedAsterisk, ears: Ears
) -> None:
    async with linked(pbx.port, ears):
        peer = await pbx.peer()
        await ears.until("up")
        peer.send(frame("Event: Shutdown", "Privilege: system,all", "Shutdown: Cleanly", "Restart: False"))
        peer.send(b"".join(join(f"1.{n}") for n in range(500)))
        peer.drop()
        await ears.until("down")
        assert len(ears.frames) == 500
        await ears.until("up", 2)
    assert [generation for generation, _ in ears.told("up")] == [1, 2]


async def test_a_peer_that_resets_the_connection_ends_the_generation_once(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears):
        peer = await pbx.peer()
        await ears.until("up")
        peer.writer.transport.abort()
        await ears.until("up", 2)
        assert len(ears.told("down")) == 1


async def test_a_cancelled_link_does_not_reconnect(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears) as link:
        peer = await pbx.peer()
        await ears.until("up")
    await asyncio.wait_for(peer.gone.wait(), DEADLINE)
    assert link.state is State.DOWN
    assert pbx.peers.empty()
    with pytest.raises(AmiDown):
        await link.action({"Action": "Ping"})


async def test_unanswered_pings_end_a_half_open_link(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Ping"] = lambda asked: None
    async with linked(pbx.port, ears, ping_interval=0.01, pong_timeout=0.05):
        await ears.until("up", 2)
    assert ears.told("down")[0] == (1, "no answer to Ping in 0.05 s")


async def test_answered_pings_keep_the_link(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears, ping_interval=0.001):
        await pbx.was_asked("Ping", 20)
        assert ears.told("down") == []
        assert len(ears.told("up")) == 1


async def test_an_outage_is_logged_when_it_comes_and_when_it_goes_and_no_secret_ever(ears: Ears) -> None:
    pbx = ScriptedAsterisk()
    await pbx.start()
    with capture_logs() as logs:
        async with linked(pbx.port, ears) as link:
            await ears.until("up")
            await pbx.stop()
            await ears.until("down")
            await pbx.start()
            await ears.until("up", 2)
            assert link.last_error == ""
        await pbx.stop()
    assert [entry["event"] for entry in logs if entry["event"].startswith("ami_link")] == [
        "ami_link_up",
        "ami_link_down",
        "ami_link_up",
    ]
    assert "very-secret" not in repr(logs)


# --- getting in ----------------------------------------------------------------------------------------------------


async def test_a_refused_log_in_is_said_once_and_tried_again_with_the_long_pause(
    pbx: ScriptedAsterisk, ears: Ears
) -> None:
    pbx.scripts["Login"] = lambda asked: answer(asked, "Message: Authentication failed", response="Error")
    with capture_logs() as logs:
        async with linked(pbx.port, ears) as link:
            await pbx.was_asked("Login", 4)
            assert link.state is State.REFUSED
            assert link.last_error == "Authentication failed"
            pbx.scripts["Login"] = answer
            await ears.until("up")
    said = [entry for entry in logs if entry["event"] == "ami_login_refused"]
    assert len(said) == 1
    assert (said[0]["username"], said[0]["host"], said[0]["log_level"]) == ("workorderd", "127.0.0.1", "error")
    assert ears.told("down") == [(1, "closed by us")]


async def test_a_refused_log_in_waits_the_whole_pause(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Login"] = lambda asked: answer(asked, "Message: Authentication failed", response="Error")
    async with linked(pbx.port, ears, backoff_max=600.0):
        peer = await pbx.peer()
        await asyncio.wait_for(peer.gone.wait(), DEADLINE)
        await asyncio.to_thread(lambda: None)
        assert pbx.peers.empty()


@pytest.mark.parametrize("late", [b"", BANNER[:10], BANNER])
async def test_a_server_that_stays_silent_is_left_after_the_time_allowed(ears: Ears, late: bytes) -> None:
    pbx = ScriptedAsterisk(Login=lambda asked: None)
    pbx.banner = late
    await pbx.start()
    async with linked(pbx.port, ears, login_timeout=0.02) as link:
        await pbx.peer()
        await pbx.peer()
        assert "no answer to the log-in" in link.last_error
    assert ears.heard == []
    await pbx.stop()


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
        b"\r\n",
        b"Asterisk\r\n",
        bytes(range(256)),
        BANNER[:-2] + b"x" * 10_000,
    ],
)
async def test_what_does_not_greet_like_asterisk_never_gets_the_secret(ears: Ears, greeting: bytes) -> None:
    pbx = ScriptedAsterisk()
    pbx.banner = greeting
    await pbx.start()
    async with linked(pbx.port, ears) as link:
        await pbx.peer()
        await pbx.peer()
        assert "not an Asterisk Manager Interface" in link.last_error
    assert pbx.asked == []
    await pbx.stop()


async def test_nobody_at_the_port_is_an_outage_like_any_other(ears: Ears) -> None:
    pbx = ScriptedAsterisk()
    await pbx.start()
    await pbx.stop()
    with capture_logs() as logs:
        async with linked(pbx.port, ears):
            await pbx.start()
            await ears.until("up")
        await pbx.stop()
    assert len([entry for entry in logs if entry["event"] == "ami_link_down"]) <= 1


# --- actions -------------------------------------------------------------------------------------------------------


async def test_an_action_without_a_link_is_refused_and_never_sent_later(ears: Ears) -> None:
    pbx = ScriptedAsterisk()
    await pbx.start()
    await pbx.stop()
    async with linked(pbx.port, ears) as link:
        with pytest.raises(AmiDown):
            await link.action({"Action": "Originate", "Channel": "PJSIP/1"})
        await pbx.start()
        await ears.until("up")
        await pbx.was_asked("ListCommands")
    assert not [asked for asked in pbx.asked if asked["Action"] == "Originate"]
    await pbx.stop()


async def test_an_action_whose_link_is_lost_fails_at_once_and_is_not_replayed(
    pbx: ScriptedAsterisk, ears: Ears
) -> None:
    pbx.scripts["Originate"] = lambda asked: None
    async with linked(pbx.port, ears) as link:
        peer = await pbx.peer()
        await ears.until("up")
        pending = asyncio.gather(
            *(link.action({"Action": "Originate", "Channel": "PJSIP/1"}, 60) for _ in range(3)), return_exceptions=True
        )
        await pbx.was_asked("Originate", 3)
        peer.drop()
        outcomes = await asyncio.wait_for(pending, DEADLINE)
        assert all(isinstance(outcome, AmiDown) for outcome in outcomes)
        await ears.until("up", 2)
        assert (await link.action({"Action": "Ping"})).success
    assert len(await pbx.was_asked("Originate", 3)) == 3


async def test_a_late_answer_is_a_timeout_and_nothing_leaks(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Originate"] = lambda asked: None
    async with linked(pbx.port, ears) as link:
        peer = await pbx.peer()
        await ears.until("up")
        for _ in range(5):
            with pytest.raises(AmiTimeout):
                await link.action({"Action": "Originate"}, 0.01)
        late = [answer(asked) for asked in await pbx.was_asked("Originate", 5)]
        peer.send(b"".join(late) + join("1.1"))
        await ears.until_frames(1)
        await pbx.was_asked("QueueStatus")
        assert (await link.action({"Action": "Ping"})).ping == "Pong"
        assert link._session is not None
        assert link._session.protocol.responses == {}


async def test_originate_without_async_is_answered_and_the_link_lives(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Originate"] = lambda asked: answer(asked, "Message: Originate successfully queued")
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        done = await link.action({"Action": "Originate", "Channel": "PJSIP/1", "Application": "Wait", "Data": "1"})
        assert done.success
        assert ears.told("down") == []


async def test_an_event_that_only_carries_our_action_id_is_no_answer(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Originate"] = lambda asked: (
        frame("Event: OriginateResponse", f"ActionID: {asked['ActionID']}", "Response: Failure", "Reason: 0")
        + answer(asked, "Message: Originate successfully queued")
    )
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        assert (await link.action({"Action": "Originate", "Async": "true"})).success


@pytest.mark.parametrize(
    "message", ["Added interface to queue", "Originate successfully queued", "Variable Set", "Removed"]
)
async def test_answers_of_one_message_resolve_whatever_they_say(
    pbx: ScriptedAsterisk, ears: Ears, message: str
) -> None:
    pbx.scripts["QueueAdd"] = lambda asked: answer(asked, f"Message: {message}")
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        assert (await link.action({"Action": "QueueAdd", "Queue": "q", "Interface": "PJSIP/1"})).message == message


async def test_a_list_comes_whole_while_live_events_go_their_own_way(pbx: ScriptedAsterisk, ears: Ears) -> None:
    def entries(asked: dict[str, str]) -> bytes:
        own = f"ActionID: {asked['ActionID']}"
        return (
            answer(asked, "EventList: start", "Message: Channels will follow")
            + frame("Event: CoreShowChannel", own, "Uniqueid: 1.1")
            + join("7.7")
            + frame("Event: CoreShowChannel", own, "Uniqueid: 1.2")
            + frame("Event: CoreShowChannelsComplete", "EventList: Complete", "ListItems: 2", own)
        )

    pbx.scripts["CoreShowChannels"] = entries
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        whole = await link.action({"Action": "CoreShowChannels"})
        assert [message.get("Uniqueid") for message in whole] == [None, "1.1", "1.2", None]
        items = await link.ask({"Action": "CoreShowChannels"})
        assert [item["Uniqueid"] for item in items] == ["1.1", "1.2"]
        assert [f.headers["Uniqueid"] for f in ears.frames] == ["7.7", "7.7"]


async def test_a_refused_list_is_an_error_to_those_who_ask_for_its_items(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        with pytest.raises(AmiRefused, match="CoreShowChannels: Permission denied"):
            await link.ask({"Action": "CoreShowChannels"})


async def test_many_actions_at_once_get_their_own_answers(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Getvar"] = lambda asked: answer(asked, f"Value: {asked['Variable']}")
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        answers = await asyncio.gather(*(link.action({"Action": "Getvar", "Variable": str(n)}) for n in range(200)))
    assert [found.value for found in answers] == [str(n) for n in range(200)]


async def test_what_can_not_be_written_is_refused_before_anything_is_sent(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears) as link:
        await ears.until("up")
        with pytest.raises(AmiInvalid):
            await link.action({"Action": "Setvar", "Value": "x\r\n\r\nAction: Command\r\nCommand: core stop now"})
        assert (await link.action({"Action": "Ping"})).ping == "Pong"
    assert not [asked for asked in pbx.asked if asked["Action"] in ("Setvar", "Command")]


# --- what arrives ----------------------------------------------------------------------------------------------------


async def test_a_sink_that_raises_costs_its_own_frames_and_is_logged_once(pbx: ScriptedAsterisk) -> None:
    class Clumsy(Ears):
        def on_frames(self, generation: int, frames: list[Frame]) -> None:
            super().on_frames(generation, frames)
            if len(self.frames) < 3:
                raise RuntimeError("clumsy")

    ears = Clumsy()
    with capture_logs() as logs:
        async with linked(pbx.port, ears) as link:
            peer = await pbx.peer()
            await ears.until("up")
            for uniqueid in ("1.1", "1.2", "1.3"):
                peer.send(join(uniqueid))
                await ears.until_frames(int(uniqueid[-1]))
            assert link.state is State.UP
            assert ears.told("down") == []
        assert link.faults == 2
    assert [entry["event"] for entry in logs].count("ami_sink_failed") == 1


async def test_a_letter_cut_by_the_border_of_two_reads_survives(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears):
        peer = await pbx.peer()
        await ears.until("up")
        data = join("1.1", "Ünïcödé 销售") + join("1.2")
        for n in range(len(data)):
            peer.send(data[n : n + 1])
            await peer.writer.drain()
        frames = await ears.until_frames(2)
    assert frames[0].headers["CallerIDName"] == "Ünïcödé 销售"


async def test_a_frame_without_end_is_dropped_and_the_link_goes_on(ears: Ears) -> None:
    class Taken:
        def __init__(self) -> None:
            self.frames: list[Frame] = []

        def received(self, frames: list[Frame]) -> None:
            self.frames += frames

        def noticed(self, event: dict[str, str]) -> None: ...

    taken = Taken()
    pbx = ScriptedAsterisk()
    await pbx.start()
    with capture_logs() as logs:
        _, protocol = await asyncio.get_running_loop().create_connection(
            lambda: SafeProtocol(taken, lambda: 0.0, limit=1000), "127.0.0.1", pbx.port
        )
        peer = await pbx.peer()
        protocol.release()
        for _ in range(2):
            peer.send(b"Event: VarSet\r\nValue: " + b"x" * 5000)
            await peer.writer.drain()
            peer.send(b"\r\n\r\n" + join("1.1"))
        peer.drop()
        await asyncio.wait_for(protocol.lost.wait(), DEADLINE)
    await pbx.stop()
    assert [f.headers["Uniqueid"] for f in taken.frames] == ["1.1", "1.1"]
    assert len([entry for entry in logs if entry["event"] == "ami_frame_too_long"]) <= 1


async def test_garbage_between_frames_does_no_harm(pbx: ScriptedAsterisk, ears: Ears) -> None:
    async with linked(pbx.port, ears):
        peer = await pbx.peer()
        await ears.until("up")
        garbage = [b"\r\n\r\n\r\n\r\n", bytes(range(256)), b"Response: \r\n\r\n", b"Event: \r\n\r\n", b": : :\r\n\r\n"]
        peer.send(b"\r\n\r\n".join(garbage) + b"\r\n\r\nResponse: Success\r\nActionID: 1\r\nActionID: 2\r\n\r\n")
        peer.send(join("1.1"))
        await ears.until_frames(1)
        assert ears.told("down") == []


async def test_the_link_says_what_the_user_may_not_see(pbx: ScriptedAsterisk, ears: Ears) -> None:
    pbx.scripts["Login"] = answer
    pbx.scripts["ListCommands"] = lambda asked: answer(asked, "QueueStatus: x (Priv: <none>)")
    async with linked(pbx.port, ears) as link:
        peer = await pbx.peer()
        await pbx.was_asked("QueueStatus")
        assert link.version == "22.10.1 (AMI 11.0.0)"
        assert len(link.missing) == 2
        assert "FullyBooted" in link.missing[1]
        peer.send(frame("Event: FullyBooted", "Uptime: 3") + join("1.1"))
        await ears.until_frames(1)
        assert len(link.missing) == 1
        assert link.booted_at == 1_800_000_000.5 - 3
        assert link.classes == {"system", "agent"}


async def test_classes_that_stay_silent_while_calls_end_are_said_and_taken_back_when_they_speak(
    pbx: ScriptedAsterisk, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.ami.link.LOOK", 0.0)
    served = iter(range(10_000))

    def queue_status(asked: dict[str, str]) -> bytes:
        own = f"ActionID: {asked['ActionID']}"
        params = frame("Event: QueueParams", "Queue: support", f"Completed: {next(served)}", "Abandoned: 1", own)
        end = frame("Event: QueueStatusComplete", "EventList: Complete", own)
        return answer(asked, "EventList: start") + params + end

    pbx.scripts["QueueStatus"] = queue_status
    with capture_logs() as logs:
        async with linked(pbx.port, ears, ping_interval=0.001) as link:
            peer = await pbx.peer()
            await pbx.was_asked("QueueStatus", 4)
            assert [f"class {name}" in " ".join(link.missing) for name in ("agent", "call", "dialplan")] == [True] * 3
            peer.send(
                join("1.1")
                + frame("Event: Hangup", "Privilege: call,all", "Uniqueid: 1.1")
                + frame(
                    "Event: VarSet", "Privilege: dialplan,all", "Uniqueid: 1.1", "Variable: QUEUESTATUS", "Value: FULL"
                )
            )
            await ears.until_frames(3)
            assert link.missing == ()
    said = [entry["event"] for entry in logs if entry["event"].startswith("ami_capabilities")]
    assert (said[0], said[-1]) == ("ami_capabilities_missing", "ami_capabilities_complete")
