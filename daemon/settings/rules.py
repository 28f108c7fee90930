"""Rules between keys: what pydantic's types cannot say, each refused at the key that breaks it."""

from __future__ import annotations

import os
from datetime import datetime

from daemon.calls.duty import WRAP_UP
from daemon.orders.fields import LONGEST_LINE, LONGEST_TEXT, has_controls
from daemon.orders.reply_address import LONGEST_NAME
from daemon.orders.report import COLUMNS, TAKEN
from daemon.settings.names import Files
from daemon.settings.reading import Part
from daemon.settings.words import is_locale, shown, suggestion


def apply(files: Files) -> None:
    """Check everything that concerns more than one key."""
    _main(files.main)
    for team in files.teams.parts("teams"):
        _team(team)
    templates = {template.text("name"): template for template in files.templates}
    for queue in files.queues.parts("queues"):
        _missed(queue.at("missed"), templates)
    for module in files.queues.parts("modules"):
        if module.says("calling") and module.text("kind", "customer_service") != "campaign":
            module.at("calling").warn("calling: ignored, because this is no campaign")
    _pause_reasons(files)
    for results in files.call_results.parts("call_results"):
        for result in results.parts("results"):
            if result.text("create") == "automatic" and not result.says("template"):
                result.at("create").refuse("create: automatic needs a template; name one, or write link")
            _labels(result.at("labels"), files.main)
    for template in files.templates:
        _template(template)
        for spec in template.parts("fields"):
            _field(spec)
            _labels(spec.at("display_as"), files.main)


def _pause_reasons(files: Files) -> None:
    seen: set[str] = set()
    for reason in files.queues.parts("pause_reasons"):
        name = reason.text("id")
        if name == WRAP_UP:
            reason.at("id").refuse(f"id: {WRAP_UP} is the pause after a call, which is not chosen; another is allowed")
        if name in seen:
            reason.at("id").refuse(f"id: {shown(name)} is there twice; each reason once is allowed")
        seen.add(name)
        _labels(reason.at("labels"), files.main)


def _main(main: Part) -> None:
    for pbx in main.parts("pbxs"):
        authority = pbx.at("tls", "ca_file")
        _file_there(authority, "ca_file", must=True)
        _file_there(pbx.at("queue_log", "file"), "file", must=False)
    for endpoint in main.at("webhooks").parts("endpoints"):
        if endpoint.text("url").startswith("http:") and endpoint.at("allow_private").value is not True:
            endpoint.at("url").warn("url: what is sent goes over the network in clear; https is safer")
    http, agi, mail = main.at("http"), main.at("agi"), main.at("mail")
    if http.text("base_url").startswith("https:") and http.at("secure_cookies").value is not True:
        http.at("base_url").warn("base_url: pages are reached by https; `secure_cookies: true` keeps log-ins there")
    if agi.text("host") not in {"", "127.0.0.1", "::1", "localhost"} and not agi.says("secret"):
        agi.at("host").warn("host: FastAGI is open to the network without a secret; 127.0.0.1 or a secret is safer")
    _mail(mail)


def _mail(mail: Part) -> None:
    if mail.says("password") and mail.text("security") == "none":
        mail.at("security").warn("security: the password goes over the network in clear; starttls or tls is safer")
    _file_there(mail.at("ca_file"), "ca_file", must=True)
    if mail.at("verify").value is False and mail.text("security", "starttls") != "none":
        mail.at("verify").warn("verify: whoever stands between could read the mails; `ca_file` trusts a private one")
    if mail.at("replies").text("host") not in {"", "127.0.0.1", "::1", "localhost"}:
        mail.at("replies", "host").warn("host: LMTP is open to the network; 127.0.0.1 is safer")
    if len(mail.at("replies").text("address").partition("@")[0]) > LONGEST_NAME:
        mail.at("replies", "address").refuse(f"address: at most {LONGEST_NAME} characters are allowed before the @")
    if mail.says("username") != mail.says("password"):
        mail.refuse("mail: username and password go together; both or none is allowed")


def _file_there(part: Part, key: str, *, must: bool) -> None:
    if not isinstance(part.value, str):
        return
    if not os.path.isfile(part.value) or not os.access(part.value, os.R_OK):
        say = part.refuse if must else part.warn
        say(f"{key}: {shown(part.value)} is no file that can be read; the path of one is allowed")


def _team(team: Part) -> None:
    placed: set[str] = set()
    for group in team.parts("groups"):
        members = {str(part.value) for key in ("agents", "admins") for part in group.parts(key)}
        placed |= members
        if group.text("name") == "creator":
            group.at("name").refuse("name: 'creator' means the agent who made an order; another name is allowed")
        if not members:
            group.warn(f"the group {shown(group.text('name'))} has no agents; its orders wait for ever")
        elif not group.says("admins"):
            group.warn(f"the group {shown(group.text('name'))} has no admins; nobody assigns its orders by hand")
        for key in ("agents", "admins"):
            _no_repeats(group, key)
    for agent in team.parts("agents"):
        number = agent.text("number")
        if number and number not in placed:
            agent.at("number").warn(f"number: the agent {shown(number)} is in no group and gets no orders")


def _no_repeats(part: Part, key: str) -> None:
    seen: set[str] = set()
    for entry in part.parts(key):
        if isinstance(entry.value, str) and entry.value in seen:
            entry.warn(f"{key}: {shown(entry.value)} stands here a second time")
        seen.add(str(entry.value))


