"""Parcels arrive, whatever happens: in order, not twice, and nobody waits for somebody else's dead endpoint."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from structlog.testing import capture_logs

from daemon.outbox.metrics import OutboxCollector
from daemon.outbox.policy import OPENS_AFTER, Answer, Kind
from daemon.outbox.worker import LEASE, Limits
from daemon.storage import outbox
from daemon.storage.engine import Store
from daemon.storage.outbox import Taken
from daemon.storage.tables import OutboxRow
from tests.integration.outbox.desk import (
    AT,
    DOWN,
    TAKEN,
    Hands,
    all_delivered,
    parcel,
    posted,
    rows,
    states,
    working,
)


class TestAdding:
    async def test_a_parcel_is_there_when_the_business_is(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError):
            await self._rolled_back(store)
        assert await rows(store) == []

    async def _rolled_back(self, store: Store) -> None:
        await posted(store)
        async with store.write() as session:
            await outbox.add(session, [parcel("a")], AT)
            raise ZeroDivisionError

    async def test_the_same_message_said_twice_is_one(self, store: Store) -> None:
        await posted(store, parcel("a"), parcel("b"))
        await posted(store, parcel("a"))
        assert len(await rows(store)) == 2


class TestDelivering:
    async def test_what_was_answered_is_kept_and_told(self, store: Store) -> None:
        await posted(store, parcel("a"))
        async with working(store, Hands()) as office:
            [row] = await office.until(all_delivered)
        assert (row.code, row.answer, row.attempts, row.ended_at, row.holder) == ("200", "thanks", 1, AT, None)
        assert [(news.topic, news.team_id, news.ids) for news in office.told] == [("deliveries", 1, (row.id,))]

    async def test_a_failure_is_tried_again_after_its_pause_and_parked_in_the_end(self, store: Store) -> None:
        await posted(store, parcel("a"))
        hands = Hands(lambda _: DOWN)
        async with working(store, hands) as office:
            [row] = await office.until(lambda found: found[0].attempts == 1)
            assert row.next_at is not None
            assert 9 < (row.next_at - AT).total_seconds() <= 10
            office.later(11)
            await office.until(lambda found: found[0].attempts == 2)
            office.later(21)
            [row] = await office.until(lambda found: found[0].state == "parked")
        assert (row.attempts, row.code, hands.sent) == (3, "503", ["a"] * 3)

    async def test_a_deliverer_with_a_mistake_in_it_harms_nobody_else(self, store: Store) -> None:
        def wrong(taken: Taken) -> Answer:
            return [TAKEN][len(taken.parcel.line)]

        await posted(store, parcel("a", "wrong"), parcel("b"))
        async with working(store, Hands(wrong)) as office:
            first, second = await office.until(lambda found: found[0].attempts == 1 and found[1].attempts == 1)
        assert (first.state, first.code, first.answer) == ("waiting", "error", "IndexError")
        assert second.state == "delivered"

    async def test_hostile_answers_are_kept_as_text(self, store: Store) -> None:
        await posted(store, parcel("a"))
        async with working(
            store, Hands(lambda _: Answer(Kind.TAKEN, "200", "<script>\x00\r\n" + "x" * 10**6))
        ) as office:
            [row] = await office.until(all_delivered)
        assert row.answer.startswith("<script>�\r\n")
        assert len(row.answer) == outbox.KEPT_TEXT


class TestOrder:
    async def test_one_line_goes_one_after_the_other_and_others_pass(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1"), parcel("2", "order:1"), parcel("other", "order:2"))
        hands = Hands(lambda taken: None if taken.parcel.payload["what"] == "1" else TAKEN)
        async with working(store, hands) as office:
            await office.until(lambda found: found[2].state == "delivered")
            assert hands.sent == ["1", "other"]
            hands.go.set()
            await office.until(all_delivered)
        assert hands.sent == ["1", "other", "2"]

    async def test_the_next_one_waits_while_the_first_is_tried_again(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1"), parcel("2", "order:1"))
        answers = iter([DOWN, TAKEN, TAKEN, TAKEN, TAKEN])
        hands = Hands(lambda _: next(answers))
        async with working(store, hands) as office:
            await office.until(lambda found: found[0].attempts == 1)
            await posted(store, parcel("3", "order:1"), parcel("other"))
            await office.until(lambda found: found[3].state == "delivered")
            assert hands.sent == ["1", "other"]
            office.later(11)
            await office.until(all_delivered)
        assert hands.sent == ["1", "other", "1", "2", "3"]

    async def test_a_parked_one_lets_the_later_ones_pass(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1"), parcel("2", "order:1"))
        gone = Answer(Kind.REFUSED, "410")
        async with working(
            store, Hands(lambda taken: gone if taken.parcel.payload["what"] == "1" else TAKEN)
        ) as office:
            await office.until(lambda found: found[1].state == "delivered")
        assert await states(store) == ["parked", "delivered"]

    async def test_lines_of_two_endpoints_do_not_wait_for_each_other(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1", "dead"), parcel("2", "order:1", "crm"))
        hands = Hands(lambda taken: None if taken.parcel.endpoint == "dead" else TAKEN)
        async with working(store, hands) as office:
            await office.until(lambda found: found[1].state == "delivered")

    async def test_discarding_the_first_of_a_line_hurries_the_next(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1"), parcel("2", "order:1"))
        async with working(
            store, Hands(lambda taken: DOWN if taken.parcel.payload["what"] == "1" else TAKEN)
        ) as office:
            await office.until(lambda found: found[0].attempts == 1)
            async with store.write() as session:
                first = await session.scalar(select(OutboxRow).where(OutboxRow.id == (await rows(store))[0].id))
                assert first is not None
                await outbox.discard(session, first, office.at)
            await office.until(lambda found: found[1].state == "delivered")


class TestTrouble:
    async def test_an_endpoint_that_hangs_holds_up_nobody_else(self, store: Store) -> None:
        await posted(store, *(parcel(f"dead {n}", "", "dead") for n in range(50)), parcel("alive"))
        hands = Hands(lambda taken: None if taken.parcel.endpoint == "dead" else TAKEN)
        async with working(store, hands, limits=Limits(in_all=20, per_endpoint=4)) as office:
            await office.until(lambda found: found[50].state == "delivered")
        assert len(hands.sent) == 5

    async def test_a_dead_endpoint_is_not_asked_again_and_again_and_no_attempts_are_lost(self, store: Store) -> None:
        await posted(store, *(parcel(str(n)) for n in range(40)))
        well = False
        hands = Hands(lambda _: TAKEN if well else DOWN)
        async with working(store, hands, limits=Limits(per_endpoint=2)) as office:
            await office.until(lambda _: bool(office.worker.open_circuits()))
            asked = len(hands.sent)
            assert OPENS_AFTER <= asked <= OPENS_AFTER + 1
            office.later(10.5)
            await office.until(lambda found: sum(row.attempts for row in found) == asked + 1)
            well = True
            office.later(60)
            await office.until(all_delivered)
        assert office.worker.open_circuits() == ()

    async def test_what_a_dead_process_held_goes_again_when_its_lease_ends(self, store: Store) -> None:
        await posted(store, parcel("1", "order:1"), parcel("2", "order:1"))
        async with store.write() as session:
            [held] = await outbox.take(session, "webhook", "crm", 5, "dead", AT, AT + LEASE)
        hands = Hands()
        async with working(store, hands) as office:
            if not store.is_sqlite:  # a SQLite file has one process: what is held there is nobody's
                await posted(store, parcel("3"))
                await office.until(lambda found: found[2].state == "delivered")
                assert hands.sent == ["3"]
                office.later(LEASE.total_seconds() + 1)
            found = await office.until(all_delivered)
        assert [what for what in hands.sent if what != "3"] == ["1", "2"]
        assert found[0].message_id == held.parcel.message_id

    async def test_leases_are_renewed_while_it_is_under_way(self, store: Store) -> None:
        await posted(store, parcel("1"))
        hands = Hands(lambda _: None)
        async with working(store, hands) as office:
            await office.until(lambda found: found[0].holder == "one")
            for _ in range(5):
                office.later(LEASE.total_seconds() * 0.7)
                await office.until(lambda found: found[0].next_at is not None and found[0].next_at > office.at)
            hands.go.set()
            await office.until(all_delivered)
        assert hands.sent == ["1"]

    async def test_a_stopped_worker_lets_go_of_what_it_holds(self, store: Store) -> None:
        await posted(store, parcel("1"))
        async with working(store, Hands(lambda _: None)) as office:
            await office.until(lambda found: found[0].holder == "one")
        [row] = await rows(store)
        assert (row.state, row.holder, row.attempts, row.next_at) == ("waiting", None, 0, AT)

    async def test_a_result_that_comes_after_the_lease_was_lost_changes_nothing_unless_it_is_there(
        self, store: Store
    ) -> None:
        await posted(store, parcel("1"), parcel("2"))
        async with store.write() as session:
            first, second = await outbox.take(session, "webhook", "crm", 5, "slow", AT, AT)
            await outbox.take(session, "webhook", "crm", 5, "quick", AT, AT + LEASE)
            late = outbox.Settled(first.id, "parked", "500", "")
            await outbox.settle(session, [late, outbox.Settled(second.id, "delivered", "200", "")], "slow", AT)
        assert await states(store) == ["waiting", "delivered"]


class TestTwoWorkers:
    async def test_no_parcel_is_taken_twice_and_lines_keep_their_order(self, store: Store) -> None:
        if store.is_sqlite:
            pytest.skip("a SQLite file has one worker: what another holds, it takes over when it begins")
        chance = random.Random(7)
        lines = [f"order:{n}" for n in range(12)]
        await posted(store, *(parcel(f"{line} {n:02}", line) for n in range(12) for line in lines))
        there: dict[str, list[str]] = defaultdict(list)

        def now_and_then(taken: Taken) -> Answer:
            if chance.random() < 0.2:
                return Answer(Kind.LATER, "500") if taken.attempts < 1 else TAKEN
            return TAKEN

        class Noting(Hands):
            async def deliver(self, taken: Taken) -> Answer:
                await asyncio.sleep(0)
                answer = await super().deliver(taken)
                if answer.kind is Kind.TAKEN:
                    there[taken.parcel.line].append(str(taken.parcel.payload["what"]))
                return answer

        other = Store(store.url)
        try:
            async with (
                working(store, Noting(now_and_then), "one") as one,
                working(other, Noting(now_and_then), "two") as two,
            ):

                def done_or_later(found: object) -> bool:
                    one.later(1)
                    two.at = one.at
                    two.worker.wake()
                    return all_delivered(found)  # type: ignore[arg-type]

                await one.until(done_or_later)
        finally:
            await other.close()
        assert all(there[line] == [f"{line} {n:02}" for n in range(12)] for line in lines)


async def test_old_ones_are_swept_and_what_waits_is_kept(store: Store) -> None:
    await posted(store, parcel("1"), parcel("2", "", "dead"))
    async with working(store, Hands(lambda taken: TAKEN if taken.parcel.endpoint == "crm" else DOWN)) as office:
        await office.until(lambda found: found[0].state == "delivered" and found[1].attempts == 1)
    async with store.write() as session:
        assert await outbox.forget(session, AT) == 0
        assert await outbox.forget(session, AT + LEASE) == 1
        assert await session.scalar(select(func.count()).select_from(OutboxRow)) == 1


async def test_an_outage_is_said_once_when_it_comes_and_once_when_it_goes_and_the_metrics_tell_it(store: Store) -> None:
    await posted(store, *(parcel(str(n)) for n in range(20)))
    well = False
    registry = CollectorRegistry()
    with capture_logs() as said:
        async with working(store, Hands(lambda _: TAKEN if well else DOWN)) as office:
            registry.register(OutboxCollector(office.worker, lambda: office.at))
            await office.until(lambda _: bool(office.worker.open_circuits()))
            assert registry.get_sample_value("workorderd_outbox_endpoints_down") == 1
            assert (
                registry.get_sample_value("workorderd_outbox_depth", {"channel": "webhook", "state": "waiting"}) == 20
            )
            assert registry.get_sample_value("workorderd_outbox_oldest_seconds", {"channel": "webhook"}) == 0
            failed = sum(row.attempts for row in await rows(store))
            office.later(11)
            await office.until(lambda found: sum(row.attempts for row in found) > failed)
            well = True
            await office.until(lambda found: office.later(1) is None and all_delivered(found))
    events = [each["event"] for each in said if each["event"].startswith("outbox_endpoint")]
    assert events == ["outbox_endpoint_down", "outbox_endpoint_up_again"]
    done = {"channel": "webhook", "outcome": "delivered"}
    assert registry.get_sample_value("workorderd_outbox_attempts_total", done) == 20
