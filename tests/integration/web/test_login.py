from __future__ import annotations

import pytest
from sqlalchemy import func, select

from daemon.settings.models import Http
from daemon.storage import sessions
from daemon.storage.engine import Store
from daemon.storage.tables import SessionRow
from tests.integration.web.desk import PASSWORD, Desk, csrf, log_in, open_desk, without


async def rows(desk: Desk) -> int:
    async with desk.store.read() as session:
        return await session.scalar(select(func.count()).select_from(SessionRow)) or 0


async def test_who_is_not_logged_in_is_asked_to_and_then_led_on(desk: Desk) -> None:
    client = desk.visitor()
    answer = await client.get("/work-orders?whose=mine", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fwork-orders%3Fwhose%3Dmine")
    form = await (await client.get(answer.headers["Location"])).text()
    assert 'name="next" value="/work-orders?whose=mine"' in form
    entered = await log_in(client, "anna", onward="/work-orders?whose=mine")
    assert (entered.status, entered.headers["Location"]) == (303, "/work-orders?whose=mine")
    assert (await client.get("/work-orders?whose=mine", allow_redirects=False)).status == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("anna", "incorrect horse"),
        ("nobody", PASSWORD),
        ("locked", PASSWORD),
        ("", ""),
        ("anna", "x" * 5000),
        ("ANNA", PASSWORD),
        ("<script>", "\ud7ff"),
    ],
)
async def test_a_wrong_name_or_password_is_refused_with_one_and_the_same_sentence(
    desk: Desk, username: str, password: str
) -> None:
    client = desk.visitor()
    answer = await log_in(client, username, password)
    text = await answer.text()
    assert answer.status == 401
    assert "Name or password is wrong." in text
    assert "Set-Cookie" not in answer.headers
    assert "<script>" not in text.replace("<script src", "")
    assert password not in text or not password


async def test_the_cookie_is_out_of_reach_for_scripts_and_only_its_hash_is_stored(desk: Desk) -> None:
    answer = await log_in(desk.visitor(), "anna")
    cookie = answer.cookies["workorderd"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    async with desk.store.read() as session:
        row = (await session.scalars(select(SessionRow))).one()
    assert cookie.value not in {row.token_hash, row.csrf}
    assert row.username == "anna"


async def test_with_https_only_the_cookie_is_secure_and_bound_to_the_host(desk_store: Store) -> None:
    async with open_desk(desk_store, Http(secure_cookies=True)) as desk:
        answer = await log_in(desk.visitor(), "anna")
        assert answer.cookies["__Host-workorderd"]["secure"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_a_log_in_never_keeps_the_session_that_was_there_before(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    before = client.session.cookie_jar.filter_cookies(client.make_url("/"))["workorderd"].value
    await log_in(client, "ben")
    after = client.session.cookie_jar.filter_cookies(client.make_url("/"))["workorderd"].value
    assert before != after
    stale = desk.visitor(Cookie=f"workorderd={before}")
    assert (await stale.get("/status", allow_redirects=False)).status == 303
    assert await rows(desk) == 1


async def test_logging_out_ends_the_session(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["workorderd"].value
    answer = await client.post("/logout", data={"csrf": await csrf(client)}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert await rows(desk) == 0
    stolen = desk.visitor(Cookie=f"workorderd={cookie}")
    assert (await stolen.get("/status", allow_redirects=False)).status == 303


async def test_a_session_ends_by_time_and_is_forgotten_at_the_next_log_in(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    desk.clock.pass_by(hours=12)
    assert (await client.get("/status", allow_redirects=False)).status == 303
    await desk.logged_in("ben")
    assert await rows(desk) == 1


async def test_who_left_the_configuration_is_out_at_once(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    desk.accounts = without(desk.accounts, "anna")
    assert (await client.get("/status", allow_redirects=False)).status == 303


async def test_an_admin_can_end_all_sessions_of_a_person(desk: Desk) -> None:
    first, second = await desk.logged_in("anna"), await desk.logged_in("anna")
    async with desk.store.write() as session:
        await sessions.end_all(session, "anna")
    for client in (first, second):
        assert (await client.get("/status", allow_redirects=False)).status == 303


async def test_too_many_failures_are_held_up_until_15_minutes_have_passed(desk_store: Store) -> None:
    async with open_desk(desk_store, Http(login_attempts=3)) as desk:
        client = desk.visitor()
        for _ in range(3):
            assert (await log_in(client, "anna", "wrong")).status == 401
        held = await log_in(client, "anna")
        assert (held.status, held.headers["Retry-After"]) == (429, "900")
        assert "Try again in 15 minutes" in await held.text()
        assert (await log_in(client, "ben")).status == 303
        desk.clock.pass_by(minutes=15)
        assert (await log_in(client, "anna")).status == 303


async def test_behind_a_trusted_proxy_each_browser_has_its_own_attempts(desk_store: Store) -> None:
    async with open_desk(desk_store, Http(login_attempts=1, trusted_proxies=("127.0.0.1",))) as desk:
        one, two = (
            desk.visitor(**{"X-Forwarded-For": "203.0.113.1"}),
            desk.visitor(**{"X-Forwarded-For": "203.0.113.2"}),
        )
        assert (await log_in(one, "anna", "wrong")).status == 401
        assert (await log_in(one, "anna")).status == 429
        assert (await log_in(two, "anna")).status == 303


async def test_who_is_logged_in_already_is_led_on_but_never_elsewhere(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    answer = await client.get("/login?next=//evil.example", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_no_other_page_logs_anybody_in(desk: Desk, headers: dict[str, str]) -> None:
    answer = await desk.visitor().post(
        "/login", data={"username": "anna", "password": PASSWORD}, headers=headers, allow_redirects=False
    )
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


async def test_the_log_in_page_speaks_the_browsers_language(desk: Desk) -> None:
    answer = await desk.visitor(**{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).get("/login")
    assert "登录" in await answer.text()
    assert answer.headers["Content-Language"] == "zh"
