"""The event log: what is written is read, whatever happens to the file."""

import json
import math
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from data.errors import NoSpaceError
from experiments.runs import checksums, disk_space, event_log
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.event_reader import EventReader, last_event
from experiments.runs.events import Continued, EpochEnded, Event, LogEntry, Note, Paused
from experiments.runs.lock import hold_run_lock


def log_of(run: RunDirectory, *texts: str) -> EventLog:
    log = EventLog(run)
    for text in texts:
        log.append(Note(text))
    return log


def texts(found: list[LogEntry]) -> list[str]:
    return [entry.event.text for entry in found if isinstance(entry.event, Note)]


def epoch(trial: str, number: int, logs: dict[str, float]) -> EpochEnded:
    return EpochEnded(trial, "c", number, 0.5, 1e3, 10**9, logs, [[3, 1], [0, 4]])


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_events_come_back_as_they_come(run: RunDirectory) -> None:
    reader = EventReader(run)
    assert reader.read() == (False, [])
    log = log_of(run, "one", "two")
    anew, found = reader.read()
    assert not anew
    assert texts(found) == ["one", "two"]
    assert [entry.number for entry in found] == [1, 2]
    assert found[0].time <= found[1].time
    assert reader.read() == (False, [])
    log.append(Note("three"), Note("four"))
    assert texts(reader.read()[1]) == ["three", "four"]
    log.close()
    assert [path.name for path in (run.path / "events").iterdir()] == ["0001.jsonl"]


def test_every_line_is_json_for_anybody(run: RunDirectory) -> None:
    logs = {"loss": math.nan, "rate": math.inf, "low": -math.inf, "accuracy": 0.5}
    log_of(run, 'quotes " and \u2028 lines\n').append(epoch("t", 1, logs))
    lines = (run.path / "events" / "0001.jsonl").read_text().splitlines()
    plain = [json.loads(line) for line in lines]
    assert plain[1]["logs"] == {"loss": "nan", "rate": "inf", "low": "-inf", "accuracy": 0.5}
    assert all(len(line["crc32"]) == 8 for line in plain)


def test_a_writer_that_starts_again_writes_another_file(run: RunDirectory) -> None:
    reader = EventReader(run)
    first = log_of(run, "one")
    assert texts(reader.read()[1]) == ["one"]
    first.close()
    log_of(run, "two")
    assert texts(reader.read()[1]) == ["two"]
    assert texts(EventReader(run).read()[1]) == ["one", "two"]
    (run.path / "events" / "notes.txt").write_text("not ours")
    (run.path / "events" / "x.jsonl").write_text("not ours")
    assert texts(EventReader(run).read()[1]) == ["one", "two"]


def test_a_log_cut_at_every_byte_of_its_last_three_lines(run: RunDirectory) -> None:
    names = [f"event {number}" for number in range(6)]
    log_of(run, *names)
    path = run.path / "events" / "0001.jsonl"
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(ends[2], len(whole) + 1):
        path.write_bytes(whole[:size])
        reader = EventReader(run)
        _, found = reader.read()
        complete = sum(end <= size for end in ends)
        assert texts(found) == names[:complete]
        assert reader.invalid_events == 0
        assert last_event(run) == Note(names[complete - 1])
        # The rest arrives later.
        path.write_bytes(whole)
        assert reader.read() == (False, EventReader(run).read()[1][complete:])


def test_a_flipped_bit_costs_one_line(run: RunDirectory) -> None:
    names = [f"event {number}" for number in range(4)]
    log_of(run, *names)
    path = run.path / "events" / "0001.jsonl"
    whole = path.read_bytes()
    begin, end = [i for i, byte in enumerate(whole) if byte == ord("\n")][:2]
    for position in range(begin + 1, end):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            reader = EventReader(run)
            assert texts(reader.read()[1]) == [names[0], *names[2:]]
            assert reader.invalid_events >= 1


def test_a_file_that_has_shrunk_is_read_anew(run: RunDirectory) -> None:
    log_of(run, "one", "two", "three")
    reader, path = EventReader(run), run.path / "events" / "0001.jsonl"
    reader.read()
    first = path.read_bytes().split(b"\n")[0] + b"\n"
    path.write_bytes(first)
    anew, found = reader.read()
    assert anew
    assert texts(found) == ["one"]
    path.write_bytes(
        first + checksums.dumps_line({"n": 2, "time": 1.0, "event": "note", "text": "other"})
    )
    assert texts(reader.read()[1]) == ["other"]
    path.unlink()
    assert reader.read() == (True, [])


def test_lines_of_others_are_passed_over(run: RunDirectory) -> None:
    log_of(run, "one", "two")
    path = run.path / "events" / "0001.jsonl"
    one, two, _ = path.read_bytes().split(b"\n")
    strange = [
        b"",
        b"{}",
        b"\xff\xfe",
        b"[" * 5000,
        checksums.dumps_line({"event": "note", "text": "no number"})[:-1],
        checksums.dumps_line({"n": 1, "time": 0.0, "event": "note", "text": "again"})[:-1],
        checksums.dumps_line({"n": True, "time": 0.0, "event": "note", "text": "x"})[:-1],
        checksums.dumps_line({"n": 5, "time": "now", "event": "note", "text": "x"})[:-1],
        checksums.dumps_line({"n": 5, "time": 0.0, "event": 7})[:-1],
    ]
    path.write_bytes(b"\n".join([one, *strange, two, b""]))
    reader = EventReader(run)
    assert texts(reader.read()[1]) == ["one", "two"]
    assert reader.invalid_events == len(strange)


