from __future__ import annotations

import pytest

from daemon.orders.attachment import ENDINGS, LONGEST_NAME, KindError, check_ending, file_name, media_type


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("offer.pdf", "offer.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/x/", "x"),
        ("C:\\Users\\a\\scan.png", "scan.png"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        ("\r\n\x00\x1b", "file"),
        ("a\r\nSet-Cookie: b.txt", "aSet-Cookie_ b.txt"),
        ('<img src=x onerror="a()">.png', "_img src=x onerror=_a()__.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\u2028b\ufeff\u200b.txt", "ab.txt"),
        ("\ud800.txt", "txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("CON.txt", "_CON.txt"),
        ("nul", "_nul"),
        ("照片 1.jpeg", "照片 1.jpeg"),
        ("👩\u200d🔧.png", "👩\u200d🔧.png"),
    ],
)
def test_a_name_can_be_saved_anywhere(raw: str, name: str) -> None:
    assert file_name(raw) == name


@pytest.mark.parametrize("stem", ["x" * 10_000, "文" * 10_000, "é" * 127, "a" * 251])
def test_a_long_name_is_cut_and_keeps_its_ending(stem: str) -> None:
    name = file_name(stem + ".jpeg")
    assert name.endswith(".jpeg")
    assert LONGEST_NAME - 4 < len(name.encode()) <= LONGEST_NAME


def test_a_name_that_is_all_ending_is_cut_too() -> None:
    assert file_name("a." + "b" * 300) == "a." + "b" * 253


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.PNG", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe1", "image/jpeg"),
        ("a.gif", b"GIF89a", "image/gif"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.txt", b"<html><script>", "text/plain"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVE", "audio/x-wav"),
        ("a.html", b"<html>", "application/octet-stream"),
        ("a.svg", b"<svg>", "application/octet-stream"),
        ("a", b"", "application/octet-stream"),
    ],
)
def test_the_kind_is_told_by_name_and_content(name: str, head: bytes, kind: str) -> None:
    assert media_type(name, head) == kind


@pytest.mark.parametrize("head", [b"MZ\x90", b"\x7fELF", b"#!/bin/sh", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"])
@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.bin"])
def test_a_program_is_refused_whatever_it_is_called(name: str, head: bytes) -> None:
    with pytest.raises(KindError, match="it is a program"):
        media_type(name, head)


@pytest.mark.parametrize("head", [b"", b"\x89PN", b"<html>", b"RIFF\x00\x00\x00\x00WAVE"])
@pytest.mark.parametrize("name", ["a.png", "a.pdf", "a.webp"])
def test_what_is_no_picture_is_not_taken_as_one(name: str, head: bytes) -> None:
    with pytest.raises(KindError, match="and its content does not"):
        media_type(name, head)


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a.svg", "a.js", "a.zip", "pdf", ".pdf", "a.pdf.", "a."])
def test_only_allowed_endings_are_taken(name: str) -> None:
    with pytest.raises(KindError, match="are not taken"):
        check_ending(name, ENDINGS)


def test_capital_letters_in_an_ending_make_no_difference() -> None:
    check_ending("A.PDF", ("pdf",))
    with pytest.raises(KindError, match="allowed: none at all"):
        check_ending("a.pdf", ())
