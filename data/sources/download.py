"""Downloads the source dataset's arrays; resumes transfers and verifies contents.

Every file is known beforehand by its git blob id, so nothing that a server
sends is trusted: neither paths, nor sizes, nor contents.
"""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request

from data.datasets.source_dataset import SOURCE_FILES, SOURCE_URL, SourceFile, git_blob_id
from data.errors import DataError
from data.files.atomic import commit, writing

MAX_FILE_BYTES = 64 * 2**20  # the largest array, train/melgrams/X.npy, has about 34 MB

_BLOCK_BYTES = 64 * 1024
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})  # HTTP statuses worth another try
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)
_GO_ON = "run the same command again to go on where it stopped"
_BY_HAND = "copy the folder by hand and use `python -m data import FOLDER`"


@dataclass(frozen=True)
class DownloadProgress:
    """How much of one file is there."""

    file: str
    bytes_done: int
    bytes_total: int | None  # None while unknown


class _BrokenError(Exception):
    """A transfer that ended early: worth another try."""


def fetch_source(
    folder: Path,
    *,
    base_url: str = SOURCE_URL,
    progress: Callable[[DownloadProgress], None] = lambda _: None,
    with_mel: bool = True,
    files: Sequence[SourceFile] = SOURCE_FILES,
    attempts: int = 5,
    backoff: float = 0.5,
    timeout: float = 30.0,
    max_file_bytes: int = MAX_FILE_BYTES,
) -> None:
    """Fill `folder` with the verified arrays `{train,val,test}/{mfccs,melgrams}/{X,labels}.npy`.

    A file that is in place with the right id is not fetched again; one with
    another content is replaced, once the right one is complete. What an
    interrupted call has received stays in `<name>.part` for the next one.

    Args:
        folder: where the layout goes; made if it is missing.
        base_url: http(s) address under which the paths of `files` are found.
        progress: called at each file's start and after every block.
        with_mel: False leaves everything under `melgrams` out.
        files: what to fetch. One id at several paths is downloaded once.
        attempts: tries for each file when the connection breaks.
        backoff: seconds before the second try, doubled before each further one.
        timeout: seconds of silence after which a connection counts as broken.
        max_file_bytes: the size in bytes above which a file is refused.

    Raises:
        DataError: the address is no http(s) one or cannot be reached, the server
            refuses a file or sends another content twice, the connection keeps
            breaking, or the disk is full or not writable.
    """
    if not base_url.lower().startswith(("http://", "https://")):
        raise DataError(f"expected an http or https address, received {base_url!r}: correct it")
    transfer = _Transfer(progress, attempts, backoff, timeout, max_file_bytes)
    groups: dict[str, list[str]] = {}
    for file in files:
        if with_mel or "melgrams" not in file.path.split("/"):
            groups.setdefault(file.blob_id, []).append(file.path)
    for blob_id, names in groups.items():
        paths = [folder / name for name in names]
        with writing(folder):
            present = [path for path in paths if path.is_file() and git_blob_id(path) == blob_id]
            size = present[0].stat().st_size if present else 0
        if present:
            progress(DownloadProgress(names[0], size, size))
        else:
            transfer.fetch(f"{base_url.rstrip('/')}/{names[0]}", paths[0], blob_id, names[0])
            present = [paths[0]]
        for path in paths:
            if path not in present:
                with commit(path) as temporary:
                    shutil.copyfile(present[0], temporary)


