from __future__ import annotations

import io
import tracemalloc
from contextlib import suppress
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import InvalidError
from daemon.orders.customer import Customer, Dialling, Draft, fold_name, is_email, read_customer, twin_key
from daemon.orders.customer_csv import LONGEST_LINE, LineError, Row, read_file

BERLIN = Dialling("DE")


def faults_of(draft: Draft) -> list[tuple[str, str]]:
    with pytest.raises(InvalidError) as refused:
        read_customer(draft, BERLIN)
    return [(fault.where, fault.rule) for fault in refused.value.faults]


def read(content: bytes | str) -> list[Row | LineError]:
    file = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    return list(read_file(iter(lambda: file.readline(LONGEST_LINE), b""), "individual", BERLIN))


def customers_of(content: bytes | str) -> list[tuple[int, Customer]]:
    found = read(content)
    assert [each for each in found if isinstance(each, LineError)] == []
    return [(each.line, each.customer) for each in found if isinstance(each, Row)]


def errors_of(content: bytes | str) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.what) for each in read(content) if isinstance(each, LineError)]


# --- one customer -----------------------------------------------------------------------------------------------------


def test_a_customer_is_read_without_blanks_and_with_numbers_as_the_world_writes_them() -> None:
    draft = Draft(
        " Ada  Lovelace ", "Enterprise", " A1 ", " ada@example.com ", "Hof 1\n12345 Berlin", "", ("030 1234567",)
    )
    found = read_customer(draft, BERLIN)
    assert (found.kind, found.name, found.reference, found.email) == (
        "enterprise",
        "Ada  Lovelace",
        "A1",
        "ada@example.com",
    )
    assert found.address == "Hof 1\n12345 Berlin"
    assert [(number.raw, number.e164, number.tail) for number in found.numbers] == [
        ("030 1234567", "+49301234567", "01234567")
    ]


def test_what_is_empty_is_not_there() -> None:
    found = read_customer(Draft("Ada", reference="  ", email=""), BERLIN)
    assert (found.reference, found.email, found.numbers) == (None, None, ())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    draft = Draft("", "robot", "x" * 81, "ada", "a" * 1001, "n" * 2001, ("", "abc", "1" * 81))
    assert faults_of(draft) == [
        ("/reference", "too_long"),
        ("/name", "required"),
        ("/email", "email"),
        ("/address", "too_long"),
        ("/note", "too_long"),
        ("/kind", "option"),
        ("/numbers/0", "number"),
        ("/numbers/1", "number"),
        ("/numbers/2", "too_long"),
    ]


@pytest.mark.parametrize("text", ["A\x00B", "A\nB", "A\x7fB", "A\x85B", "A\ud800B", "A\tB"])
def test_control_characters_are_refused_in_a_name_and_in_a_number(text: str) -> None:
    assert faults_of(Draft(text)) == [("/name", "control_character")]
    assert faults_of(Draft("A", numbers=(f"030{text}1",))) == [("/numbers/0", "control_character")]


def test_notes_have_lines_but_no_other_control_characters() -> None:
    assert read_customer(Draft("A", note="one\r\ntwo\n\tthree"), BERLIN).note == "one\r\ntwo\n\tthree"
    for text in ("a\x00b", "a\x1bb", "a\rb", "a\ud800b"):
        assert faults_of(Draft("A", note=text)) == [("/note", "control_character")]


def test_a_name_of_a_hundred_thousand_characters_is_refused_in_few_words() -> None:
    with pytest.raises(InvalidError) as refused:
        read_customer(Draft("x" * 100_000, kind="y" * 100_000, numbers=("z" * 79,)), BERLIN)
    assert len(str(refused.value)) < 400


def test_one_number_written_in_two_ways_is_refused() -> None:
    assert faults_of(Draft("A", numbers=("030 1234567", "+49 30 1234567"))) == [("/numbers/1", "number_twice")]
    assert faults_of(Draft("A", numbers=("12-34", "1234"))) == [("/numbers/1", "number_twice")]
    assert len(read_customer(Draft("A", numbers=("030 1234567", "030 1234568")), BERLIN).numbers) == 2


def test_more_than_a_hundred_numbers_at_once_are_refused() -> None:
    numbers = tuple(f"030 {1234567 + n}" for n in range(101))
    assert faults_of(Draft("A", numbers=numbers)) == [("/numbers", "too_many")]
    assert len(read_customer(Draft("A", numbers=numbers[:100]), BERLIN).numbers) == 100


