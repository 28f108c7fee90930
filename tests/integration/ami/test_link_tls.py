"""TLS with a certificate made for the occasion."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.integration.ami.scripted import Ears, ScriptedAsterisk, linked


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "cert.pem"
    key = folder / "key.pem"
    order = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=pbx"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*order.split(), *names], check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    return made


async def _pbx(certificate: Path) -> ScriptedAsterisk:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    pbx = ScriptedAsterisk()
    await pbx.start(context)
    return pbx


async def test_a_trusted_certificate_lets_the_link_up(certificate: Path) -> None:
    pbx, ears = await _pbx(certificate), Ears()
    async with linked(pbx.port, ears, ssl=ssl.create_default_context(cafile=certificate)) as link:
        await ears.until("up")
        assert (await link.action({"Action": "Ping"})).ping == "Pong"
    await pbx.stop()


@pytest.mark.parametrize("flaw", ["unknown issuer", "wrong name"])
async def test_an_untrusted_certificate_never_gets_the_secret(certificate: Path, flaw: str) -> None:
    pbx, ears = await _pbx(certificate), Ears()
    trusting = ssl.create_default_context(cafile=certificate if flaw == "wrong name" else None)
    name = "other.example" if flaw == "wrong name" else None
    plain = ScriptedAsterisk()
    await plain.start()
    async with linked(pbx.port, ears, ssl=trusting, server_name=name, backoff_max=0.01) as link:
        async with linked(plain.port, Ears(), ping_interval=0.001):
            await plain.was_asked("Ping", 60)
        assert link.state != "up"
    assert "CERTIFICATE_VERIFY_FAILED" in link.last_error
    assert pbx.asked == []
    await plain.stop()
    await pbx.stop()