def _missed(missed: Part, templates: dict[str, Part]) -> None:
    automatic = missed.text("create") == "automatic"
    if automatic and not missed.says("template"):
        missed.at("create").refuse("create: automatic needs a template; name one, or write manual")
    template = templates.get(missed.text("template"))
    if not template:
        return
    group, allowed = missed.text("group"), [str(part.value) for part in template.parts("range")]
    if template.says("flow"):
        first = _first_node(template)
        if group and first and group != first.text("group"):
            begin = shown(first.text("group"))
            missed.at("group").refuse(f"group: the template's flow begins at {begin}; this one or none is allowed")
    elif group and allowed and group not in allowed:
        missed.at("group").refuse(
            f"group: {shown(group)} is not in the template's range; allowed: {', '.join(allowed)}"
        )
    elif automatic and not group and not allowed:
        missed.at("create").refuse("create: automatic needs a group; the template has neither a flow nor a range")


def _first_node(template: Part) -> Part | None:
    nodes = [node for node in template.parts("flow") if node.number("priority") is not None]
    return min(nodes, key=lambda node: node.number("priority") or 0, default=None)


def _template(template: Part) -> None:
    _flow(template)
    _reminder(template)
    for key in ("due_hours", "reminder_hours"):
        if template.says("flow") and template.says(key):
            template.at(key).warn(f"{key}: ignored, because the template has a flow; its nodes have their own")
    if template.says("flow") and template.says("range"):
        template.at("range").warn("range: ignored, because the template has a flow")
    if not template.says("flow") and not template.says("range"):
        template.at("name").warn("name: the template has neither a flow nor a range; its orders cannot be forwarded")
    if template.text("name") in TAKEN:
        template.at("name").refuse(f"name: {shown(template.text('name'))} is taken by a table; another one is allowed")
    _no_repeats(template, "range")
    end = template.text("end_action", "none")
    if end in {"create_new", "agent_decides"} and not template.says("next_template"):
        template.at("end_action").refuse(f"end_action: {end} needs next_template; name a template, or write none")
    if end == "none" and template.says("next_template"):
        template.at("next_template").warn("next_template: ignored, because end_action is none")


def _flow(template: Part) -> None:
    seen: dict[float, Part] = {}
    for node in template.parts("flow"):
        priority = node.number("priority")
        if priority is not None and seen.setdefault(priority, node) is not node:
            node.at("priority").refuse(f"priority: {priority} is already that of another node; each once is allowed")
        _reminder(node)
    first = _first_node(template)
    if first and first.text("group") == "creator":
        first.at("group").refuse("group: 'creator' cannot be the first node; a group is allowed there")


def _reminder(part: Part) -> None:
    due, reminder = part.number("due_hours"), part.number("reminder_hours")
    if reminder is not None and (due is None or reminder >= due):
        part.at("reminder_hours").refuse("reminder_hours: there must be due_hours, and more of them")


def _field(spec: Part) -> None:
    kind = spec.text("type", "input")
    if spec.text("identity").casefold() in COLUMNS:
        taken = ", ".join(column for column in COLUMNS if "_" not in column)
        spec.at("identity").refuse(
            f"identity: {shown(spec.text('identity'))} is a column of every report; allowed is anything but {taken}"
        )
    if kind == "upload" and spec.at("required").value is True:
        spec.at("required").warn("required: ignored, because files are attached once there is an order")
    options = [option.strip() for option in spec.text("options").split(",")] if spec.says("options") else []
    if kind == "select":
        _options(spec, options)
    else:
        for key in ("options", "select_can_enter"):
            if spec.says(key) and spec.at(key).value is not False:
                spec.at(key).warn(f"{key}: ignored, because the type is {kind}")
    if spec.says("max_length") and kind not in {"input", "text"}:
        spec.at("max_length").warn(f"max_length: ignored, because the type is {kind}")
    if spec.says("default"):
        refusal = _default_refused(spec, kind, options)
        if refusal:
            spec.at("default").refuse(f"default: {shown(spec.text('default'))} {refusal}")


def _options(spec: Part, options: list[str]) -> None:
    if not options:
        spec.at("type").refuse("type: select needs options, separated by commas")
    elif not all(options):
        spec.at("options").refuse("options: there is an empty one; text separated by commas is allowed")
    elif len(set(options)) < len(options):
        spec.at("options").refuse("options: one of them stands here twice; each once is allowed")
    elif any(len(option) > LONGEST_LINE or "\n" in option or has_controls(option) for option in options):
        spec.at("options").refuse(f"options: each is one line of at most {LONGEST_LINE} characters")


def _default_refused(spec: Part, kind: str, options: list[str]) -> str:
    text = spec.text("default")
    longest = spec.number("max_length") or (LONGEST_TEXT if kind == "text" else LONGEST_LINE)
    match kind:
        case "upload":
            return "is not allowed; an upload has no default"
        case "select" if options and text not in options and spec.at("select_can_enter").value is not True:
            return f"is none of the options{suggestion(text, options) or '; allowed: ' + ', '.join(options)}"
        case "date" if not _parses(text, "%Y-%m-%d"):
            return "is no date; one such as 2026-12-25 is allowed"
        case "datetime" if not _parses(text, "%Y-%m-%dT%H:%M") and not _parses(text, "%Y-%m-%d %H:%M"):
            return "is no date and time; one such as 2026-12-25 18:30 is allowed"
        case "input" | "text" | "select" if len(text) > longest:
            return f"is longer than max_length allows; at most {longest} characters are allowed"
        case "input" if "\n" in text:
            return "has more than one line; the type text is made for that"
        case "input" | "text" | "select" if has_controls(text):
            return "has control characters; text is allowed"
    return ""


def _parses(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _labels(labels: Part, main: Part) -> None:
    value, locale = labels.value, main.text("locale", "en")
    if isinstance(value, dict) and value and is_locale(locale) and locale not in value:
        labels.warn(f"there is no text for {locale}, the language of the whole system; another one is shown")
