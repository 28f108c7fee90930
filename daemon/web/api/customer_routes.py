"""The customers' part of the table of operations."""

from __future__ import annotations

from typing import Final

from daemon.web.api.customer_models import (
    Customer,
    CustomerChange,
    CustomerImport,
    Customers,
    CustomersQuery,
    ImportQuery,
    NewCustomer,
)
from daemon.web.api.customers import (
    change_customer,
    create_customer,
    import_customers,
    list_customers,
    show_customer,
    show_customer_import,
)
from daemon.web.api.models import Nothing
from daemon.web.api.operation import AnyOperation, Operation
from daemon.web.api.uploads import Upload

CUSTOMERS: Final = "customers"
READ: Final = "customers:read"
WRITE: Final = "customers:write"
CSV: Final = Upload(("text/csv",), 20_000_000)

CUSTOMER_OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    Operation(
        "GET", "/customers", "List customers", CUSTOMERS, list_customers, Customers, CustomersQuery, Nothing, scope=READ
    ),
    Operation(
        "POST",
        "/customers",
        "Create a customer",
        CUSTOMERS,
        create_customer,
        Customer,
        Nothing,
        NewCustomer,
        scope=WRITE,
        statuses=(200, 201),
        problems=(409,),
        idempotent=True,
        versioned=True,
    ),
    Operation(
        "GET",
        "/customers/{id}",
        "One customer",
        CUSTOMERS,
        show_customer,
        Customer,
        Nothing,
        Nothing,
        scope=READ,
        problems=(404,),
        versioned=True,
    ),
    Operation(
        "PATCH",
        "/customers/{id}",
        "Change a customer; numbers are added and removed one by one",
        CUSTOMERS,
        change_customer,
        Customer,
        Nothing,
        CustomerChange,
        scope=WRITE,
        problems=(404, 409, 412),
        versioned=True,
    ),
    Operation(
        "POST",
        "/customers/import",
        "Import a CSV file of customers: all of its lines, or none; ask /customers/imports/{id} how it goes",
        CUSTOMERS,
        import_customers,
        CustomerImport,
        ImportQuery,
        Nothing,
        scope=WRITE,
        statuses=(200, 202),
        problems=(409, 507),
        idempotent=True,
        upload=CSV,
    ),
    Operation(
        "GET",
        "/customers/imports/{id}",
        "How an import goes, or ended, and what was wrong at which line",
        CUSTOMERS,
        show_customer_import,
        CustomerImport,
        Nothing,
        Nothing,
        scope=READ,
        problems=(404,),
    ),
)