@dataclass
class _Transfer:
    """The settings of one call of `fetch_source`, and whether any server has answered yet."""

    progress: Callable[[DownloadProgress], None]
    attempts: int
    backoff: float
    timeout: float
    max_file_bytes: int
    answered: bool = False

    def fetch(self, url: str, target: Path, blob_id: str, name: str) -> None:
        """Download, verify and put in place; a wrong content gets one new start from zero."""
        part = target.with_name(target.name + ".part")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            complete = part.is_file() and git_blob_id(part) == blob_id
        for _ in range(2):
            if not complete:
                self._receive_with_retries(url, part, name)
            with writing(target):
                received = git_blob_id(part)
                if received == blob_id:
                    break
                part.unlink()
        else:
            raise DataError(
                f"expected the git blob id {blob_id} for {url}, received {received}, also after a "
                f"new start from zero, and discarded it: try another network, or {_BY_HAND}"
            )
        with commit(target) as temporary:
            part.replace(temporary)

    def _receive_with_retries(self, url: str, part: Path, name: str) -> None:
        reason: object = "nothing"
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self.backoff * 2 ** (attempt - 1))
            try:
                return self._receive(url, part, name)
            except _BrokenError as error:
                reason = error
        raise DataError(
            f"expected the whole of {url}, received {reason} in the last of {self.attempts} tries: "
            f"{_GO_ON}, or {_BY_HAND}"
        )

    def _receive(self, url: str, part: Path, name: str) -> None:
        """Append to `part` what it lacks, or begin it anew where the server wants that."""
        with writing(part):
            offset = part.stat().st_size if part.exists() else 0
        response = self._open(url, offset)
        if response is None:  # nothing after `offset`: the id shows whether that is all of it
            return
        with response:
            done = offset if response.status == 206 else 0
            total = None if response.length is None else done + response.length
            if response.status == 206:
                sent = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
                if sent is None or int(sent[1]) != offset:
                    with writing(part):
                        part.unlink(missing_ok=True)
                    raise _BrokenError(f"another range than the one from byte {offset} on")
                total = total if sent[2] == "*" else int(sent[2])
            limit = self.max_file_bytes if total is None else min(total, self.max_file_bytes)
            if not done:
                _write(part, b"", "wb")
            self.progress(DownloadProgress(name, done, total))
            while (total is None or total <= limit) and (block := _read(response)):
                done += len(block)
                if done > limit:
                    break
                _write(part, block)
                self.progress(DownloadProgress(name, done, total))
        if max(done, total or 0) > limit:
            with writing(part):
                part.unlink()
            raise DataError(
                f"expected at most {limit} bytes from {url}, received more or their announcement "
                f"({total}): correct the address, or {_BY_HAND}"
            )
        if total is not None and done < total:
            raise _BrokenError(f"{done} of {total} bytes")

    def _open(self, url: str, offset: int) -> http.client.HTTPResponse | None:
        """The answer to a request from byte `offset` on; None if nothing is there (416)."""
        try:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            request = urllib.request.Request(url, headers=headers)
            opener = urllib.request.build_opener(_HttpRedirects)  # with the environment's proxies
            response: http.client.HTTPResponse = opener.open(request, timeout=self.timeout)
        except HTTPError as error:
            error.close()
            self.answered = True
            if error.code == 416 and offset:
                return None
            status = f"HTTP status {error.code} ({error.reason!r:.200})"
            if error.code in _TRANSIENT:
                raise _BrokenError(status) from error
            raise DataError(
                f"expected a file at {url}, received {status}: correct the address, or {_BY_HAND}"
            ) from error
        except (http.client.InvalidURL, ValueError) as error:
            raise DataError(
                f"expected a usable address, received {url!r} ({error!r:.200}): correct it"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            no_network = isinstance(reason, (socket.gaierror, ConnectionRefusedError))
            if no_network and not self.answered:  # later on the network may well come back
                raise DataError(
                    f"expected an answer from {urlsplit(url).netloc}, received none ({reason}): "
                    f"connect to the network and {_GO_ON}, or {_BY_HAND}"
                ) from error
            raise _BrokenError(f"no answer ({reason!r:.200})") from error
        self.answered = True
        return response


class _HttpRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects to http and https only (the standard handler follows ftp as well)."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        fp.close()  # or its body would be read to its end, however long it is
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise HTTPError(newurl, code, f"redirection to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_BLOCK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(f"a broken connection ({error!r:.200})") from error


def _write(part: Path, block: bytes, mode: Literal["ab", "wb"] = "ab") -> None:
    with writing(part), part.open(mode) as file:  # closed each time: a full disk shows here
        file.write(block)
