"""`data.sources.download` against a local server that misbehaves in every way we know of."""

from __future__ import annotations

import errno
import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from data.errors import DataError
from data.sources import download
from data.sources.download import (
    SOURCE_FILES,
    SOURCE_URL,
    DownloadProgress,
    SourceFile,
    fetch_source,
    git_blob_id,
)

SIZE = 300_000  # several blocks
X = (bytes(range(256)) * (SIZE // 256 + 1))[:SIZE]
LABELS = b"blues,classical\n" * 40
NAME = "train/mfccs/X.npy"
PART = NAME + ".part"


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


ONE = (SourceFile(NAME, blob_id(X)),)
CONTENTS = {
    NAME: X,
    "train/mfccs/labels.npy": LABELS,
    "train/melgrams/X.npy": X[::-1],
    "train/melgrams/labels.npy": LABELS,
}
FOUR = tuple(SourceFile(path, blob_id(content)) for path, content in CONTENTS.items())


class Handler(BaseHTTPRequestHandler):
    """Answers with the next step of the server's script, or well."""

    timeout = 5

    def do_GET(self) -> None:
        server = cast(Server, self.server)
        path = self.path.removeprefix("http://arrays.invalid").lstrip("/")
        wanted = self.headers.get("Range")
        server.requests.append((path, wanted))
        assert len(server.requests) < 50
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0  # type: ignore[index]
        content = server.contents.get(path)
        if server.script:
            server.script.pop(0)(self, start)
        elif content is None:
            self.answer(404)
        elif start >= len(content) and start:
            self.answer(416, headers={"Content-Range": f"bytes */{len(content)}"})
        elif start:
            self.answer(206, content[start:], content_range(start, len(content)))
        else:
            self.answer(200, content)

    def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """`length` is the announced size: None for that of `body`, -1 for none at all."""
        self.send_response(status)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


Step = Callable[[Handler, int], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = dict(CONTENTS)
        self.script: list[Step] = []
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        pass  # clients that hang up are part of the tests


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


def content_range(start: int, total: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{total - 1}/{total}"}


def answers(*args: Any, **kwargs: Any) -> Step:
    return lambda handler, _: handler.answer(*args, **kwargs)


def drops_after(count: int) -> Step:
    """Promises all that is left, sends `count` bytes of it and hangs up."""

    def step(handler: Handler, start: int) -> None:
        rest = X[start:]
        if start:
            handler.answer(206, rest[:count], content_range(start, SIZE), length=len(rest))
        else:
            handler.answer(200, rest[:count], length=len(rest))

    return step


def fetch(
    server: Server, folder: Path, files: tuple[SourceFile, ...] = ONE, **kwargs: Any
) -> list[DownloadProgress]:
    seen: list[DownloadProgress] = []
    settings: dict[str, Any] = {
        "base_url": server.url,
        "files": files,
        "backoff": 0.001,
        "timeout": 5,
        "progress": seen.append,
    }
    fetch_source(folder, **(settings | kwargs))
    return seen


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_the_table_names_nine_arrays_at_twelve_places() -> None:
    assert len(SOURCE_FILES) == 12
    assert {file.path for file in SOURCE_FILES} == {
        f"{split}/{kind}/{name}.npy"
        for split in ("train", "val", "test")
        for kind in ("mfccs", "melgrams")
        for name in ("X", "labels")
    }
    assert len({file.blob_id for file in SOURCE_FILES}) == 9
    assert all(re.fullmatch("[0-9a-f]{40}", file.blob_id) for file in SOURCE_FILES)
    assert SOURCE_URL.startswith("https://")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ],
)
def test_blob_id_is_gits(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert git_blob_id(tmp_path / "file") == expected


def test_importing_it_loads_no_torch() -> None:
    code = (
        "import sys, data.sources.download; sys.exit(bool({'torch', 'keras'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_all_files_are_placed_and_each_content_comes_once(server: Server, tmp_path: Path) -> None:
    seen = fetch(server, tmp_path / "new" / "folder", FOUR)
    assert tree(tmp_path / "new" / "folder") == CONTENTS
    paths = [path for path, _ in server.requests]
    assert paths == [NAME, "train/mfccs/labels.npy", "train/melgrams/X.npy"]
    assert {p.file for p in seen} == set(paths)
    first = [p for p in seen if p.file == NAME]
    assert first[0].bytes_done == 0
    assert first[-1].bytes_done == SIZE
    assert {p.bytes_total for p in first} == {SIZE}
    assert [p.bytes_done for p in first] == sorted(p.bytes_done for p in first)


def test_without_mel_nothing_goes_under_melgrams(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, FOUR, with_mel=False)
    assert tree(tmp_path) == {name: CONTENTS[name] for name in (NAME, "train/mfccs/labels.npy")}


def test_what_is_in_place_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    for name, content in CONTENTS.items():
        put(tmp_path, name, content)
    seen = fetch(server, tmp_path, FOUR)
    assert server.requests == []
    assert [p.bytes_done for p in seen] == [SIZE, len(LABELS), SIZE]
    (tmp_path / "train/mfccs/labels.npy").unlink()
    fetch(server, tmp_path, FOUR)
    assert server.requests == []  # its twin under melgrams was copied
    assert tree(tmp_path) == CONTENTS


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    put(tmp_path, NAME, X[:-1])
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}


def test_a_damaged_file_stays_until_the_right_one_is_there(server: Server, tmp_path: Path) -> None:
    put(tmp_path, NAME, b"mine")
    server.contents.clear()
    with pytest.raises(DataError):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: b"mine"}


def test_a_part_is_resumed(server: Server, tmp_path: Path) -> None:
    put(tmp_path, PART, X[:1000])
    seen = fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, "bytes=1000-")]
    assert (seen[0].bytes_done, seen[0].bytes_total) == (1000, SIZE)


