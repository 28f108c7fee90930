"""Files on disk, and the rows that speak of them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator, Collection, Set
from pathlib import Path

import pytest

from daemon.storage import attachments
from daemon.storage.engine import Store
from daemon.storage.files import INCOMING, OLD, NoRoomError, TooLargeError, Tray, is_sound, path_of, sweep
from daemon.storage.tables import AttachmentRow
from tests.builders import NOON, group_id, team_id, work_order
from tests.worlds import small_world

CONTENT = b"0123456789" * 100_000
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


async def pieces(content: bytes = CONTENT, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def lying(folder: Path) -> set[str]:
    """Everything that lies in a folder, incoming files as `incoming`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {INCOMING if path.parent.name == INCOMING else path.name for path in files}


async def kept(folder: Path, content: bytes = CONTENT, age: float = 0, now: float = 0) -> str:
    """The checksum of a file that is there, so many seconds old at `now`."""
    async with Tray(folder) as tray:
        parcel = await tray.take(pieces(content), len(content))
        await tray.keep(parcel)
    if age:
        os.utime(path_of(folder, parcel.sha256), (now - age, now - age))
    return parcel.sha256


async def nobody(_checksums: Collection[str]) -> Set[str]:
    return set()


async def everybody(checksums: Collection[str]) -> Set[str]:
    return set(checksums)


async def test_a_file_is_where_its_checksum_says_when_it_is_kept_and_not_before(tmp_path: Path) -> None:
    async with Tray(tmp_path / "new" / "folder") as tray:
        parcel = await tray.take(pieces(), len(CONTENT))
        assert (parcel.sha256, parcel.size, parcel.head) == (CHECKSUM, len(CONTENT), CONTENT[:16])
        assert lying(tmp_path) == {INCOMING}
        await tray.keep(parcel)
        assert lying(tmp_path) == {CHECKSUM}
    path = tmp_path / "new" / "folder" / CHECKSUM[:2] / CHECKSUM[2:4] / CHECKSUM
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert is_sound(tmp_path / "new" / "folder", CHECKSUM)


async def test_a_file_of_single_bytes_and_an_empty_one_are_whole(tmp_path: Path) -> None:
    async with Tray(tmp_path) as tray:
        slow = await tray.take(pieces(b"some words, twenty bytes and more", 1), 100)
        empty = await tray.take(pieces(b""), 0)
    assert (slow.head, slow.sha256) == (
        b"some words, twen",
        hashlib.sha256(b"some words, twenty bytes and more").hexdigest(),
    )
    assert (empty.size, empty.sha256) == (0, hashlib.sha256(b"").hexdigest())
    assert lying(tmp_path) == set()


async def test_one_byte_too_many_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match="at most 999999 bytes"):
        async with Tray(tmp_path) as tray:
            await tray.take(pieces(), len(CONTENT) - 1)
    assert lying(tmp_path) == set()


async def test_what_breaks_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        async with Tray(tmp_path) as tray:
            await tray.take(broken(), 10**9)
    assert lying(tmp_path) == set()


async def test_a_full_disk_is_told_without_a_path_and_leaves_nothing() -> None:
    folder = Path("/dev/shm") / f"workorderd-test-{os.getpid()}"  # the limit of a file's size acts like a full disk
    import resource
    import shutil
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        with pytest.raises(NoRoomError, match=os.strerror(errno.EFBIG)) as refused:
            async with Tray(folder) as tray:
                await tray.take(pieces(), len(CONTENT))
        assert str(folder) not in str(refused.value)
        assert lying(folder) == set()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NoRoomError, match="can't keep files"):
        async with Tray(tmp_path / "file") as tray:
            await tray.take(pieces(), len(CONTENT))


async def test_only_what_is_old_and_unknown_is_swept(tmp_path: Path) -> None:
    now = 2_000_000_000.0
    young = await kept(tmp_path, b"young", OLD - 1, now)
    old = await kept(tmp_path, b"old", OLD, now)
    (tmp_path / INCOMING / "left-behind").write_text("half")
    os.utime(tmp_path / INCOMING / "left-behind", (now - OLD, now - OLD))
    assert await sweep(tmp_path, everybody, now) == 1
    assert lying(tmp_path) == {young, old}
    assert await sweep(tmp_path, nobody, now) == 1
    assert lying(tmp_path) == {young}
    assert await sweep(tmp_path / "nowhere", nobody, now) == 0


async def test_a_file_that_comes_again_while_it_is_swept_stays(tmp_path: Path) -> None:
    now = 2_000_000_000.0
    checksum = await kept(tmp_path, b"again", OLD, now)

    async def comes_again(_checksums: Collection[str]) -> Set[str]:
        await kept(tmp_path, b"again", 1, now)
        return set()

    assert await sweep(tmp_path, comes_again, now) == 0
    assert lying(tmp_path) == {checksum}


async def test_a_sweep_that_was_interrupted_loses_nothing(tmp_path: Path) -> None:
    now = 2_000_000_000.0
    checksum = await kept(tmp_path, b"again", OLD, now)
    path_of(tmp_path, checksum).rename(tmp_path / INCOMING / f"{checksum}.gone")
    assert await sweep(tmp_path, everybody, now) == 0
    assert lying(tmp_path) == {checksum}


async def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ab" / "cd").mkdir(parents=True)
    for name in ("notes.txt", "ab/cd/notes.txt"):
        (tmp_path / name).write_text("mine")
    assert await sweep(tmp_path, nobody, 9_000_000_000.0) == 0
    assert lying(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("word", ["", "..", "../../etc/passwd", "A" * 64, "g" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_checksum_leads_to_a_file(tmp_path: Path, word: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        path_of(tmp_path, word)


async def test_a_file_that_changed_or_is_gone_is_found(tmp_path: Path) -> None:
    checksum = await kept(tmp_path, b"sound")
    path_of(tmp_path, checksum).write_bytes(b"rotten")
    assert is_sound(tmp_path, checksum) is False
    path_of(tmp_path, checksum).unlink()
    assert is_sound(tmp_path, checksum) is None


async def test_rows_are_found_by_order_by_request_and_by_checksum(store: Store) -> None:
    world = await small_world(store)
    made = [await work_order(store, team_id(world, "acme"), group_id(world, "acme", "support")) for _ in range(2)]
    async with store.write() as session:
        for n, order in ((1, made[0]), (2, made[0]), (3, made[1])):
            session.add(
                AttachmentRow(
                    order_id=order.id,
                    name=f"{n}.txt",
                    media_type="text/plain",
                    size=2**40,
                    sha256=f"{n:064}",
                    added_at=NOON,
                )
            )
            await session.flush()
    async with store.read() as session:
        assert [row.name for row in await attachments.of_order(session, made[0].id)] == ["1.txt", "2.txt"]
        assert await attachments.count(session, made[0].id) == 2
        first = (await attachments.of_order(session, made[0].id))[0]
        assert [row.name for row in await attachments.of_one_request(session, first.id, 2)] == ["1.txt", "2.txt"]
        assert len(await attachments.of_one_request(session, first.id, 1)) == 1
        wanted = [f"{n:064}" for n in range(3000)]
        assert await attachments.known(session, wanted) == {f"{n:064}" for n in (1, 2, 3)}
        assert [name for _, name, _ in await attachments.every(session)] == ["1.txt", "2.txt", "3.txt"]
        assert first.size == 2**40
