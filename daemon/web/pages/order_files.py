"""Files that are added on an order's page, by a form or dropped onto it."""

from __future__ import annotations

import hmac

from aiohttp import BodyPartReader, web

from daemon.handlers import attachments
from daemon.handlers.attachments import arriving
from daemon.web.addresses import ID
from daemon.web.api.attachments import pieces_of, refusals
from daemon.web.forms import ids
from daemon.web.parts import PARTS, visit_of

MOST_FORM_BYTES = 4096  # of a part that is no file


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_post(f"/work-orders/{ID}/attachments", attach)


async def attach(request: web.Request) -> web.StreamResponse:
    """POST multipart/form-data: csrf, then the files, field where they fill one. Raises as the API's does.

    The CSRF token comes in the form's first part: no file is read before it was right.
    """
    parts, visit = request.app[PARTS], visit_of(request)
    order_id, upload_field = ids([request.match_info["id"]])[0], ""
    with refusals():
        async with arriving(parts.depot) as arrivals:
            proven = False
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader):
                    raise web.HTTPBadRequest
                if part.filename is None:
                    text = b"".join([piece async for piece in pieces_of(part, MOST_FORM_BYTES)]).decode(
                        errors="replace"
                    )
                    proven = proven or (part.name == "csrf" and hmac.compare_digest(text.encode(), visit.csrf.encode()))
                    upload_field = text if part.name == "field" else upload_field
                elif not proven:
                    raise web.HTTPForbidden
                elif part.filename:
                    await arrivals.take(part.filename, pieces_of(part))
            if not proven:
                raise web.HTTPForbidden
            if not arrivals.files:
                raise web.HTTPSeeOther(f"/work-orders/{order_id}")
            _, _, news = await attachments.attach(
                parts.store, parts.world(), visit.person, order_id, arrivals, upload_field or None, None, parts.clock()
            )
    for each in news:
        parts.live.publish(each)
    raise web.HTTPSeeOther(f"/work-orders/{order_id}?notice=attached")