def test_a_line_of_a_gigabyte_is_not_kept_in_memory(run: RunDirectory) -> None:
    log = log_of(run, "one")
    path = run.path / "events" / "0001.jsonl"
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 2**30)  # a hole: nothing is on the disk
        file.seek(0, 2)
        file.write(b"\n")
    log.append(Note("two"))
    tracemalloc.start()
    reader = EventReader(run)
    assert texts(reader.read()[1]) == ["one", "two"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reader.invalid_events == 1
    assert peak < 20e6
    assert last_event(run) == Note("two")


def test_a_full_disk_is_waited_for_and_said(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first tries write so and so many bytes and then find no room."""
    monkeypatch.setattr(disk_space, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(disk_space, "_LOOK", 0.005)
    log = log_of(run, "before")
    reader = EventReader(run)
    assert texts(reader.read()[1]) == ["before"]
    write, room = event_log.os.write, [70, 0, 10, None]

    def full(descriptor: int, text: bytes) -> int:
        if not room or room[0] is None:
            return write(descriptor, text)
        there = room[0]
        room[0] = 0
        if there == 0:
            room.pop(0)
            raise OSError(28, "No space left on device")
        return write(descriptor, text[:there])

    monkeypatch.setattr(event_log.os, "write", full)
    reserve = run.path / "events" / ".reserve"
    assert reserve.exists()
    log.append(*map(Note, ("one", "two", "three")))
    assert reserve.exists()
    anew, found = reader.read()
    assert not anew
    assert texts(found) == ["one", "two", "three"]
    assert Continued() in [entry.event for entry in found]
    assert reader.invalid_events == 0
    assert [entry.number for entry in found] == list(range(2, 2 + len(found)))


def test_a_stop_ends_the_waiting(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "_LOOK", 0.005)
    log = log_of(run, "before")
    run.ask_to_stop()

    def full(descriptor: int, text: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(event_log.os, "write", full)
    log.append(Note("lost"))
    assert log.lost == 1
    assert texts(EventReader(run).read()[1]) == ["before"]


def test_patience_waits_for_room_only(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(disk_space, "_LOOK", 0.005)
    left, events = [3], list[Event]()

    def write() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise NoSpaceError("no space left")

    disk_space.retry_when_disk_full(write, run, events.append)
    assert events == [Paused("no space left"), Continued()]
    with pytest.raises(ZeroDivisionError):
        disk_space.retry_when_disk_full(lambda: 1 // 0, run, events.append)  # type: ignore[arg-type,return-value]
    assert len(events) == 2


def test_seals() -> None:
    value = {"a": [1, {"b": None}], "c": 'x",\n "sha256": "' + "0" * 64 + '"\n}\n'}
    assert checksums.loads(checksums.dumps(value)) == value
    assert checksums.loads_line(checksums.dumps_line(value)[:-1]) == value
    assert json.loads(checksums.dumps(value))["a"] == value["a"]
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="JSON compliant"):
            checksums.dumps({"a": bad})
        assert checksums.loads_line(
            checksums.dumps_line({"a": bad, "b": [bad]})[:-1]
        ) == checksums.stringify_nonfinite({"a": bad, "b": [bad]})
    assert checksums.stringify_nonfinite({"a": (math.nan, 1)}) == {"a": ["nan", 1]}


@pytest.mark.parametrize("kind", ["result", "line"])
def test_every_flipped_bit_breaks_a_seal(kind: str) -> None:
    value = {"status": "finished", "history": [0.5, 1e-3], "text": "a b"}
    text = checksums.dumps(value) if kind == "result" else checksums.dumps_line(value)[:-1]
    read = checksums.loads if kind == "result" else checksums.loads_line
    assert read(text) == value
    for position in range(len(text)):
        for bit in range(8):
            flipped = bytearray(text)
            flipped[position] ^= 1 << bit
            with pytest.raises(ValueError, match="checksum"):
                read(bytes(flipped))
    for size in range(len(text)):
        with pytest.raises(ValueError, match="checksum"):
            read(text[:size])


def test_what_another_process_reserves_is_left(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with hold_run_lock(run, print) as me:
        log = EventLog(replace(run, owner=me))
        other = replace(me, host="gpu7", machine="another boot")
        (tmp_path / "lock").write_bytes(checksums.dumps(asdict(other)))
        log.close()
    assert (tmp_path / "events" / ".reserve").exists()
    (tmp_path / "lock").unlink()
    with hold_run_lock(run, print) as me:
        EventLog(replace(run, owner=me)).close()
    assert not (tmp_path / "events" / ".reserve").exists()
