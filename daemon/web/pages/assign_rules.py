"""Assign rules: how orders are given out in each group; its admin changes them, other admins read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast, get_args

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import StaleError
from daemon.handlers.assigning import Load, loads
from daemon.handlers.assignment import change_rule
from daemon.handlers.world import World
from daemon.orders.assign import Candidate, Mode, Rule, Scope, choose
from daemon.orders.template import Group, Template
from daemon.storage import lists, rules
from daemon.storage.tables import AssignRuleRow
from daemon.web.forms import first, read_form
from daemon.web.parts import PARTS, Visit, visit_of
from daemon.web.rendering import page

BIGGEST_CAP: Final = 10_000
PLACE: Final = "{template:[0-9]{1,18}}/{group:[0-9]{1,18}}"


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/assign-rules", show_rules)
    router.add_get("/assign-rules/cards", show_cards)
    router.add_post(f"/assign-rules/{PLACE}", save_rule)


@dataclass(frozen=True, slots=True)
class Card:
    """A rule as it is, and as somebody wants it (`draft`, with what is wrong with it); and what waits for it.

    `next`: who gets the next order if it came now, unless somebody spoke with its caller last.
    """

    template: Template
    group: Group
    rule: Rule
    version: int
    waiting: int
    online: int
    agents: int
    next: Load | None
    draft: Rule
    trouble: str = ""

    @property
    def stuck(self) -> bool:
        """Orders wait though nobody is online."""
        return self.waiting > 0 and self.online == 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody sent: the rule, the version that he saw, and what is wrong ("" nothing)."""

    place: tuple[int, int]
    rule: Rule
    version: int
    trouble: str = ""


async def show_rules(request: web.Request) -> web.Response:
    """The whole page. Raises HTTPForbidden for an agent who leads no group."""
    return await _show(request, "assign_rules.html")


async def show_cards(request: web.Request) -> web.Response:
    """The rules alone, which an open page asks for on news. Raises HTTPForbidden."""
    return await _show(request, "assign_rule_cards.html")


async def _show(request: web.Request, name: str, draft: Draft | None = None, status: int = 200) -> web.Response:
    parts, visit = request.app[PARTS], visit_of(request)
    world = parts.world()
    groups = _groups(world, visit)
    chosen = _chosen(request, groups, draft)
    async with parts.store.read() as session:
        waiting = await rules.waiting_counts(session, [group.id for group in groups])
        cards = await _cards(session, request, chosen, waiting, draft) if chosen else ()
        missed = await lists.open_item_count(session, visit.sight)
    return page(
        request,
        name,
        status=status,
        groups=[(group, _name(world, visit, group), _sum(waiting, group.id)) for group in groups],
        chosen=chosen,
        cards=cards,
        editable=chosen is not None and visit.person.agent is not None and chosen.id in visit.person.agent.leads,
        missed_count=missed,
        modes=get_args(Mode),
        biggest_cap=BIGGEST_CAP,
        notice=request.query.get("notice", ""),
        saved=request.query.get("saved", ""),
    )


def _groups(world: World, visit: Visit) -> Sequence[Group]:
    """The groups whose rules somebody sees: those that he leads, or all that an admin sees. Raises HTTPForbidden."""
    agent = visit.person.agent
    if agent is not None and not agent.leads:
        raise web.HTTPForbidden
    seen = [
        group
        for group in world.groups.values()
        if group.active and (group.id in agent.leads if agent else visit.sight.team_id in {None, group.team_id})
    ]
    return sorted(seen, key=lambda group: (world.teams[group.team_id].label, group.label.casefold()))


def _chosen(request: web.Request, groups: Sequence[Group], draft: Draft | None) -> Group | None:
    wanted = str(draft.place[1]) if draft else request.query.get("group", "")
    return next((group for group in groups if str(group.id) == wanted), groups[0] if groups else None)


def _name(world: World, visit: Visit, group: Group) -> str:
    return group.label if visit.sight.team_id else f"{world.teams[group.team_id].label}: {group.label}"


def _sum(waiting: Mapping[tuple[int, int], int], group_id: int) -> int:
    return sum(count for (_, group), count in waiting.items() if group == group_id)


async def _cards(
    session: AsyncSession,
    request: web.Request,
    group: Group,
    waiting: Mapping[tuple[int, int], int],
    draft: Draft | None,
) -> Sequence[Card]:
    parts = request.app[PARTS]
    world = parts.world()
    agents = await loads(session, world, group.id, parts.presence.online)
    cards = [
        _card(world, group, row, waiting.get((row.template_id, group.id), 0), agents)
        for row in await rules.of_group(session, group.id)
    ]
    if draft is None:
        return cards
    return [
        replace(card, draft=draft.rule, trouble=draft.trouble) if card.template.id == draft.place[0] else card
        for card in cards
    ]


def _card(world: World, group: Group, row: AssignRuleRow, waiting: int, agents: Sequence[Load]) -> Card:
    last = world.agents.get(row.last_agent_id or 0)
    rule = rules.of_row(row, last.number if last else "")
    choice = choose(rule, [Candidate(each.id, each.number, each.online, each.unfinished) for each in agents])
    following = next((each for each in agents if choice and each.id == choice.agent.id), None)
    online = sum(each.online for each in agents)
    template = world.templates[row.template_id]
    return Card(template, group, rule, row.version, waiting, online, len(agents), following, rule)


# --- changing ------------------------------------------------------------------------------------------------------


async def save_rule(request: web.Request) -> web.StreamResponse:
    """POST: the rule is as it was sent; with a trouble the form is shown again, and nothing is changed.

    Raises NotFoundError, NotAllowedError for who does not lead the group.
    """
    parts, visit = request.app[PARTS], visit_of(request)
    draft = _read(request, await read_form(request))
    if draft.trouble:
        return await _show(request, "assign_rules.html", draft, 422)
    try:
        news = await change_rule(parts.store, parts.world(), visit.person, *draft.place, draft.rule, draft.version)
    except StaleError:
        return await _show(request, "assign_rules.html", replace(draft, trouble="stale"), 409)
    for each in news:
        parts.live.publish(each)
    template, group = draft.place
    raise web.HTTPSeeOther(f"/assign-rules?group={group}&saved={template}#rule-{template}")


def _read(request: web.Request, form: dict[str, list[str]]) -> Draft:
    """Raises HTTPBadRequest for what the form never sends."""
    mode, scope, version = first(form, "mode"), first(form, "scope"), first(form, "version")
    if mode not in get_args(Mode) or scope not in get_args(Scope) or not _is_number(version):
        raise web.HTTPBadRequest
    cap = first(form, "cap").strip()
    fine = not cap or (_is_number(cap) and 1 <= int(cap) <= BIGGEST_CAP)
    rule = Rule(
        mode=cast(Mode, mode),
        scope=cast(Scope, scope),
        verify="verify" in form,
        last_agent_first="last_agent_first" in form,
        cap=int(cap) if cap and fine else None,
    )
    place = int(request.match_info["template"]), int(request.match_info["group"])
    return Draft(place, rule, int(version), "" if fine else "cap")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
