"""What reaches a terminal: nothing of what files, labels and errors try to do to it."""

import ast
import io
import json
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.panel import Panel
from rich.text import Text

from data.datasets.dataset import Dataset
from data.errors import DataError
from data.storage import catalogue
from data.terminal.console import console
from data.terminal.text import clean, clean_cells
from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.lock import hold_run_lock
from experiments.runs.trial_result import TrialResult
from tests.conftest import record_run, small_dataset
from tests.support import raw_records
from tests.support.pty_terminal import ROOT, Terminal
from tests.support.raw_events import raw

# Clipboard, window title, screen, C1's CSI and OSC, a bell, overrides of direction, a
# deletion, a line break, what hides text, and the markup of Rich and Textual.
ATTACKS = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;evil\x1b\\",
    "\x1b[2J\x1b[31m",
    "\x9b2J",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x07\x08\x7f\r",
    "\u202eevil\u202c",
    "\u2066evil\u2069",
    "\u200f\u200b\u2060\ufeff",
    "[red]evil[/red]",
    "[@click=app.quit]evil[/]",
    "[link=file:///etc/passwd]evil[/link]",
]
EVIL = "x" + "".join(ATTACKS)
MARKUP = ("[red]evil", "[@click=app.quit]", "[link=x]evil[/]")  # as genres: those are printable


def assert_harmless(terminal: Terminal) -> None:
    text = terminal.foreign()
    assert b"\x1b" not in text, text
    for character in text.decode():
        if character in "\r\n":
            continue
        assert unicodedata.category(character) not in ("Cc", "Cs"), repr(character)
        assert unicodedata.bidirectional(character) not in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        ), repr(character)


def hostile_run(runs: Path) -> RunDirectory:
    """A run of somebody else, whose every text is an attack; its checksums are right."""
    plain = record_run(runs)
    run = RunDirectory(runs / "evil\x1b]0;x\x07\u202e[red]" / f"20260103T000000Z-{'e' * 6}")
    facts: dict[str, Any] = raw_records.read_run(plain)
    trial = next(iter(facts["trials"]))
    facts |= {"study": EVIL, "question": EVIL, "about": EVIL, "created": EVIL}
    facts["dataset"] |= {"name": EVIL, "genres": [EVIL, "b" + EVIL]}
    for variant in facts["variants"]:
        variant |= {"name": EVIL, "note": EVIL}
        variant["documented"] = [
            {"source": "A", "protocol": EVIL, "accuracy": 0.5, "f1": 0.5, "seconds": None}
        ]
    raw_records.write_run(run, facts)
    result = raw_records.read_result(plain, trial)
    assert result is not None
    raw_records.write_result(run, trial, result)
    other = facts["trials"][trial] | {"seed": 43}
    name = Trial.from_dict(other).id
    facts["trials"][name] = other
    for variant in facts["variants"]:
        variant["candidates"][0]["trials"].append(name)
    facts["cohorts"][0]["trials"].append(name)
    raw_records.write_run(run, facts)
    run.write_result(TrialResult(name, EVIL, 43, "failed", reason=EVIL))
    return run


@pytest.mark.parametrize(
    "words",
    [
        ("experiments", "show", "2026-3"),
        ("experiments", "runs"),
        ("experiments", "watch", "2026-3", "--once"),
        ("experiments", "watch", "2026-3"),
        ("experiments", "resume", "2026-3"),
        ("experiments", "stop", "2026-3"),
        ("experiments", "show", EVIL.replace("/", "")),
        ("experiments", "run", EVIL),
        ("experiments", "run", "ffn-baseline", "--data", EVIL),
        ("experiments", "search", "ffn-baseline", "--data", EVIL),
        ("experiments", "compare", "2026-3"),
        ("experiments", "compare", "2026-3", "2026-3"),
        ("experiments", "export", "2026-3", "--format", "csv", "-o", "HOME/table" + EVIL),
        ("experiments", "report", "2026-3", "-o", "HOME/page" + EVIL),
        ("experiments", "remove", "2026-3", "--yes"),
        ("experiments", EVIL),
        ("data", "show", EVIL),
        ("data", "audit", EVIL),
        ("data", "use", EVIL),
        ("data", "build", EVIL),
        ("data", EVIL),
    ],
    ids=lambda words: " ".join(words).encode("ascii", "replace").decode()[:30],
)
def test_records_of_others(own_places: Path, words: tuple[str, ...]) -> None:
    run = hostile_run(own_places / "runs")
    log = EventLog(run)
    log.append(
        *raw(
            {"event": "note", "text": EVIL},
            {"event": "worker_died", "cohort": "c", "reason": EVIL, "attempt": 1},
            {"event": "run_ended", "how": "failed", "reason": EVIL},
        )
    )
    log.close()
    places = {"2026-3": str(run.path), "HOME": str(own_places)}
    for name, path in places.items():
        words = tuple(word.replace(name, path) for word in words)
    with Terminal(*words) as terminal:
        terminal.wait_end()
        assert_harmless(terminal)
        if words[1] in ("show", "watch", "runs") and run.path.as_posix() in words:
            assert b"evil" in terminal.seen, "it was shown, and did nothing"


