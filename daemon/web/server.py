"""The web application: its routes, its middlewares, its parts. It starts no server; `app` does."""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web

from daemon.handlers.creating import Creator
from daemon.language import read_languages
from daemon.web.addresses import NUMBER
from daemon.web.api.incoming import INCOMING, take_webhook
from daemon.web.api.operation import BASE
from daemon.web.api.routes import OPERATIONS
from daemon.web.assets import read_assets
from daemon.web.attempts import Attempts
from daemon.web.guard import guarded, told, visited
from daemon.web.headers import SECURE, secure
from daemon.web.health import show_alive, show_ready
from daemon.web.metrics import METRICS, measured, register, show_metrics
from daemon.web.openapi import text as openapi_text
from daemon.web.pages import (
    assign_rules,
    board,
    bulk_assign,
    campaign_fill,
    campaign_list,
    campaigns,
    deliveries,
    dialling,
    duty,
    login,
    missed_calls,
    order_actions,
    order_edit,
    order_files,
    order_form,
    order_log,
    popup,
    popup_actions,
    preferences,
    status,
    work_order,
    work_orders,
)
from daemon.web.pages.popup_panel import with_popup
from daemon.web.parts import ASSETS, ATTEMPTS, CREATOR, LANGUAGES, PARTS, PASSWORDS, PEOPLE, WebParts
from daemon.web.passwords import Passwords
from daemon.web.people import People
from daemon.web.rendering import has_templates
from daemon.web.stream import show_live

MOST_BYTES: Final = 256 * 1024  # of a request's body; uploads will have a limit of their own
ASSETS_MISSING: Final = "web.assets_missing"
PAGES: Final = (
    login.add_routes,
    missed_calls.add_routes,
    status.add_routes,
    work_orders.add_routes,
    bulk_assign.add_routes,
    order_log.add_routes,
    assign_rules.add_routes,
    work_order.add_routes,
    order_actions.add_routes,
    order_edit.add_routes,
    order_files.add_routes,
    order_form.add_routes,
    popup.add_routes,
    popup_actions.add_routes,
    preferences.add_routes,
    dialling.add_routes,
    duty.add_routes,
    board.add_routes,
    campaigns.add_routes,
    campaign_list.add_routes,
    campaign_fill.add_routes,
    deliveries.add_routes,
)

log = structlog.get_logger()


def build_app(parts: WebParts) -> web.Application:
    """The application of one process. Its live streams end on `shutdown`, before connections are waited for."""
    app = web.Application(middlewares=[measured, told, visited, guarded, with_popup], client_max_size=MOST_BYTES)
    languages, assets = read_languages(parts.locale, parts.time_zone), read_assets()
    app[PARTS] = parts
    app[CREATOR] = Creator(parts.store)
    app[PEOPLE] = People(parts.accounts, parts.world)
    app[ATTEMPTS] = Attempts(parts.http.login_attempts, parts.clock)
    app[PASSWORDS] = Passwords()
    app[METRICS] = register(parts.registry, parts.live)
    app[SECURE] = parts.http.secure_cookies
    app[LANGUAGES] = languages
    has_templates(app, assets, languages)
    if assets.missing:
        log.warning(ASSETS_MISSING, files=assets.missing, remedy="run bin/assets")
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(_end_streams)
    _add_pages(app.router)
    _add_api(app.router)
    return app


async def _end_streams(app: web.Application) -> None:
    app[PARTS].live.close()


def _add_pages(router: web.UrlDispatcher) -> None:
    router.add_get("/", _go_home)
    for add_routes in PAGES:
        add_routes(router)
    router.add_get("/live", show_live)
    router.add_get("/static/{name:.+}", _show_asset)
    router.add_get("/favicon.ico", _show_icon)
    router.add_get("/healthz", show_alive)
    router.add_get("/readyz", show_ready)
    router.add_get("/metrics", show_metrics)


def _add_api(router: web.UrlDispatcher) -> None:
    router.add_get(f"{BASE}/openapi.json", _show_openapi)
    router.add_post(BASE + INCOMING, take_webhook)
    for operation in OPERATIONS:
        path = BASE + operation.path.replace("}", NUMBER)
        if operation.method == "GET":
            router.add_get(path, operation.handle)
        else:
            router.add_route(operation.method, path, operation.handle)


async def _go_home(request: web.Request) -> web.StreamResponse:
    return web.Response(status=303, headers={"Location": await work_orders.home_of(request)})


async def _show_asset(request: web.Request) -> web.StreamResponse:
    return request.app[ASSETS].answer(request.match_info["name"], request)


async def _show_icon(request: web.Request) -> web.StreamResponse:
    return request.app[ASSETS].answer("icon.svg", request)


async def _show_openapi(_request: web.Request) -> web.StreamResponse:
    return web.Response(text=openapi_text(), content_type="application/json")
