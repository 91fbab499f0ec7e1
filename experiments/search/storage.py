"""The storage of a search's trials: Optuna's journal in the run's directory.

Whoever opens it holds the run's lock. `experiments.runs.search_journal` reads it without.
"""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from data.files.atomic import sync, writing
from experiments.runs.directory import RunDirectory
from experiments.runs.search_journal import EXHAUSTED, JOURNAL
from experiments.runs.validation import parsing
from experiments.search.sampling import Generation

optuna.logging.set_verbosity(optuna.logging.WARNING)

# Samplers learn from a diverged training that its setting is bad, but nothing from a failed one.
_STATES = {
    "finished": TrialState.COMPLETE,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class _RunLock(JournalFileOpenLock):
    """The run's lock, which is held already: a lock file would outlive a killed process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def open_study(run: RunDirectory) -> optuna.Study:
    """Open Optuna's study of a search, or create it; an incomplete last line is cut off.

    Args:
        run: whose lock the caller holds.

    Raises:
        DataError: the disk is full or the folder cannot be written.
        RunError: the journal is damaged.
    """
    run.require_owner()
    path = run.path / JOURNAL
    with parsing(str(path)), writing(path):
        _cut_torn_line(path)
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=_RunLock(str(path))))
        names = optuna.get_all_study_names(storage)
        if names:
            return optuna.load_study(study_name=names[0], storage=storage)
        sync(path.parent)
        return optuna.create_study(study_name=run.name, storage=storage, direction="maximize")


def add_generation(run: RunDirectory, generation: Generation) -> None:
    """Add the trials of a generation, each once, and whether the space is exhausted.

    It may be repeated after a failure. Raises as `open_study`.
    """
    study = open_study(run)
    known = {trial.user_attrs.get("trial") for trial in study.get_trials(deepcopy=False)}
    with writing(run.path / JOURNAL):
        for trial in generation.trials:
            if trial.user_attrs["trial"] not in known:
                study.add_trial(trial)
        if generation.exhausted:
            study.set_user_attr(EXHAUSTED, True)


def record_results(run: RunDirectory) -> tuple[FrozenTrial, ...]:
    """Record results of trials that have ended since.

    Returns:
        All trials of the study.

    Raises:
        DataError, RunError: as `open_study`.
    """
    study = open_study(run)
    with writing(run.path / JOURNAL):
        for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            name = trial.user_attrs.get("trial")
            if not (isinstance(name, str) and run.is_done(name)):
                continue
            if (result := run.read_result(name)) is not None:
                score = result.score if result.is_finished else None
                study.tell(trial.number, score, _STATES[result.status])
    return tuple(study.get_trials(deepcopy=False))


def _cut_torn_line(path: Path) -> None:
    """Cut off an incomplete last line, from a killed process or a full disk."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