def test_events_of_a_run_that_goes_on(own_places: Path) -> None:
    """Followed live: a bar, notes, deaths, a pause."""
    run = hostile_run(own_places / "runs")
    *_, trial = run.read_manifest().trials
    (run.trial_path(trial) / "result.json").unlink()
    planned = {"id": trial, "variant": EVIL, "seed": 1, "epochs": 3, "work": 1}
    with hold_run_lock(run, print):
        log = EventLog(run)
        log.append(
            *raw(
                {"event": "run_began"},
                {"event": "plan", "workers": 1, "cohorts": [{"id": "c", "trials": [planned]}]},
            )
        )
        with Terminal("experiments", "watch", run.path) as terminal:
            terminal.wait_for("0 epochs")
            log.append(
                *raw(
                    {"event": "cohort_began", "cohort": "c", "trials": [trial], "epoch": 0},
                    {"event": "note", "text": EVIL},
                    {"event": "worker_died", "cohort": "c", "reason": EVIL, "attempt": 1},
                    {"event": "paused", "reason": EVIL},
                    {"event": "continued"},
                    {
                        "event": "trial",
                        "trial": trial,
                        "variant": EVIL,
                        "seed": 1,
                        "learning_rate": 0.1,
                        "status": "failed",
                        "reason": EVIL,
                        "share": 0.5,
                    },
                    {"event": "note", "text": "that was all"},
                )
            )
            terminal.wait_for("that was all")
            assert_harmless(terminal)
            assert terminal.foreign().count(b"evil") > 20


def test_labels_of_a_dataset(own_places: Path) -> None:
    plain = small_dataset("evil", mel=False)
    dataset = Dataset(
        name="evil",
        genres=MARKUP,
        train=plain.train,
        validation=plain.validation,
        test=plain.test,
        track_names=(EVIL, "t" + EVIL, "u"),
        provenance={"kind": EVIL, "source": EVIL},
    )
    with pytest.raises(DataError, match="printable characters"):
        replace(dataset, genres=(EVIL, "b", "c"))
    catalogue.add(dataset, replace=False)
    run = ("experiments", "run", "ffn-baseline", "--data", "evil", "--epochs", "1")
    for words in (("data", "list"), ("data", "show", "evil"), (*run, "--device", "cpu")):
        with Terminal(*words) as terminal:
            assert terminal.wait_end() == 0, terminal.seen
            assert_harmless(terminal)
            assert all(name.encode() in terminal.seen for name in MARKUP) or words[1] == "list"


def test_json_is_for_programs_and_still_harmless(own_places: Path) -> None:
    """JSON escapes what is no ASCII, so that it may be looked at as well."""
    run = hostile_run(own_places / "runs")
    for words in (("show", run.path), ("runs",), ("watch", run.path, "--once")):
        with Terminal("experiments", *words, "--json") as terminal:
            assert terminal.wait_end() == 0
            assert_harmless(terminal)
            json.loads(terminal.seen)


def test_names_that_lead_elsewhere(own_places: Path, tmp_path: Path) -> None:
    """A run is a folder of runs, or one that the user names; never what a record names."""
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "result.json").write_text("secret")
    run = hostile_run(own_places / "runs")
    facts = raw_records.read_run(run)
    for name in ("../../../../secret", str(outside), "a/../b", "..\\..", "\x00"):
        facts["variants"][0]["candidates"][0]["trials"] = [name]
        facts["trials"] = {name: {}}
        raw_records.write_run(run, facts)
        for words in (("show", run.path), ("watch", run.path, "--once")):
            with Terminal("experiments", *words) as terminal:
                assert terminal.wait_end() == 2
                assert b"run.json is damaged" in terminal.seen
                assert b"Traceback" not in terminal.seen
                assert_harmless(terminal)
    for name in ("../../../secret", "../" * 20 + "etc", "."):
        with Terminal("experiments", "remove", name, "--yes") as terminal:
            assert terminal.wait_end() == 2
            assert b"there is no run" in terminal.seen
    assert (outside / "result.json").exists()
    os.rename(run.path / "run.json", outside / "run.json")
    with Terminal("experiments", "remove", outside, "--yes", "--runs", tmp_path) as terminal:
        terminal.wait_end()
    assert (outside / "result.json").exists() or not outside.exists()


def test_questions(own_places: Path) -> None:
    run = hostile_run(own_places / "runs")
    with Terminal("experiments", "remove", run.path) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("n\n")
        assert terminal.wait_end() == 1
        assert_harmless(terminal)


@pytest.mark.parametrize("room", ["data", "networks", "experiments", "genre_tui"])
def test_nothing_is_printed_but_by_what_makes_it_safe(room: str) -> None:
    """`echo`, `confirm` and `console` of data/terminal; Textual draws through a filter."""
    for path in (ROOT / room).rglob("*.py"):
        if path.parent == ROOT / "data" / "terminal":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert not re.fullmatch(
                    r"print|rich\.print|(click\.)?(secho|prompt|style)|click\.(echo|confirm)"
                    r"|Console|sys\.(stdout|stderr)\.(buffer\.)?write(lines)?",
                    called,
                ), f"{path}:{node.lineno} calls {called}"


def test_clean() -> None:
    for attack in ATTACKS[:9]:
        assert "\x1b" not in clean(attack)
        assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in clean(attack))
    assert clean("a\tb\nc") == "a b c"
    assert clean("a\tb\nc", keep="\n") == "a b\nc"
    assert clean("Bjork - Jóga, 日本語, \u0627") == "Bjork - Jóga, 日本語, \u0627"


def test_a_line_that_is_laid_out_keeps_its_width() -> None:
    for attack in (*ATTACKS, "a\xadb", "\udcff", "日\u200b本\t"):
        assert cell_len(clean_cells(attack)) == cell_len(attack)
        assert clean(clean_cells(attack)) == clean_cells(attack)


def test_what_a_console_draws_by_itself_is_safe_too() -> None:
    file = io.StringIO()
    printer = console()
    printer.file = file
    printer._force_terminal = True
    with printer.status(EVIL):
        printer.print(Panel(EVIL, title=EVIL), Text(EVIL), EVIL)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert "evil" in text
    assert not set(text) & set("\x1b\x07\x08\x9b\x9d\u202e\u2066\u200b")