@pytest.mark.parametrize(
    "address", ["a@b.de", "ada.l+x@mail.example.com", "x_y@a-b.museum", "用户@例子.中国", "o'neil@x.ie"]
)
def test_addresses_that_a_mail_server_could_take(address: str) -> None:
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@b.de",
        "a@",
        "a@b",
        "a@b..de",
        "a@.de",
        "a@-b.de",
        "a b@c.de",
        "a@b.de, c@d.de",
        "Ada <a@b.de>",
        "a@b.de\r\nBcc: x@y.de",
        "a@@b.de",
        ".a@b.de",
        "a..b@c.de",
        "a" * 65 + "@b.de",
        "a@" + "b" * 64 + ".de",
        'a"b@c.de',
        "a\x00@b.de",
    ],
)
def test_addresses_that_it_could_not(address: str) -> None:
    assert not is_email(address)


def test_names_are_ordered_and_searched_without_case_width_and_double_blanks() -> None:
    assert fold_name("  MÜLLER   Straße ") == "müller strasse"
    assert fold_name("ＡＢＣ公司") == "abc公司"


def test_who_has_no_reference_is_known_by_his_name_and_his_first_number() -> None:
    first = read_customer(Draft("Ada", numbers=("030 1234567", "030 99")), BERLIN)
    again = read_customer(Draft("ADA", numbers=("+49301234567",)), BERLIN)
    other = read_customer(Draft("Ada", numbers=("030 99", "030 1234567")), BERLIN)
    nobody = read_customer(Draft("Ada"), BERLIN)
    assert first.twin == again.twin
    assert len({first.twin, other.twin, nobody.twin}) == 3
    assert nobody.twin == twin_key("ada", None)


@given(st.builds(Draft, *[st.text()] * 6, st.lists(st.text(), max_size=5).map(tuple)))
def test_whatever_is_written_is_a_customer_or_refused(draft: Draft) -> None:
    with suppress(InvalidError):
        found = read_customer(draft, BERLIN)
        assert found.name
        for text in (found.name, found.address, found.note, found.email or "", found.reference or ""):
            assert "\0" not in text
            text.encode()
        assert all(number.tail for number in found.numbers)


# --- a file -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_come_in_any_order_and_case_with_any_delimiter(delimiter: str, mark: bytes, end: str) -> None:
    rows = [
        ["Note", "PHONE", "Name", "Reference", "Kind", "E-Mail", "Phone 2", "address"],
        ['"a""b"', '"030 1234567; 0171 1234567"', "Müller", "M1", "ENTERPRISE", "m@x.de", "030 7654321", "Hof 1"],
    ]
    content = mark + end.join(delimiter.join(row) for row in rows).encode() + end.encode()
    ((line, found),) = customers_of(content)
    assert (line, found.name, found.reference, found.kind) == (2, "Müller", "M1", "enterprise")
    assert (found.note, found.email, found.address) == ('a"b', "m@x.de", "Hof 1")
    assert [number.raw for number in found.numbers] == ["030 1234567", "0171 1234567", "030 7654321"]


def test_a_file_of_names_alone_is_a_file() -> None:
    assert [customer.name for _, customer in customers_of("name\nAda\nBob")] == ["Ada", "Bob"]


def test_lines_are_counted_through_line_breaks_in_quotes_and_blank_lines() -> None:
    content = 'name,note\n"Ada","one\ntwo\r\nthree"\n\n \nBob,x\n"","a\nb"\nCarl,"\n"\nx@y,\n'
    assert errors_of(content) == [(8, "name", "is missing")]
    assert [each.line for each in read(content) if isinstance(each, Row)] == [2, 7, 10, 12]


def test_each_line_says_what_is_wrong_with_it_in_the_columns_words() -> None:
    content = (
        "Name;Phone;Phone2;E-Mail;Kind\n"
        "Ada;030 1234567;;ada@example.com;\n"
        ";030 1;abc;ada;robot\n"
        "Bob;030 1234567;+49301234567;;\n"
        f"{'x' * 201};;;;\n"
        "Carl;;;;;;too many\n"
    )
    assert errors_of(content) == [
        (3, "Name", "is missing"),
        (3, "E-Mail", "'ada' is no e-mail address"),
        (3, "Kind", "'robot' is no kind: individual or enterprise"),
        (3, "Phone2", "'abc' has no digits that could be dialled"),
        (4, "Phone2", "'+49301234567' is there twice"),
        (5, "Name", "is too long: 201 characters, at most 200 are allowed"),
        (6, "", "7 cells, but the header has 5"),
    ]


def test_an_unknown_column_is_refused_with_the_one_that_was_meant() -> None:
    assert errors_of("name,fone,xyzzy\nAda,1,2\n") == [
        (1, "fone", "no such column: did you mean phone?"),
        (1, "xyzzy", "no such column: there are reference, kind, name, phone, email, address, note"),
    ]
    assert errors_of("name,Name\nA,B\n") == [(1, "name", "the column is there twice")]
    assert errors_of("phone\n030 1\n") == [(1, "", "the column name is missing; there are: phone")]


