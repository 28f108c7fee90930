"""From the configuration to a link."""

from __future__ import annotations

import ssl

from daemon.ami.link import LinkSettings
from daemon.settings.models import Pbx


def test_a_pbx_without_tls_is_reached_as_configured() -> None:
    pbx = Pbx.model_validate(
        {"name": "main", "username": "me", "secret": "hush", "ping_interval": 3, "backoff_max": 0.2}
    )
    settings = LinkSettings.from_pbx(pbx)
    assert (settings.name, settings.host, settings.port, settings.secret) == ("main", "127.0.0.1", 5038, "hush")
    assert (settings.ping_interval, settings.backoff_min, settings.backoff_max) == (3, 0.2, 0.2)
    assert settings.ssl is None
    assert "hush" not in repr(settings)


def test_tls_verifies_unless_told_otherwise() -> None:
    usual = {"name": "main", "username": "me", "secret": "hush", "tls": {"server_name": "pbx.example"}}
    settings = LinkSettings.from_pbx(Pbx.model_validate(usual))
    assert settings.ssl is not None
    assert (settings.ssl.verify_mode, settings.ssl.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert settings.server_name == "pbx.example"
    careless = LinkSettings.from_pbx(Pbx.model_validate({**usual, "tls": {"verify": False}}))
    assert careless.ssl is not None
    assert careless.ssl.verify_mode is ssl.CERT_NONE
