"""Pages from templates: everything that is not markup of ours is escaped, and shown without tricks (see plain.py)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import phonenumbers
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from daemon.handlers.campaigns import has_campaigns
from daemon.language import Language, Languages
from daemon.orders.fields import label
from daemon.plain import plain, plain_line
from daemon.web import words
from daemon.web.assets import Assets
from daemon.web.parts import ASSETS, LANGUAGE, PARTS, POPUP, POSITION, VISIT

FOLDER: Final = Path(__file__).parent / "templates"

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "reason": words.REASONS,
    "reason_in_full": words.REASONS_IN_FULL,
    "listing": words.LISTINGS,
    "item_state": words.ITEM_STATES,
    "closed_how": words.CLOSED_HOW,
    "status_word": words.STATUSES,
    "node_status": words.NODE_STATUSES,
    "action": words.ACTIONS,
    "stand": words.STANDS,
    "role": words.ROLES,
    "link_state": words.LINK_STATES,
    "stage": words.STAGES,
    "result_fault": words.RESULT_FAULTS,
    "action_trouble": words.ACTION_TROUBLES,
    "field_fault": words.FIELD_FAULTS,
    "whose": words.WHOSE,
    "filter_name": words.FILTER_NAMES,
    "refusal": words.REFUSALS,
    "phase": words.PHASES,
    "outcome": words.OUTCOMES,
    "tried": words.TRIES,
    "duty_stand": words.DUTY_STANDS,
    "duty_trouble": words.DUTY_TROUBLES,
    "dial_trouble": words.DIAL_TROUBLES,
    "entry_state": words.ENTRY_STATES,
    "entry_trouble": words.ENTRY_TROUBLES,
    "delivery_state": words.DELIVERY_STATES,
    "channel": words.CHANNELS,
    "mode": words.MODES,
    "mode_in_full": words.MODES_IN_FULL,
}
"""Filters that say a code in words: {{ item.reason | reason }}."""


class Templates:
    """The templates in every language."""

    def __init__(self, languages: Languages, assets: Assets) -> None:
        self._by_tag = {tag: _environment(language, assets) for tag, language in languages.known.items()}

    def render(self, language: Language, name: str, data: Mapping[str, Any]) -> str:
        """A page as HTML."""
        return self._by_tag[language.tag].get_template(name).render(data)


TEMPLATES: Final = web.AppKey("templates", Templates)


def page(
    request: web.Request, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **data: Any
) -> web.Response:
    """An answer made of a template."""
    text = render(request, name, **data)
    kept = {"Content-Language": request[LANGUAGE].tag.replace("_", "-"), **(headers or {})}
    return web.Response(text=text, status=status, content_type="text/html", headers=kept)


def render(request: web.Request, name: str, **data: Any) -> str:
    """A template as this visitor reads it."""
    visit = request.get(VISIT)
    agent = visit.person.agent if visit else None
    dialler = request.app[PARTS].dialler
    reasons = request.app[PARTS].world().pause_reasons
    known = {
        "request_path": request.path,
        "visit": visit,
        "may_dial": visit is not None and dialler.may(visit.person),
        "has_campaigns": visit is not None and has_campaigns(request.app[PARTS].world(), visit.person),
        "duty": request.app[PARTS].duty.of(agent) if agent else None,
        "pause_reasons": reasons,
        "pause_label": lambda identity: plain_line(words.pause_label(reasons, request[LANGUAGE], identity)),
        "placed": dialler.of(agent.id) if agent else None,
        "position": request[POSITION],
        "popup": request.get(POPUP),
        "now": request.app[PARTS].clock(),
        "shortcuts": request.cookies.get("workorderd_shortcuts") != "off",
        **data,
    }
    return request.app[TEMPLATES].render(request[LANGUAGE], name, known)


def has_templates(app: web.Application, assets: Assets, languages: Languages) -> None:
    """Give an application its templates."""
    app[ASSETS] = assets
    app[TEMPLATES] = Templates(languages, assets)


def _environment(language: Language, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        finalize=_shown,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.texts.gettext, language.texts.ngettext, newstyle=True
    )
    environment.globals.update(asset=assets.url, language=language, words=words)
    environment.filters.update(
        {name: partial(_word, language, table) for name, table in TABLES.items()},
        moment=language.moment,
        full=language.full,
        number=language.number,
        duration=language.duration,
        plain=plain_line,
        phone=_phone,
        size=language.size,
        field_label=lambda field: label(field, language.tag, "en"),
        utc=lambda at: at.isoformat(timespec="seconds"),
    )
    return environment


def _word(language: Language, table: Mapping[str, str], code: str) -> str:
    return language.word(words.word(table, code))


@lru_cache(maxsize=4096)
def _phone(number: str) -> str:
    """An E.164 number as people read it; anything else as it is."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
