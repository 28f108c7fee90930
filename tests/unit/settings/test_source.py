from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.errors import ConfigError
from daemon.settings import check, load
from daemon.settings.source import LARGEST, UnreadableError, nodes

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

UNREADABLE = {
    b"": "1:1: the file is empty; keys and values are wanted",
    b"# nothing\n": "1:1: the file is empty; keys and values are wanted",
    b"a: [1\nb: 2\n": "2:2: YAML: while parsing a flow",
    b"a: b: c\n": "1:5: YAML: mapping values are not allowed in this context",
    b"a:\n\tb: 1\n": "2:1: YAML: while scanning for the next token, found character that cannot start any token",
    b"a: 'x\n": "2:1: YAML: while scanning a quoted scalar, found unexpected end of stream",
    b"a: *b\n": "1:4: YAML: found undefined alias",
    b"a: 1\n---\nb: 2\n": "2:1: YAML: a second document begins; one for each file is allowed",
    b"a: 1\nb: \xc3\xa4\xff\n": "2:5: this byte is not UTF-8; save the file as UTF-8",
    b"a: 1\nb: x\x00\n": "2:5: the character '\\x00' is not allowed in YAML",
    b"a: \x1b[31m\n": "1:4: the character '\\x1b' is not allowed in YAML",
    b"[" * 5000 + b"]" * 5000: "1:33: too deep; 32 levels are allowed",
    b"{a: " * 5000 + b"}" * 5000: "1:129: too deep; 32 levels are allowed",
    b"a: &a 1\nb: [" + b"*a," * 1001 + b"]\n": "2:3005: too many aliases; 1000 are allowed",
    b"#" * (LARGEST + 1): "1:1: the file is too large; at most 4 MiB are allowed",
}


@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: repr(raw[:12]))
def test_what_is_no_yaml_is_said_at_its_place(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(raw)
    with pytest.raises(UnreadableError) as caught:
        nodes(path)
    said = str(caught.value).removeprefix(f"{path}:")
    assert said[: len(UNREADABLE[raw])] == UNREADABLE[raw]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert nodes(path).start_mark is not None


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "workorderd.yaml")
    (tmp_path / "teams.yaml").mkdir()
    said = [str(each).removeprefix(f"{tmp_path}/") for each in check(tmp_path, {}).problems]
    assert said == ["workorderd.yaml:1:1: is no file", "teams.yaml:1:1: is no file"]


@pytest.mark.parametrize("text", [LAUGHS, "pbxs: &a [*a]\n", "pbxs: [&a {name: {a: *a}}]\n"])
def test_laughing_and_biting_aliases_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "workorderd.yaml").write_text(text.replace("h: &h", "pbxs: &h"))
    assert "aliases repeat too much, or themselves" in "".join(map(str, check(tmp_path, {}).problems))


def test_anchors_work(tmp_path: Path) -> None:
    (tmp_path / "workorderd.yaml").write_text(
        "pbxs:\n"
        "  - {name: a, username: u, secret: &s {env: AMI}, tls: &t {verify: false}}\n"
        "  - {name: b, username: u, secret: *s, tls: *t}\n"
    )
    (tmp_path / "teams.yaml").write_text("teams: [{name: a, region: DE}]\n")
    first, second = load(tmp_path, {"AMI": "x"}).main.pbxs
    assert (first.tls, first.secret) == (second.tls, second.secret)


KEYS = "pbxs name teams agents groups secret env file queue_log flow fields group id hours labels en missed range team"
TEXTS = "main acme 1 ~ true 08:00 2026-12-25 no 1e99 -0 .inf 0800 << priority default options type select \\ud800"
WORDS = st.sampled_from([*KEYS.split(), *TEXTS.split(), "", "\x85"])
TREES = st.recursive(
    WORDS.map(lambda word: f'"{word}"') | WORDS | st.sampled_from(["&a x", "*a", "!!int x", "!x y", '"\\0"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | st.lists(st.tuples(WORDS, inner), max_size=4).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
        )
    ),
    max_leaves=20,
)
ANYTHING = st.binary(max_size=80) | TREES.map(lambda text: text.encode("utf-8", "replace"))
FILES = ("workorderd.yaml", "teams.yaml", "queues.yaml", "call_results.yaml", "templates/one.yaml")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raws=st.tuples(*[ANYTHING] * len(FILES)))
@example(raws=(b"pbxs: [{secret: {file: ''}, queue_log: 1, tls: []}]",) * 5)
@example(raws=(b"pbxs: {a: [}", b"\xff", b"null", b"[]", b"? {a: b}\n: c"))
def test_whatever_files_say_nothing_but_a_config_error_is_raised(raws: tuple[bytes, ...], tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir(exist_ok=True)
    for name, raw in zip(FILES, raws, strict=True):
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in caught.value.problems)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_torn_out_of_the_sample_is_a_config_error_or_nothing(data: st.DataObject, tmp_path: Path) -> None:
    sample = Path(__file__).parents[3] / "config"
    chosen = data.draw(st.sampled_from((*FILES[:4], "templates/ecommerce.yaml")))
    (tmp_path / "templates").mkdir(exist_ok=True)
    for path in (*sample.glob("*.yaml"), *sample.glob("templates/*.yaml")):
        (tmp_path / path.relative_to(sample)).write_bytes(path.read_bytes())
    text = (sample / chosen).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 60)))
    torn = text[:start] + data.draw(TREES | st.text(max_size=5)) + text[end:]
    (tmp_path / chosen).write_bytes(torn.encode("utf-8", "replace"))
    report = check(tmp_path, {})
    assert (report.settings is None) == bool(report.problems)