def test_a_complete_part_is_placed_without_a_request(server: Server, tmp_path: Path) -> None:
    put(tmp_path, PART, X)
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == []


def test_a_server_that_ignores_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    put(tmp_path, PART, X[:1000])
    server.script = [answers(200, X)]
    seen = fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert len(server.requests) == 1
    assert seen[0].bytes_done == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Range": "bytes 0-299999/300000"},
        {"Content-Range": "bytes 1001-299999/300000"},
        {"Content-Range": "bytes twelve"},
    ],
)
def test_another_range_than_asked_for_starts_over(
    server: Server, tmp_path: Path, headers: dict[str, str]
) -> None:
    put(tmp_path, PART, X[:1000])
    server.script = [answers(206, X[1000:], headers)]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, "bytes=1000-"), (NAME, None)]


def test_a_part_of_the_wrong_content_is_resumed_once_then_dropped(
    server: Server, tmp_path: Path
) -> None:
    put(tmp_path, PART, b"?" * 1000)
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, "bytes=1000-"), (NAME, None)]


@pytest.mark.parametrize("part", [X + b"more", b"?" * SIZE])
def test_416_for_a_wrong_part_starts_over(server: Server, tmp_path: Path, part: bytes) -> None:
    put(tmp_path, PART, part)
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, f"bytes={len(part)}-"), (NAME, None)]


def test_416_without_a_part_is_refused(server: Server, tmp_path: Path) -> None:
    server.script = [answers(416)]
    with pytest.raises(DataError, match="416"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}


def test_a_connection_that_drops_four_times_still_gets_there(
    server: Server, tmp_path: Path
) -> None:
    server.script = [drops_after(count) for count in (70_000, 0, 1, 100_000)]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    asked = [wanted for _, wanted in server.requests]
    assert asked == [None, "bytes=70000-", "bytes=70000-", "bytes=70001-", "bytes=170001-"]


def test_a_server_that_sends_less_than_it_promises_each_time(
    server: Server, tmp_path: Path
) -> None:
    server.script = [drops_after(10_000) for _ in range(3)]
    with pytest.raises(DataError, match=r"received 30000 of 300000 bytes .*3 tries.*same command"):
        fetch(server, tmp_path, attempts=3)
    assert tree(tmp_path) == {PART: X[:30_000]}
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests[-1] == (NAME, "bytes=30000-")


def test_hanging_up_without_an_answer_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.script = [lambda handler, _: handler.connection.close()]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}


def test_a_reset_in_the_middle_is_tried_again(server: Server, tmp_path: Path) -> None:
    def reset(handler: Handler, start: int) -> None:
        drops_after(100_000)(handler, start)
        linger_zero = b"\1\0\0\0\0\0\0\0"
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        handler.connection.close()

    server.script = [reset]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}


def test_silence_counts_as_a_broken_connection(server: Server, tmp_path: Path) -> None:
    def stall(handler: Handler, start: int) -> None:
        drops_after(50_000)(handler, start)
        handler.wfile.flush()
        server.released.wait(5)

    server.script = [stall, stall]
    begin = time.monotonic()
    fetch(server, tmp_path, timeout=0.1)
    assert time.monotonic() - begin < 4
    assert tree(tmp_path) == {NAME: X}
    assert [wanted for _, wanted in server.requests][1:] == ["bytes=50000-", "bytes=100000-"]


