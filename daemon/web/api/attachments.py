"""Files of work orders: added, listed, given out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

import structlog
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import content_disposition_filename, parse_content_disposition

from daemon.errors import Fault, InvalidError
from daemon.handlers import attachments
from daemon.handlers.attachments import Arrivals, arriving
from daemon.orders.attachment import KindError
from daemon.storage.files import NoRoomError, TooLargeError, path_of
from daemon.storage.tables import AttachmentRow
from daemon.web.api.attachment_models import Attachment, Attachments, AttachQuery
from daemon.web.api.models import Nothing
from daemon.web.api.operation import Answer, Asked
from daemon.web.downloads import send_file
from daemon.web.problems import MalformedError

NO_ROOM: Final = "web.no_room_for_attachments"
FORM: Final = "multipart/form-data"
_PIECE: Final = 64 * 1024  # bytes
_MOST_WORDS: Final = 20  # parts of a form that are no files

log = structlog.get_logger()


async def attach_files(asked: Asked[AttachQuery, Nothing]) -> Answer[Attachments]:
    """POST /work-orders/{id}/attachments. Raises as `attachments.attach` does; all files are kept, or none."""
    parts, person, query = asked.parts, asked.visit.person, asked.query
    if asked.key is None:  # else an order that is done meanwhile still tells what was attached
        await attachments.allow(parts.store, parts.world(), person, asked.id, query.field)
    with refusals():
        async with arriving(parts.depot) as arrivals:
            await _take(asked, arrivals)
            if not arrivals.files or (query.field and len(arrivals.files) > 1):
                what = "one file is expected" if query.field else "there is no file"
                raise InvalidError([Fault("", what, "required")])
            told = "".join(f"{each.name}\0{each.parcel.sha256}\n" for each in arrivals.files)
            receipt = asked.receipt_over(sha256(told.encode()).digest())
            rows, made, news = await attachments.attach(
                parts.store, parts.world(), person, asked.id, arrivals, query.field, receipt, parts.clock()
            )
    for each in news:
        parts.live.publish(each)
    return Answer(Attachments(items=tuple(map(_told, rows))), 201 if made else 200)


async def list_attachments(asked: Asked[Nothing, Nothing]) -> Answer[Attachments]:
    """GET /work-orders/{id}/attachments. Raises NotFoundError."""
    parts = asked.parts
    rows = await attachments.list_of_order(parts.store, parts.world(), asked.visit.person, asked.id)
    return Answer(Attachments(items=tuple(map(_told, rows))))


async def download_attachment(asked: Asked[Nothing, Nothing]) -> web.StreamResponse:
    """GET /attachments/{id}. Raises NotFoundError."""
    parts = asked.parts
    row = await attachments.find(parts.store, parts.world(), asked.visit.person, asked.id)
    path = path_of(parts.depot.folder, row.sha256)
    return await send_file(asked.request, path, row.name, row.media_type, row.sha256)


def _told(row: AttachmentRow) -> Attachment:
    return Attachment(
        id=row.id,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        field=row.field or None,
        added_by=row.added_by,
        added_at=row.added_at,
    )


@contextmanager
def refusals() -> Iterator[None]:
    """What files may be refused for, as HTTP says it."""
    try:
        yield
    except KindError as error:
        raise web.HTTPUnsupportedMediaType(text=str(error)) from error
    except TooLargeError as error:
        raise web.HTTPRequestEntityTooLarge(error.most, error.most + 1, text=str(error)) from error
    except NoRoomError as error:
        log.error(NO_ROOM, error=str(error))
        raise web.HTTPInsufficientStorage(text=str(error)) from error
    except ConnectionError as error:  # he has left: nobody reads this
        raise web.HTTPBadRequest(text="the connection was lost") from error


async def _take(asked: Asked[AttachQuery, Nothing], arrivals: Arrivals) -> None:
    """The one file that the body is, or each file of a form."""
    request = asked.request
    if request.content_type == FORM:
        await _take_form(request, arrivals)
    elif request.content_type.startswith("multipart/"):
        raise web.HTTPUnsupportedMediaType(text=f"of forms, {FORM} is expected")
    else:
        name = asked.query.name or _name_in_header(request)
        length = request.content_length
        if length is not None and length > arrivals.depot.most_bytes:
            raise TooLargeError(arrivals.depot.most_bytes)
        await arrivals.take(name, asked.pieces())


def _name_in_header(request: web.Request) -> str:
    _, parameters = parse_content_disposition(request.headers.get("Content-Disposition", ""))
    name = content_disposition_filename(parameters) if parameters else None
    if not name:
        what = "the name of the file is expected, here or in Content-Disposition"
        raise InvalidError([Fault("name", what, "required")])
    return name


async def _take_form(request: web.Request, arrivals: Arrivals) -> None:
    words = 0
    with _malformed():
        reader = await request.multipart()
    while True:
        with _malformed():
            part = await reader.next()
        if part is None:
            return
        if not isinstance(part, BodyPartReader):
            raise MalformedError([Fault("", "forms within forms are not read", "multipart")])
        if part.filename is None:
            words += 1
            if words > _MOST_WORDS:
                raise MalformedError([Fault("", f"at most {_MOST_WORDS} parts that are no files", "multipart")])
            async for _ in pieces_of(part, _PIECE):
                pass
        elif part.filename or not await _is_empty(part):
            await arrivals.take(part.filename, pieces_of(part))


async def pieces_of(part: BodyPartReader, most: int | None = None) -> AsyncIterator[bytes]:
    """A part as it comes. Raises MalformedError for one that ends too early, and beyond `most` bytes."""
    seen = 0
    while not part.at_eof():
        with _malformed():
            piece = await part.read_chunk(_PIECE)
        seen += len(piece)
        if most is not None and seen > most:
            raise MalformedError([Fault("", "a part that is no file is too long", "multipart")])
        yield bytes(piece)


async def _is_empty(part: BodyPartReader) -> bool:
    """Whether a file without a name is what browsers send for an input in which none was chosen; it is read."""
    return not [piece async for piece in pieces_of(part, _PIECE) if piece]


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except (ValueError, AssertionError, HttpProcessingError) as error:  # aiohttp asserts that bodies do not end early
        raise MalformedError([Fault("", "the body is no form of files, or ends too early", "multipart")]) from error
