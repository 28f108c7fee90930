"""What must leave the house: rows written with the business, delivered until it is done.

Three steps, and how a channel takes part in each:

1. **Something happens.** A use case calls a function of `handlers/notices.py` in its transaction (`order_made`,
   `order_stepped`, `call_kept`, `call_ended`, `missed_changed`, `result_chosen`). `orders/notices.py` (pure) says what
   has happened, as `Happening`s; for each, parcels are made for those who want to hear of it, and added with
   `storage.outbox.add(session, parcels, at)`: they are there when the transaction is, or not at all.

   A `Parcel` names its `team_id`; `channel` (mail, webhook); `endpoint`, whose troubles it shares: they have one
   circuit and one limit of parcels under way, so for mail the server's or the recipients' domain, for webhooks the
   endpoint's name; `line`, in which order is kept within an endpoint (`order:12`; "" where order is of no matter);
   `message_id` from `storage.outbox.message_id(facts...)`, the same however often the same is said or sent;
   `event` and `version`, for lists; and `payload`, JSON with all that the deliverer needs: keep contents in it
   that must be as they were then.

2. **The worker** (`worker.py`) takes what is due, the first of each line, holds it by a lease in the database, and asks
   the channel's `Deliverer`. A process that is killed loses nothing: its parcels go again, with the same message id,
   when the lease ends. There is one worker a process, whatever the channels.

3. **The deliverer** sends it and gives an `Answer` (`policy.py`): TAKEN, LATER (the endpoint lives, this one is not
   taken yet), DOWN (the endpoint can't), REFUSED (never: it is parked). It has `DEADLINE` seconds, raises nothing but
   what it can't help (that counts as LATER), and keeps what it likes between calls, such as a connection. What then
   becomes of the parcel is the policy's matter: the deliverer never tries twice.

A channel registers its deliverer in `app.py`, in the mapping that is given to the worker; parcels of a channel without
a deliverer wait. A parcel that is parked stands in nobody's way: later ones of its line go on, and it is shown on the
page Deliveries, by `workorderd outbox list` and by the API, where it is redelivered or discarded.
"""
