"""Each kind of mistake: the sound configuration with one change, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.settings import check

ENVIRON = {"AMI": "s3cret"}
Write = Callable[..., Path]
MAIN, TEAMS, QUEUES, RESULTS = "workorderd.yaml", "teams.yaml", "queues.yaml", "call_results.yaml"
ONE, TWO = "templates/one.yaml", "templates/two.yaml"

# file, text to replace ("" appends), new text, the only problem as line:col: message
MISTAKES = {
    "unknown key": (MAIN, "username:", "usename:", None),
    "unknown key without a like": (ONE, "", "xyz: 1\n", "5:1: 'xyz' is no key here; allowed: id, name, label, team, "),
    "duplicate key": (ONE, "", "id: 7\n", "5:1: 'id' stands here a second time; once is allowed"),
    "merge key": (ONE, "", "<<: {id: 2}\n", "5:1: '<<' (merge) is not read here; write the keys out"),
    "key that is a list": (ONE, "", "? [a]\n: b\n", "5:3: a list or mapping is no key; one word is allowed"),
    "tag": (ONE, "name: one", "name: !!python/name:os.system one", "2:7: the tag 'python/name:os.system' is not"),
    "missing key": (TEAMS, "    region: DE\n", "", "4:5: 'region' is missing here; it is a must"),
    "empty value": (ONE, "name: one", "name:", "2:6: name: nothing; text is allowed"),
    "text for a number": (ONE, "id: 1", "id: one", "1:5: id: 'one'; a whole number is allowed"),
    "quoted number": (ONE, "id: 1", 'id: "1"', "1:5: id: '1'; a whole number is allowed"),
    "truth for a number": (ONE, "id: 1", "id: true", "1:5: id: true; a whole number is allowed"),
    "fraction": (ONE, "id: 1", "id: 1.5", "1:5: id: 1.5; a whole number is allowed"),
    "word for a truth": (ONE, "", "auto_close: yes\n", "5:13: auto_close: 'yes'; true or false is allowed"),
    "text for a list": (ONE, "[support, sales]", "support", "4:8: range: 'support'; a list is allowed"),
    "list for text": (ONE, "name: one", "name: [one]", "2:7: name: a list; text is allowed"),
    "text for a mapping": (MAIN, "", "http: 8080\n", "5:7: http: 8080; a mapping (key: value) is allowed"),
    "too little": (ONE, "id: 1", "id: 0", "1:5: id: 0; at least 1 is allowed"),
    "too much": (ONE, "", "priority: 6\n", "5:11: priority: 6; at most 5 is allowed"),
    "not more than nothing": (MAIN, "", "    ping_interval: 0\n", "5:20: ping_interval: 0; more than 0 is allowed"),
    "infinite": (MAIN, "", "    ping_interval: .inf\n", "5:20: ping_interval: '.inf'; a number is allowed"),
    "too long": (ONE, "", f"label: {'x' * 81}\n", f"5:8: label: '{'x' * 56}...; at most 80 characters are allowed"),
    "no such choice": (
        ONE,
        "",
        "edit_limit: owners\n",
        "5:13: edit_limit: 'owners'; 'everyone' or 'owner' is allowed; ",
    ),
    "control character in a name": (TEAMS, "name: Zoe", 'name: "Z\\noe"', "15:30: name: 'Z\\noe'; text of one line"),
    "no team": (ONE, "team: acme", "team: acne", "3:7: there is no team 'acne'; did you mean acme?"),
    "no group": (ONE, "sales]", "seles]", "4:18: there is no group 'seles'; did you mean sales?"),
    "no agent": (
        TEAMS,
        "[1000], admins: [1000]}\n      - {name: sales",
        "[1000], admins: [77]}\n      - {name: sales",
        "10:50: there is no agent '77'; allowed: 1000, 1001",
    ),
    "no module": (QUEUES, "module: desk", "module: desc", "9:13: there is no module 'desc'; did you mean desk?"),
    "no calendar": (QUEUES, "", "    missed: {hours: ofice}\n", "10:21: there is no calendar 'ofice'; did you mean "),
    "no pbx": (QUEUES, "", "    pbx: mein\n", "10:10: there is no pbx 'mein'; did you mean main?"),
    "no template": (RESULTS, "done,", "done, template: on,", "4:30: there is no template 'on'; did you mean one?"),
    "group of another team": (ONE, "sales]", "care]", "4:18: the group 'care' belongs to the team zeta, not to acme; "),
    "template of another team": (
        QUEUES,
        "",
        "    missed: {template: two}\n",
        "10:24: the template 'two' belongs to the team zeta, not to acme; ",
    ),
    "group of a queue of another team": (QUEUES, "", "    missed: {group: care}\n", "10:21: the group 'care' belongs "),
    "module of another team": (
        TEAMS,
        "{name: care,",
        "{name: care, module: desk,",
        "17:30: the module 'desk' belongs ",
    ),
    "groups of a module": (QUEUES, "acme}", "acme, groups: [care]}", "5:39: the group 'care' belongs to the team zeta"),
    "result to another team": (
        RESULTS,
        "done,",
        "done, template: two,",
        "4:30: the template 'two' belongs to the team",
    ),
    "next template of another team": (
        ONE,
        "",
        "end_action: create_new\nnext_template: two\n",
        "6:16: the template 'two' belongs to the team zeta, not to acme; ",
    ),
    "same id": (TWO, "id: 2", "id: 1", "1:5: id: 1 is already that of a template ("),
    "same name": (TWO, "name: two", "name: one", "2:7: name: 'one' is already that of a template ("),
    "same number": (TEAMS, "1001, name", "1000, name", None),
    "same username": (TEAMS, "username: zoe", "username: Anna", "15:45: username: 'Anna' is already that of somebody"),
    "username of an admin": (
        TEAMS,
        "username: zoe",
        "username: root-admin",
        "15:45: username: 'root-admin' is already",
    ),
    "same queue": (QUEUES, "", "  - {name: SUPPORT, module: desk}\n", "10:12: name: 'SUPPORT' on every PBX is already"),
    "same calendar": (
        QUEUES,
        "modules:",
        "  - {name: office, hours: [{days: [tue], from: 08:00, to: 09:00}]}\nmodules:",
        "4:12: name: 'office' is already that of a calendar (",
    ),
    "same module": (
        QUEUES,
        "care_desk, team: zeta",
        "desk, team: acme",
        "6:12: name: 'desk' is already that of a module (",
    ),
    "same result": (RESULTS, "", "      - {id: done, labels: {en: Again}}\n", "5:14: id: 'done' is already that of a "),
    "same list of results": (
        RESULTS,
        "",
        "  - {module: desk, results: [{id: a, labels: {en: A}}]}\n",
        "5:14: module: 'desk' is already that of a list of call results (",
    ),
    "same field": (
        ONE,
        "",
        "fields:\n  - {identity: a, display_as: {en: A}}\n  - {identity: A, display_as: {en: A}}\n",
        "7:16: identity: 'A' is already that of a field of this template (",
    ),
    "same interface": (
        TEAMS,
        "username: anna}\n      - {",
        "username: anna, interfaces: [PJSIP/1]}\n      - {interfaces: [pjsip/1], ",
        "8:23: interfaces: 'pjsip/1' already belongs to another",
    ),
    "group called creator": (TEAMS, "name: care", "name: creator", None),
    "expression": (QUEUES, "", '    missed: {internal_numbers: "("}\n', "10:32: internal_numbers: '(' is no regular "),
    "time zone": (MAIN, "", "time_zone: Mars\n", "5:12: time_zone: 'Mars' is no time zone; "),
    "zone that is a folder": (MAIN, "", "time_zone: Europe\n", "5:12: time_zone: 'Europe' is no time zone; "),
    "zone outside": (
        MAIN,
        "",
        "time_zone: ../../etc/passwd\n",
        "5:12: time_zone: '../../etc/passwd' is no time zone; ",
    ),
    "region": (TEAMS, "region: CN", "region: cn", "13:13: region: 'cn' is no region; two letters of ISO 3166 such as "),
    "language": (
        TEAMS,
        "username: zoe",
        "username: zoe, language: zh-CN",
        "15:60: language: 'zh-CN' is no language; a ",
    ),
    "labels": (RESULTS, "{en: Done}", "{en: Done, klingon: Qapla}", "4:28: labels: a mapping has 'klingon', which is "),
    "mail address": (
        TEAMS,
        "username: zoe",
        "username: zoe, email: zoe",
        "15:57: email: 'zoe' is no mail address; one ",
    ),
    "default_cc": (
        ONE,
        "",
        "default_cc: a@b.de; c\n",
        "5:13: default_cc: 'a@b.de; c' has 'c', which is no mail address",
    ),
    "header injection": (
        MAIN,
        "",
        'mail: {sender: "a@b.de\\nBcc: c@d.de"}\n',
        "5:16: sender: 'a@b.de\\nBcc: c@d.de' is ",
    ),
    "network": (
        MAIN,
        "",
        "agi: {allow: [localhost]}\n",
        "5:15: allow[0]: 'localhost' is no address; an IP address or ",
    ),
    "base_url": (
        MAIN,
        "",
        "http: {base_url: desk.example}\n",
        "5:18: base_url: 'desk.example' is no address of pages; ",
    ),
    "blacklist": (
        QUEUES,
        "",
        '    missed: {blacklist: ["*"]}\n',
        "10:26: blacklist[0]: '*' is no number; digits with a ",
    ),
    "date": (
        QUEUES,
        "name: office",
        "name: office\n    holidays: [2026-13-01]",
        "3:16: holidays[0]: '2026-13-01' is no ",
    ),
    "seconds for a time": (
        QUEUES,
        "08:00",
        "28800",
        "3:33: from: '28800' is no time of day; 00:00 to 23:59 is allowed",
    ),
    "24:00": (QUEUES, "18:00", "24:00", "3:44: to: '24:00' is no time of day; 00:00 to 23:59 is allowed"),
    "select without options": (
        ONE,
        "",
        "fields: [{identity: a, type: select, display_as: {en: A}}]\n",
        "5:30: type: select needs options, separated by commas",
    ),
    "default that is no option": (
        ONE,
        "",
        "fields: [{identity: a, type: select, display_as: {en: A}, options: 'red, green', default: gren}]\n",
        "5:91: default: 'gren' is none of the options; did you mean green?",
    ),
    "default that is no date": (
        ONE,
        "",
        "fields: [{identity: a, type: date, display_as: {en: A}, default: soon}]\n",
        "5:66: default: 'soon' is no date; one such as 2026-12-25 is allowed",
    ),
    "default of an upload": (
        ONE,
        "",
        "fields: [{identity: a, type: upload, display_as: {en: A}, default: a}]\n",
        "5:68: default: 'a' is not allowed; an upload has no default",
    ),
    "default that is too long": (
        ONE,
        "",
        "fields: [{identity: a, display_as: {en: A}, max_length: 2, default: abc}]\n",
        "5:69: default: 'abc' is longer than max_length allows; at most 2 ",
    ),
    "field that is a column of the report": (
        ONE,
        "",
        "fields: [{identity: Status, display_as: {en: A}}]\n",
        "5:21: identity: 'Status' is a column of every report; allowed is anything but id, serial, title, status, ",
    ),
    "report that would be a table": (ONE, "name: one", "name: field", "2:7: name: 'field' is taken by a table; "),
    "report that would be a sequence": (ONE, "name: one", "name: id_seq", "2:7: name: 'id_seq' is taken by a table; "),
    "default longer than any input": (
        ONE,
        "",
        f"fields: [{{identity: a, display_as: {{en: A}}, default: {'x' * 256}}}]\n",
        f"5:54: default: '{'x' * 56}... is longer than max_length allows; at most 255 ",
    ),
    "option of two lines": (
        ONE,
        "",
        'fields: [{identity: a, type: select, display_as: {en: A}, options: "a\\nb, c"}]\n',
        "5:68: options: each is one line of at most 255 characters",
    ),
    "default with a control character": (
        ONE,
        "",
        'fields: [{identity: a, type: text, display_as: {en: A}, default: "a\\ab"}]\n',
        "5:66: default: 'a\\x07b' has control characters; text is allowed",
    ),
    "ending with a dot": (
        MAIN,
        "",
        "attachments: {extensions: [.pdf]}\n",
        "5:28: extensions[0]: '.pdf'; 1 to 12 small ",
    ),
    "no size at all": (MAIN, "", "attachments: {max_size_mb: 0}\n", "5:28: max_size_mb: 0; more than 0 is allowed"),
    "automatic order without template": (
        QUEUES,
        "",
        "    missed: {create: automatic}\n",
        "10:22: create: automatic needs a template; name one, or write manual",
    ),
    "automatic result without template": (
        RESULTS,
        "done,",
        "done, create: automatic,",
        "4:28: create: automatic needs a template; name one, or write link",
    ),
    "create_new without next": (
        ONE,
        "",
        "end_action: create_new\n",
        "5:13: end_action: create_new needs next_template; ",
    ),
    "flow with one priority twice": (
        ONE,
        "range: [support, sales]",
        "flow:\n  - {priority: 1, group: sales}\n  - {priority: 1, group: support}",
        "6:16: priority: 1 is already that of another ",
    ),
    "creator at the first node": (
        ONE,
        "range: [support, sales]",
        "flow:\n  - {priority: 2, group: sales}\n  - {priority: 1, group: creator}",
        "6:26: group: 'creator' cannot be the first node; a group is allowed there",
    ),
    "reminder before nothing": (
        ONE,
        "range: [support, sales]",
        "flow: [{priority: 1, group: sales, reminder_hours: 1}]",
        "4:52: reminder_hours: there must be due_hours, and more of them",
    ),
    "certificates": (MAIN, "", "    tls: {ca_file: nowhere.pem}\n", "5:20: ca_file: '"),
    "password without a user": (
        MAIN,
        "",
        "mail: {sender: a@b.de, password: {env: AMI}}\n",
        "5:7: mail: username and password go together; both or none is allowed",
    ),
    "queue_log of neither kind": (MAIN, "", "    queue_log: {}\n", "5:16: 'file' is missing here; it is a must"),
    "queue_log table": (MAIN, "", "    queue_log: {table: a-b, database: {env: AMI}}\n", None),
}
SEVERAL = {
    "unknown key": [
        "2:5: 'username' is missing here; it is a must",
        "3:5: 'usename' is no key here; did you mean username?",
    ],
    "same number": [
        "8:18: number: '1000' is already that of an agent of this team (",
        "11:32: there is no agent '1001'",
        "11:48: there is no agent '1001'",
    ],
    "group called creator": ["17:16: name: 'creator' means the agent who made an order; another name is allowed"],
    "queue_log table": [
        "5:24: table: 'a-b'; letters, digits and _ are allowed, no digit first",
        "5:39: database: is no database; sqlite:///PATH or postgresql://USER@HOST/NAME is allowed",
    ],
}


def said(folder: Path, file: str) -> list[str]:
    problems = check(folder, ENVIRON).problems
    return [str(each).removeprefix(f"{folder}/{file}:") for each in problems if each.file == f"{folder}/{file}"]


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_said_at_its_place(kind: str, write: Write, sound: dict[str, str]) -> None:
    file, old, new, expected = MISTAKES[kind]
    assert old in sound[file]
    text = sound[file].replace(old, new, 1) if old else sound[file] + new
    found = said(write(**{file: text}), file)
    wanted = [expected] if expected else SEVERAL[kind]
    beginnings = [each[: len(start)] for each, start in zip(found, wanted, strict=False)]
    assert (beginnings, len(found)) == (wanted, len(wanted)), found


def test_a_missed_call_goes_to_a_group_of_the_templates_range(write: Write, sound: dict[str, str]) -> None:
    queues = sound[QUEUES] + "    missed: {create: automatic, template: one, group: sales}\n"
    folder = write(**{QUEUES: queues, ONE: sound[ONE].replace(", sales", "")})
    assert said(folder, QUEUES) == ["10:55: group: 'sales' is not in the template's range; allowed: support"]


def test_a_missed_call_begins_where_the_flow_begins(write: Write, sound: dict[str, str]) -> None:
    queues = sound[QUEUES] + "    missed: {create: automatic, template: one, group: sales}\n"
    flow = "id: 1\nname: one\nteam: acme\nflow: [{priority: 2, group: sales}, {priority: 1, group: support}]\n"
    expected = ["10:55: group: the template's flow begins at 'support'; this one or none is allowed"]
    assert said(write(**{QUEUES: queues, ONE: flow}), QUEUES) == expected


def test_an_automatic_order_needs_somebody_to_get_it(write: Write, sound: dict[str, str]) -> None:
    queues = sound[QUEUES] + "    missed: {create: automatic, template: one}\n"
    folder = write(**{QUEUES: queues, ONE: "id: 1\nname: one\nteam: acme\n"})
    expected = ["10:22: create: automatic needs a group; the template has neither a flow nor a range"]
    assert said(folder, QUEUES) == expected


def test_the_same_queue_may_be_special_on_one_pbx(write: Write, sound: dict[str, str]) -> None:
    folder = write(**{QUEUES: sound[QUEUES] + "  - {name: support, pbx: main, module: desk}\n"})
    assert check(folder, ENVIRON).problems == ()


WARNINGS = {
    "range under a flow": (
        ONE,
        "",
        "flow: [{priority: 1, group: sales}]\n",
        "4:8: range: ignored, because the template",
    ),
    "neither flow nor range": (
        ONE,
        "range: [support, sales]\n",
        "",
        "2:7: name: the template has neither a flow nor a ",
    ),
    "agent in no group": (
        TEAMS,
        "[1001], admins: [1001]",
        "[1000], admins: [1000]",
        "8:18: number: the agent '1001' is ",
    ),
    "group without admins": (
        TEAMS,
        ", admins: [1001]",
        "",
        "11:9: the group 'sales' has no admins; nobody assigns its ",
    ),
    "ignored options": (
        ONE,
        "",
        "fields: [{identity: a, display_as: {en: A}, options: 'a,b'}]\n",
        "5:54: options: ignored, because the type is input",
    ),
    "upload that is a must": (
        ONE,
        "",
        "fields: [{identity: a, type: upload, display_as: {en: A}, required: true}]\n",
        "5:69: required: ignored, because files are attached once ",
    ),
    "ignored next template": (
        ONE,
        "",
        "next_template: one\n",
        "5:16: next_template: ignored, because end_action is none",
    ),
    "no text for the language": (
        RESULTS,
        "{en: Done}",
        "{zh: 完成}",
        "4:28: there is no text for en, the language of ",
    ),
    "open FastAGI": (
        MAIN,
        "",
        "agi: {host: 0.0.0.0}\n",
        "5:13: host: FastAGI is open to the network without a secret; ",
    ),
    "https without secure cookies": (
        MAIN,
        "",
        "http: {base_url: 'https://a.de'}\n",
        "5:18: base_url: pages are reached by",
    ),
    "queue_log not there": (MAIN, "", "    queue_log: {file: nowhere}\n", "5:23: file: '"),
}


@pytest.mark.parametrize("kind", WARNINGS)
def test_what_is_probably_not_meant_is_a_warning(kind: str, write: Write, sound: dict[str, str]) -> None:
    file, old, new, expected = WARNINGS[kind]
    text = sound[file].replace(old, new, 1) if old else sound[file] + new
    folder = write(**{file: text})
    report = check(folder, ENVIRON)
    assert (report.problems, report.settings is None) == ((), False)
    assert [str(each).removeprefix(f"{folder}/{file}:")[: len(expected)] for each in report.warnings] == [expected]