def test_a_body_without_a_length(server: Server, tmp_path: Path) -> None:
    server.script = [answers(200, X, length=-1)]
    seen = fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert {p.bytes_total for p in seen} == {None}


def test_corrupted_once_is_fetched_again_from_zero(server: Server, tmp_path: Path) -> None:
    server.script = [answers(200, X[:-1] + b"!")]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, None), (NAME, None)]


def test_corrupted_always_is_refused(server: Server, tmp_path: Path) -> None:
    server.contents[NAME] = wrong = X[:-1] + b"!"
    with pytest.raises(DataError, match="git blob id") as raised:
        fetch(server, tmp_path)
    assert ONE[0].blob_id in str(raised.value)
    assert blob_id(wrong) in str(raised.value)
    assert "python -m data import FOLDER" in str(raised.value)
    assert tree(tmp_path) == {}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_not_asked_again(server: Server, tmp_path: Path, status: int) -> None:
    server.script = [answers(status)]
    with pytest.raises(DataError, match=f"{NAME}, received HTTP status {status}.*import FOLDER"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}
    assert len(server.requests) == 1


def test_files_before_a_missing_one_stay(server: Server, tmp_path: Path) -> None:
    del server.contents["train/melgrams/X.npy"]
    with pytest.raises(DataError, match="404"):
        fetch(server, tmp_path, FOUR)
    there = ("train/mfccs/labels.npy", "train/melgrams/labels.npy", NAME)
    assert tree(tmp_path) == {name: CONTENTS[name] for name in there}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(server: Server, tmp_path: Path, status: int) -> None:
    server.script = [drops_after(1000), answers(status), answers(status)]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests[-1] == (NAME, "bytes=1000-")


def test_a_lasting_failure_ends(server: Server, tmp_path: Path) -> None:
    server.script = [answers(500)] * 5
    with pytest.raises(DataError, match=r"HTTP status 500.*5 tries.*run the same command again"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}
    assert len(server.requests) == 5


