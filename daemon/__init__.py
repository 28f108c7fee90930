"""workorderd: from a caller who gave up to work that is done, every step traced.

The map, from the inside out; imports run one way only, checked in CI:

- `calls`     PURE. What happens to callers: events, calls and their stints, verdicts. Start at `calls/tracker.py`.
- `orders`    PURE. What happens to work: missed-call items, orders, templates. Start at `orders/missed.py`.
- `storage`   Tables, migrations and one file of functions per noun; every row in one picture: `storage/tables.py`.
- `handlers`  Use cases: one thing that can happen = one transaction.
- `ami`       Asterisk's Manager Interface: a safe link, translation to events, one ordered consumer, queue_log.
- `web`       The pages, the JSON API, live updates.
- `outbox`    What must leave the house: mail and webhooks.
- `settings`  The YAML of config/, checked as a whole.
- `demo`      A private Asterisk with callers, for `bin/demo` and for the tests.
- `app`       The only wiring. `cli` is its face.
"""
