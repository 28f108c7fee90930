"""Signatures, as the independent library of Standard Webhooks sees them; and what comes in."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.hook import key_of, signatures
from webhooks.receive import TOLERANCE, RefusedError, verify

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
BODY = '{"type":"order.created","ü":"\u2028"}'.encode()


def headers(secrets: list[str], at: float, id_: str = "msg_1", body: bytes = BODY) -> dict[str, str]:
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": signatures(secrets, id_, int(at), body),
    }


@pytest.mark.parametrize("known", [OLD, NEW])
def test_a_receiver_that_knows_one_of_the_secrets_verifies_it(known: str) -> None:
    Webhook(known).verify(BODY, headers([NEW, OLD], time.time()))


def test_a_receiver_that_knows_another_secret_does_not() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers([NEW], time.time()))


def test_what_the_library_signs_is_verified_here() -> None:
    from datetime import UTC, datetime

    at = datetime.now(UTC).replace(microsecond=0)
    signature = Webhook(OLD).sign("msg_7", at, BODY.decode())
    sent = {"webhook-id": "msg_7", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    assert verify([NEW, OLD], sent, BODY, at.timestamp()).id == "msg_7"


@pytest.mark.parametrize("off", [-TOLERANCE - 1, TOLERANCE + 1])
def test_an_old_message_and_one_of_the_future_are_refused(off: int) -> None:
    with pytest.raises(RefusedError, match="5 minutes"):
        verify([OLD], headers([OLD], 10_000 + off), BODY, 10_000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"webhook-id": "msg_2"}, "signature"),
        ({"webhook-timestamp": "10001"}, "signature"),
        ({"webhook-signature": "v1,"}, "signature"),
        ({"webhook-signature": "v1a,AAAA v2,BBBB"}, "signature"),
        ({"webhook-signature": "v1,ü " * 10_000}, "signature"),
        ({"webhook-signature": ""}, "must be there"),
        ({"webhook-id": ""}, "must be there"),
        ({"webhook-id": "a b"}, "must be there"),
        ({"webhook-id": "x" * 201}, "must be there"),
        ({"webhook-timestamp": "-1"}, "must be there"),
        ({"webhook-timestamp": "1e4"}, "must be there"),
        ({"webhook-timestamp": "９９"}, "must be there"),
    ],
)
def test_forged_headers_are_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        verify([OLD], {**headers([OLD], 10_000), **change}, BODY, 10_000)


def test_another_body_is_refused() -> None:
    with pytest.raises(RefusedError):
        verify([OLD], headers([OLD], 10_000), BODY + b" ", 10_000)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "secret", "whsec_!!!!", "whsec_" + base64.b64encode(b"short").decode(), OLD[6:]]
)
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        key_of(secret)
