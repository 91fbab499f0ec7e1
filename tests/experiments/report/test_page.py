"""A report: one HTML file that stands on its own and says what the records say."""

import contextlib
import html
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import DataError
from data.storage import catalogue
from experiments.cli.report import report
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.trial import Trial
from experiments.design.variants import only, vary
from experiments.errors import RunError
from experiments.report import write_report
from experiments.report.provenance import command_of
from experiments.report.writing import render
from experiments.results.analysis import analyse
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from experiments.runs.trial_result import TrialResult
from experiments.studies import STUDIES
from tests.conftest import record_run, small_dataset
from tests.scenarios.test_terminal_safety import EVIL
from tests.support import raw_records
from tests.support.inline_pool import run_inline
from tests.support.recorded_runs import record, with_names

_VOID = {"meta", "wbr"}


class _Page(HTMLParser):
    """Elements, ids, references and text of a page; a tag that does not close fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: set[str] = set()
        self._text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join("".join(self._text).replace("\xa0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()
        if tag not in ("b", "span", "a", "code"):
            self._text.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self._text.append(data)


def _check(text: str) -> _Page:
    """A page is well-formed, leads nowhere else, and runs nothing."""
    page = _Page(text)
    assert len(set(page.ids)) == len(page.ids)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("src", "srcset", "xlink:href", "action"), (tag, name)
        if name == "href":
            assert value == "#" or value[1:] in page.ids, value
        assert name in ("title", "aria-label") or "//" not in value, (tag, name, value)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert not re.search(r"url\(|@import|//", style)
    return page


def _page(*runs: RunDirectory, title: str | None = None) -> _Page:
    return _check(render(runs, title))


def test_a_report_says_what_the_records_say(tmp_path: Path) -> None:
    run = record(tmp_path, kind="demo", rows=90)
    result = collect(run)
    page = _page(run)
    answer = analyse(result).answer
    assert answer is not None
    assert answer.sentence in page.text
    assert result.manifest.question in page.text
    assert "DEMO DATA" in page.text
    assert "controlled protocol" in page.text
    assert "3 seeds" in page.text
    for variant in result.variants:
        assert variant.accuracy.mean is not None
        assert variant.name in page.text
        assert f"{variant.accuracy.mean * 100:.2f}" in page.text
        assert all(
            one.trial.id in page.text for tried in variant.candidates for one in tried.trials
        )
    assert all(planned.trial.id in page.text for planned in result.trials)
    for baseline in result.baselines:
        assert baseline.name in page.text
    assert "0" * 64 in page.text
    assert "torch 2.13.0" in page.text
    assert "not finished" not in page.text


def test_a_report_of_a_real_run(tmp_path: Path, own_places: Path) -> None:
    dataset = small_dataset("mine", mel=False)
    catalogue.add(dataset, replace=False)
    study = only(STUDIES["ffn-baseline"], ["best-validation-f1"])
    run = run_inline(tmp_path, study, "controlled", seeds=2, epochs=2, dataset=dataset)
    run.write_request(Request(study, tmp_path / "mine.h5", StudyOptions("controlled", 2, 2)))
    page = _page(run)
    assert "python -m experiments run ffn-baseline --data mine --protocol controlled" in page.text
    assert "--variants best-validation-f1" in page.text
    assert "blues 16 8 8 32" in page.text, "segments of each genre, from the dataset's file"
    assert "validation" in page.text
    assert "polyline" not in page.tags
    assert page.tags >= {"svg", "path", "circle"}


@pytest.mark.parametrize("many", [24, 25])
def test_a_matrix_that_cannot_be_read_becomes_a_list_of_mistakes(tmp_path: Path, many: int) -> None:
    genres = tuple(f"genre{number}" for number in range(many))
    run = record(tmp_path, documented=True, genres=genres, rows=5 * many)
    page = _Page(render([run]))
    assert ("Too many genres for a matrix" in page.text) == (many > 24)
    cells = sum(name == "style" and "--share" in value for _, name, value in page.attributes)
    tested = [variant for variant in collect(run).variants if variant.n]
    assert cells == (len(tested) * many**2 if many == 24 else 0)


def test_hostile_texts_do_nothing(tmp_path: Path) -> None:
    attack = f"{EVIL}\"'><script>alert(1)</script><img src=x onerror=y>{{{{7*7}}}}"
    run = record(tmp_path, documented=True, genres=(attack, "b" + attack, "c"))
    facts = raw_records.read_run(run)
    facts |= {"study": attack, "question": attack, "about": attack}
    facts |= {"created": attack, "left_out": [attack]}
    facts["dataset"] |= {"name": attack, "kind": attack, "rows": {attack: 3}}
    facts["device"] |= {"name": attack, "type": attack}
    facts["versions"] |= {attack: attack}
    for number, variant in enumerate(facts["variants"]):
        variant |= {"name": f"{attack}{number}", "note": attack}
        for figure in variant["documented"]:
            figure["protocol"] = attack
    raw_records.write_run(run, facts)
    first = facts["variants"][0]["candidates"][0]["trials"][0]
    failed = TrialResult(first, attack, 42, "failed", reason=attack)
    run.write_result(failed)
    text = render([run], attack)
    page = _check(text)
    assert "<script" not in text
    assert "<script>alert(1)</script>" in page.text, "it is shown as it is"
    assert "{{7*7}}" in page.text
    for character in html.unescape(text):
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(character) not in ("RLO", "LRO", "RLI", "LRI", "PDI")


def test_many_variants_with_long_names(tmp_path: Path) -> None:
    names = [f"a-variant-whose-name-is-rather-long-{number}" for number in range(16)]
    study = with_names(STUDIES["ffn-baseline"], names)
    run = record(tmp_path, study, "documented", seeds=2, epochs=2, documented=True)
    page = _page(run)
    assert all(name in page.text for name in names)
    assert page.text.count("120 comparisons") == 1


def test_documented_figures_stand_beside_ours(tmp_path: Path) -> None:
    run = record(tmp_path, protocol="documented", seeds=1, documented=True)
    page = _page(run)
    assert "source A" in page.text
    assert "58.87" in page.text
    assert "62.14" in page.text
    ours = collect(run).variants[0].batch_mean_f1.mean
    assert ours is not None
    assert f"batch mean 31.33 {ours * 100:.2f}" in page.text
    assert "pooled macro 61.10" in page.text
    assert "the source kept a reference to its best model" in page.text


def test_without_documented_figures_there_is_no_batch_mean(tmp_path: Path) -> None:
    page = _page(record(tmp_path))
    assert "batch mean" not in page.text
    assert "documented accuracy" not in page.text


def test_one_seed_has_no_intervals_and_says_so(tmp_path: Path) -> None:
    page = _page(record(tmp_path, seeds=1))
    assert "±" not in page.text.replace("Mean ±", "").replace("mean ±", "")
    assert "One seed cannot tell" in page.text


def test_nothing_tested_yet(tmp_path: Path) -> None:
    run = record(tmp_path)
    for path in run.path.glob("trials/*/result.json"):
        result = raw_records.read_result(run, path.parent.name)
        assert result is not None
        raw_records.write_result(run, path.parent.name, result | {"test": None})
    page = _page(run)
    assert "Nothing was tested yet" in page.text
    assert "crashed: not finished" in page.text
    assert "trained, not yet tested" in page.text
    assert "best so far of 4" in page.text


def test_no_results_at_all(tmp_path: Path) -> None:
    run = record(tmp_path, baselines=())
    for path in run.path.glob("trials/*/result.json"):
        path.unlink()
    page = _page(run)
    assert "12 of 12 trials have no result: the run is crashed" in page.text
    assert "The records hold no histories yet" in page.text
    assert "There is nothing to compare yet" in page.text


def test_diverged_and_failed_trials_are_told_of(tmp_path: Path) -> None:
    def status(variant: str, trial: Trial) -> str:
        if variant == "best-validation-f1":
            return "diverged"
        return "failed" if trial.seed == 43 else "finished"

    run = record(tmp_path, status=status)
    page = _page(run)
    assert "best-validation-f1: 12 of 12 trials diverged" in page.text
    assert "last-epoch: 4 of 12 trials failed: no memory left" in page.text
    assert "2/3" in page.text
    assert any("diverged" in value for _, name, value in page.attributes if name == "class")


def test_a_record_without_histories_or_predictions(tmp_path: Path) -> None:
    page = _page(record_run(tmp_path))
    assert "81.25" in page.text
    assert "The records hold no histories" in page.text


def test_several_runs_have_a_table_of_contents(tmp_path: Path) -> None:
    first = record(tmp_path, name="20260102T030405Z-aaaaaa")
    second = record(tmp_path, seeds=2, name="20260102T030405Z-bbbbbb")
    page = _page(first, second, title="Both")
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert {"#run-1", "#run-2", "#run-1-variants", "#run-2-ran"} <= set(links)
    assert page.text.count("Both") == 2, "as title and as heading"
    assert page.text.count("How far does a small") == 4


def test_the_same_records_give_the_same_file(tmp_path: Path) -> None:
    run = record(tmp_path)
    assert render([run]) == render([run])


def test_no_runs_are_refused() -> None:
    with pytest.raises(RunError, match="at least one run"):
        render([])


def test_only_reports_are_replaced(tmp_path: Path) -> None:
    run = record(tmp_path / "runs")
    path = tmp_path / "report.html"
    write_report([run], path)
    write_report([run], path, "Another title")
    assert "Another title" in path.read_text(encoding="utf-8")
    path.write_text("<html>my own</html>")
    with pytest.raises(RunError, match="is not a report"):
        write_report([run], path)
    assert path.read_text() == "<html>my own</html>"
    write_report([run], path, replace=True)
    _check(path.read_text(encoding="utf-8"))
    with pytest.raises(RunError, match="is a folder"):
        write_report([run], tmp_path)


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    run = record(tmp_path / "runs")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be"):
        write_report([run], tmp_path / "file" / "report.html")
    assert not list(tmp_path.glob("**/*.tmp"))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(report, ["latest", "--runs", "runs"])
    assert done.exit_code == 0, done.output
    _check(Path("report-ffn-baseline.html").read_text(encoding="utf-8"))
    assert "report-ffn-baseline.html" in done.stdout
    raw_records.write_run(run, raw_records.read_run(run) | {"study": "../../up"})
    CliRunner().invoke(report, ["latest", "--runs", "runs"])
    assert Path("report-up.html").exists()


def _asked(run: RunDirectory, request: Request) -> tuple[str, bool]:
    run.write_request(request)
    return command_of(collect(run))


def test_the_command_that_asks_for_the_same(tmp_path: Path) -> None:
    study, path = STUDIES["ffn-baseline"], Path("tiny.h5")
    run = record(tmp_path)
    usual = "python -m experiments run ffn-baseline --data tiny --protocol controlled --seeds 3"
    usual += " --epochs 4"
    assert command_of(collect(run)) == ("", False), "without request.json nothing is made up"
    assert _asked(run, Request(study, path)) == (usual, False)
    quick = Request(study, path, StudyOptions("controlled", quick=True), Computing(threads=2))
    assert _asked(run, quick) == (f"{usual} --quick --threads 2", False)
    some = Request(only(study, ["last-epoch"]), path)
    assert _asked(run, some) == (f"{usual} --variants last-epoch", False)
    varied = Request(vary(study, {"training.batch_size": [8, 16]}), path)
    assert _asked(run, varied)[1]
    own = Request(replace(study, name="mine"), path)
    assert _asked(run, own)[1]
    facts = raw_records.read_run(run)
    raw_records.write_run(run, facts | {"dataset": facts["dataset"] | {"name": "x; rm -rf ~"}})
    assert "--data 'x; rm -rf ~'" in _asked(run, Request(study, path))[0]


def test_a_record_damaged_anywhere_is_a_run_error_or_shown(tmp_path: Path) -> None:
    """What `collect` does not look at itself."""
    run = record(tmp_path, only(STUDIES["ffn-baseline"], ["last-epoch"]), seeds=1, epochs=2)
    facts = raw_records.read_run(run)
    variant = facts["variants"][0]
    trial = variant["candidates"][-1]["trials"][0]
    result = raw_records.read_result(run, trial)
    assert result is not None
    wrong = (None, "x", -1, 10**400, [], {}, [None], {"loss": ["x"]}, {"x": [1e308] * 3})
    tried = 0
    for field in ("history", "kept_epoch", "seed", "epoch_seconds", "cohort", "status", "epochs"):
        for value in wrong:
            raw_records.write_result(run, trial, result | {field: value})
            tried += 1
            with contextlib.suppress(RunError):
                _page(run)
    raw_records.write_result(run, trial, result)
    for field in ("rows", "kind", "name", "content_sha256", "is_source"):
        for value in wrong:
            raw_records.write_run(run, facts | {"dataset": facts["dataset"] | {field: value}})
            tried += 1
            with contextlib.suppress(RunError):
                _page(run)
    assert tried == 12 * len(wrong)