def test_a_redirect_is_followed_with_its_range(server: Server, tmp_path: Path) -> None:
    put(tmp_path, PART, X[:1000])
    server.contents["elsewhere"] = X
    server.script = [answers(302, b"moved", {"Location": f"{server.url}/elsewhere"})]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests == [(NAME, "bytes=1000-"), ("elsewhere", "bytes=1000-")]


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_a_redirect_to_another_scheme_is_refused(
    server: Server, tmp_path: Path, scheme: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(X)
    location = f"{scheme}://127.0.0.1{secret}"
    server.script = [answers(302, b"", {"Location": location})]
    with pytest.raises(DataError, match=f"HTTP status 302.*[Rr]edirection to.*{scheme}://"):
        fetch(server, tmp_path / "folder")
    assert tree(tmp_path / "folder") == {}


def test_a_redirect_in_a_circle_ends(server: Server, tmp_path: Path) -> None:
    server.script = [answers(302, b"", {"Location": f"/{NAME}"})] * 20
    with pytest.raises(DataError, match="302"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(("announced", "taken"), [(SIZE, 0), (10**15, 0), (-1, 200_000)])
def test_an_oversized_file_is_refused(
    server: Server, tmp_path: Path, announced: int, taken: int
) -> None:
    seen: list[int] = []
    server.script = [answers(200, X, length=announced)]
    with pytest.raises(DataError, match="at most 200000 bytes"):
        fetch(
            server, tmp_path, max_file_bytes=200_000, progress=lambda p: seen.append(p.bytes_done)
        )
    assert tree(tmp_path) == {}
    assert len(server.requests) == 1
    assert max(seen) <= taken


def endless(sent: list[int], status: int, headers: dict[str, str] | None = None) -> Step:
    """Answers, then sends 64 MiB at most; `sent` gets the sizes that found a taker."""

    def step(handler: Handler, _: int) -> None:
        handler.answer(status, headers=headers, length=-1)
        for _ in range(64):
            handler.wfile.write(bytes(2**20))
            sent.append(2**20)

    return step


def test_an_endless_body_is_cut_off(server: Server, tmp_path: Path) -> None:
    sent: list[int] = []
    server.script = [endless(sent, 200)]
    with pytest.raises(DataError, match="at most 200000 bytes"):
        fetch(server, tmp_path, max_file_bytes=200_000)
    assert tree(tmp_path) == {}
    assert sum(sent) < 64 * 2**20


def test_an_endless_redirect_is_cut_off(server: Server, tmp_path: Path) -> None:
    sent: list[int] = []
    server.script = [endless(sent, 302, headers={"Location": f"/{NAME}"})]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert sum(sent) < 64 * 2**20


def test_an_oversized_range_is_refused(server: Server, tmp_path: Path) -> None:
    put(tmp_path, PART, X[:1000])
    server.script = [answers(206, X, content_range(1000, SIZE), length=-1)]
    with pytest.raises(DataError, match="at most 300000 bytes"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}


def test_control_characters_of_the_server_do_not_reach_the_screen(
    server: Server, tmp_path: Path
) -> None:
    def paint(handler: Handler, _: int) -> None:
        handler.wfile.write(b"HTTP/1.0 404 \x1b[2Jgone\r\n\r\n")

    server.script = [paint]
    with pytest.raises(DataError, match="404") as raised:
        fetch(server, tmp_path)
    assert str(raised.value).isprintable()
    assert tree(tmp_path) == {}


def test_no_http_at_all_is_refused(server: Server, tmp_path: Path) -> None:
    def mumble(handler: Handler, _: int) -> None:
        handler.wfile.write(b"220 mail ready\r\n")

    server.script = [mumble] * 5
    with pytest.raises(DataError, match="no answer"):
        fetch(server, tmp_path)
    assert tree(tmp_path) == {}


@pytest.fixture
def nobody() -> Iterator[str]:
    with socket.socket() as taken:  # bound, not listening: refuses connections
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_nothing_listening(server: Server, tmp_path: Path, nobody: str) -> None:
    with pytest.raises(DataError, match=r"expected an answer from 127\.0\.0\.1.*network"):
        fetch(server, tmp_path, base_url=nobody, backoff=60)
    assert tree(tmp_path) == {}


def test_a_network_that_goes_and_comes_back(server: Server, tmp_path: Path, nobody: str) -> None:
    server.script = [drops_after(1000), answers(302, b"", {"Location": nobody})]
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "url",
    ["file:///etc", "ftp://127.0.0.1/x", "folder", "", "http://[", "http://127.0.0.1:port/a"],
)
def test_an_address_that_is_none(server: Server, tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match="address") as raised:
        fetch(server, tmp_path, base_url=url, backoff=60)
    assert url in str(raised.value)
    assert tree(tmp_path) == {}


def test_the_environments_proxy_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", server.url)
    fetch(server, tmp_path, base_url="http://arrays.invalid/")
    assert tree(tmp_path) == {NAME: X}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole_open = Path.open

    class Filling:
        """Takes 1000 bytes a block, then has no room."""

        def __init__(self, file: BinaryIO) -> None:
            self.file = file

        def __enter__(self) -> Filling:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, block: bytes) -> None:
            self.file.write(block[:1000])
            if block:
                raise OSError(number, "no room")

    def filling_open(path: Path, mode: str = "r", **kwargs: Any) -> Any:
        file = whole_open(path, mode, **kwargs)
        return Filling(cast(BinaryIO, file)) if path.suffix == ".part" and mode == "ab" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", filling_open)
        with pytest.raises(DataError, match=r"no space left.*run the same command again"):
            fetch(server, tmp_path)
    assert tree(tmp_path) == {PART: X[:1000]}
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests[-1] == (NAME, "bytes=1000-")


def test_a_full_disk_while_the_twin_is_copied(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_: Path, to: Path) -> None:
        to.write_bytes(LABELS[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download.shutil, "copyfile", fill)  # type: ignore[attr-defined]
        with pytest.raises(DataError, match=r"space"):
            fetch(server, tmp_path, FOUR)
    there = (NAME, "train/mfccs/labels.npy")
    assert tree(tmp_path) == {name: CONTENTS[name] for name in there}
    fetch(server, tmp_path, FOUR)
    assert tree(tmp_path) == CONTENTS


def test_a_file_where_the_folder_should_be(server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"folder.* cannot be written"):
        fetch(server, tmp_path / "folder")
    assert tree(tmp_path) == {"folder": b"mine"}
    assert server.requests == []


def test_an_interrupt_leaves_the_part_for_the_next_time(server: Server, tmp_path: Path) -> None:
    def interrupt(progress: DownloadProgress) -> None:
        if progress.bytes_done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, progress=interrupt)
    (left,) = tree(tmp_path).items()
    assert left[0] == PART
    assert 100_000 < len(left[1]) < SIZE
    assert X.startswith(left[1])
    fetch(server, tmp_path)
    assert tree(tmp_path) == {NAME: X}
    assert server.requests[-1] == (NAME, f"bytes={len(left[1])}-")
