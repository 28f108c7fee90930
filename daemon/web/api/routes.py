"""Every operation of the API, in one table: the routes and the OpenAPI document are made of it."""

from __future__ import annotations

from typing import Final

from daemon.web.api.calls import list_calls, show_call
from daemon.web.api.missed_calls import create_work_order, dismiss_missed_call, list_missed_calls, show_missed_call
from daemon.web.api.models import (
    Agents,
    CallInFull,
    Calls,
    CallsQuery,
    CreateOrder,
    Dismissal,
    Groups,
    History,
    HistoryQuery,
    Me,
    MissedCall,
    MissedCalls,
    MissedCallsQuery,
    Nothing,
    Templates,
    WorkOrderInFull,
    WorkOrders,
    WorkOrdersQuery,
)
from daemon.web.api.operation import AnyOperation, Operation
from daemon.web.api.reference import list_agents, list_groups, list_templates, show_me
from daemon.web.api.work_orders import list_work_orders, show_history, show_work_order

GET: Final = "GET"
POST: Final = "POST"
MISSED: Final = "missed calls"
ORDERS: Final = "work orders"
CALLS: Final = "calls"
NAMES: Final = "configuration"

OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    Operation(GET, "/me", "Who you are", NAMES, show_me, Me, Nothing, Nothing),
    Operation(
        GET, "/missed-calls", "List missed calls", MISSED, list_missed_calls, MissedCalls, MissedCallsQuery, Nothing
    ),
    Operation(
        GET,
        "/missed-calls/{id}",
        "One missed call",
        MISSED,
        show_missed_call,
        MissedCall,
        Nothing,
        Nothing,
        problems=(404,),
    ),
    Operation(
        POST,
        "/missed-calls/{id}/work-order",
        "Make its work order; the one that it has already is given back",
        MISSED,
        create_work_order,
        WorkOrderInFull,
        Nothing,
        CreateOrder,
        statuses=(200, 201),
        problems=(404, 409),
    ),
    Operation(
        POST,
        "/missed-calls/{id}/dismiss",
        "Nobody needs to call back, for a reason",
        MISSED,
        dismiss_missed_call,
        MissedCall,
        Nothing,
        Dismissal,
        problems=(404, 409),
    ),
    Operation(GET, "/work-orders", "List work orders", ORDERS, list_work_orders, WorkOrders, WorkOrdersQuery, Nothing),
    Operation(
        GET,
        "/work-orders/{id}",
        "One work order",
        ORDERS,
        show_work_order,
        WorkOrderInFull,
        Nothing,
        Nothing,
        problems=(404,),
    ),
    Operation(
        GET,
        "/work-orders/{id}/history",
        "Its trace, oldest first",
        ORDERS,
        show_history,
        History,
        HistoryQuery,
        Nothing,
        problems=(404,),
    ),
    Operation(GET, "/calls", "List calls that reached a queue", CALLS, list_calls, Calls, CallsQuery, Nothing),
    Operation(GET, "/calls/{id}", "One call", CALLS, show_call, CallInFull, Nothing, Nothing, problems=(404,)),
    Operation(GET, "/templates", "List templates", NAMES, list_templates, Templates, Nothing, Nothing),
    Operation(GET, "/groups", "List agent groups", NAMES, list_groups, Groups, Nothing, Nothing),
    Operation(GET, "/agents", "List agents", NAMES, list_agents, Agents, Nothing, Nothing),
)
