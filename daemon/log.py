"""structlog, set up once: columns on a terminal, JSON elsewhere. Event names are constants, data are keywords."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, Literal

import structlog

SECRET_KEYS: Final = frozenset({"secret", "password", "token", "cookie", "authorization", "password_hash"})


def set_up(level: str = "info", style: Literal["auto", "columns", "json"] = "auto") -> None:
    """Configure structlog and the standard library's logging alike; lines go to standard error."""
    columns = style == "columns" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if columns
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
        _without_control_characters,
    ]
    if not columns:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("aiosqlite", "alembic", "aiohttp.access", "sqlalchemy", "asyncio", "panoramisk", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _hide_secrets(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key in SECRET_KEYS & event.keys():
        event[key] = "[hidden]"
    return event


def _without_control_characters(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str) and key not in {"exception", "stack"} and not value.isprintable():
            event[key] = value.encode("unicode_escape", "backslashreplace").decode("ascii")[:2000]
    return event