def test_a_column_without_a_name_must_be_empty() -> None:
    assert len(customers_of("name,,\nAda,,\nBob\n")) == 2
    assert errors_of("name,\nAda,x\n") == [(2, "", "'x' stands in a column without a name")]


def test_two_lines_with_one_reference_are_refused() -> None:
    assert errors_of("reference,name\n1,Ada\n2,Bob\n1,Carl\n") == [(4, "reference", "line 2 has the same reference")]


def test_without_a_reference_in_both_one_name_and_first_number_are_one_customer() -> None:
    content = "reference,name,phone\n{},Ada,030 1234567\n{},ADA,+49301234567\n"
    assert len(customers_of(content.format("1", "2"))) == 2
    for first, second in (("", ""), ("1", ""), ("", "2")):
        ((line, column, what),) = errors_of(content.format(first, second))
        assert (line, column) == (3, "name")
        assert what.startswith("line 2 has the same name and first number")


def test_other_encodings_are_named_with_their_lines() -> None:
    latin = "name,note\nAda,x\nMüller,x\nBob,Größe\n".encode("latin-1")
    assert [(line, what[:41]) for line, _, what in errors_of(latin)] == [
        (3, "byte 2 of the line, 0xFC, is not UTF-8: s"),
        (4, "byte 7 of the line, 0xF6, is not UTF-8: s"),
    ]
    assert errors_of("name\nAda\n".encode("utf-16")) == [
        (1, "", "the file is in UTF-16: save the file as CSV in UTF-8")
    ]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " \r\n"])
def test_an_empty_file_is_told_what_is_expected(content: str) -> None:
    ((line, _, what),) = errors_of(content)
    assert (line, what[:46]) == (1, "the file is empty: a header with the columns r")


def test_a_header_alone_is_no_file_of_customers() -> None:
    assert errors_of("name,phone\n") == [(1, "", "there is no customer below the header")]


def test_a_file_that_was_cut_in_a_quoted_cell_says_where_that_began() -> None:
    content = 'name,note\nAda,x\nBob,"a\nb\nc'
    assert errors_of(content) == [(3, "", "a cell in quotes begins here, and the file ends before its closing quote")]


def test_a_quote_that_never_closes_does_not_take_the_whole_file_into_memory() -> None:
    begin = [b"name\n", b'"' + b"x" * 999 + b"\n"]
    lines = chain(begin, (b"y" * 999 + b"\n" for _ in range(100_000)))
    tracemalloc.start()
    found = list(read_file(lines, "individual", BERLIN))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [str(each) for each in found] == ["a cell has more than 131,072 characters: is a closing quote missing?"]
    assert peak < 5_000_000


def test_stray_quotes_and_carriage_returns_are_told_in_words() -> None:
    assert errors_of('name,note\nAda,"x" y\nBob,z\n') == [
        (2, "", "a quote ends in the middle of a cell: a quote within quotes is written twice")
    ]
    assert errors_of("name\nAda\rBob\n") == [
        (2, "", "a carriage return alone ends no line: save the file with CRLF or LF")
    ]


def test_monsters_are_refused_in_few_words() -> None:
    assert errors_of(",".join(f"column{n}" for n in range(10_000))) == [
        (1, "", "10000 columns, at most 100 are allowed: is this a file of customers?")
    ]
    assert errors_of("name\n" + "x" * 100_000 + "\n") == [
        (2, "name", "is too long: 100000 characters, at most 200 are allowed")
    ]
    assert errors_of(b"name\n" + b"\xff" * (LONGEST_LINE + 5)) == [
        (2, "", "the line is longer than 1,048,576 bytes: is this a CSV file?")
    ]
    assert errors_of(b"name,fo\x00ne\nAda,B\n")[0][:2] == (1, "fo\N{REPLACEMENT CHARACTER}ne")
    assert errors_of(b"name\nA\x00da\n") == [(2, "name", "has a control character, U+0000")]


def test_a_million_lines_are_the_most() -> None:
    lines = (b"name\n" if n == 0 else b"\n" for n in range(1_000_005))
    assert [(each.line, str(each)) for each in read_file(lines, "individual", BERLIN)] == [
        (1_000_001, "the file has more than 1,000,000 lines: cut it into several")
    ]


@given(st.binary(max_size=400) | st.text(alphabet='na,me;"\r\n\t01', max_size=200).map(str.encode))
def test_whatever_a_file_holds_it_comes_to_an_end(content: bytes) -> None:
    found = read(b"name,phone\n" + content)
    assert found
    assert all(each.line >= 1 for each in found)
