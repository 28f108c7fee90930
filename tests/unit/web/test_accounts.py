from __future__ import annotations

from pydantic import SecretStr

from daemon.settings.models import Agent, CallResults, Main, Pbx, Queues, Settings, Team, Teams, User
from daemon.web.accounts import accounts_of

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def settings() -> Settings:
    team = Team(
        name="acme",
        region="DE",
        agents=(
            Agent(number="1000", name="Anna", username="anna", password_hash=SecretStr(HASH), language="zh"),
            Agent(number="1001", name="Ben", username="ben"),
        ),
        admins=(User(username="boss", name="Boss"),),
    )
    return Settings(
        main=Main(pbxs=(Pbx(name="main", username="u", secret=SecretStr("s")),)),
        teams=Teams(teams=(team,), system_admins=(User(username="root", name="Root"),)),
        queues=Queues(),
        call_results=CallResults(),
        templates=(),
    )


def test_everybody_whom_the_configuration_names_has_an_account() -> None:
    accounts = accounts_of(settings())
    assert {name: (each.role, each.team) for name, each in accounts.items()} == {
        "anna": ("agent", "acme"),
        "ben": ("agent", "acme"),
        "boss": ("team_admin", "acme"),
        "root": ("system_admin", None),
    }
    assert accounts["anna"].language == "zh"


def test_who_has_no_password_has_no_hash_and_a_hash_is_never_printed() -> None:
    accounts = accounts_of(settings())
    assert accounts["anna"].password_hash == HASH
    assert accounts["ben"].password_hash is None
    assert HASH not in repr(accounts)
