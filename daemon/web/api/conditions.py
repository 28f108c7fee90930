"""The headers that make a write safe to send twice or after somebody else's: Idempotency-Key and If-Match."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from daemon.errors import Fault
from daemon.web.problems import MalformedError

IF_MATCH: Final = "If-Match"
KEY: Final = "Idempotency-Key"
NO_VERSION: Final = 0  # versions count from 1

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'  # RFC 9110, 8.8.3
_TAGS: Final = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_VERSIONS: Final = re.compile(r'(?<!/)"([1-9][0-9]{0,17})"')


def wanted_version(request: web.Request) -> int | None:
    """The version that the writer has seen; None: he does not say, or `*`. NO_VERSION for a tag that we never gave.

    Of several it is the latest: who accepts an earlier one, too, gets a 412, which is safe. Raises MalformedError for
    what is no entity tag.
    """
    if IF_MATCH not in request.headers:
        return None
    told = ",".join(request.headers.getall(IF_MATCH)).strip()
    if told == "*":
        return None
    if not _TAGS.fullmatch(told):
        raise MalformedError([Fault(IF_MATCH, 'a version in quotation marks is expected, such as "3", or *', "etag")])
    return max(map(int, _VERSIONS.findall(told)), default=NO_VERSION)


def refuse_version(request: web.Request) -> None:
    """For writes that know no versions: a condition that can't be kept must not be ignored. Raises MalformedError."""
    if IF_MATCH in request.headers:
        raise MalformedError([Fault(IF_MATCH, "this operation knows no versions", "unknown")])


def key_of(request: web.Request) -> str | None:
    """The Idempotency-Key, if there is one. Raises MalformedError."""
    told = request.headers.getall(KEY, ())
    if not told:
        return None
    if len(told) > 1 or not _KEY.fullmatch(told[0]):
        raise MalformedError(
            [Fault(KEY, "one key of 1 to 255 visible ASCII characters is expected", "idempotency_key")]
        )
    return told[0]
