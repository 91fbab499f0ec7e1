"""A run's heading lines: title, progress, notices, devices, and the curves' caption."""

from __future__ import annotations

from rich.text import Text

from data.terminal.text import duration
from experiments.runs.manifest import DeviceRecord
from genre_tui.core.theme import state_text
from genre_tui.model.run_model import RunModel
from genre_tui.run.curves import MOST_VARIANTS, CurveOptions, Metric

_LONGEST_BAR = 30
_SHORTEST_BAR = 4
_WIDE = 100  # columns


def title_line(model: RunModel, width: int) -> Text:
    """Name, protocol, dataset and, where there is room, the owner."""
    text = Text(no_wrap=True).append(model.run.name, "bold")
    text.append(f"  {model.protocol} on {model.dataset}")
    if model.is_demo:
        text.append("  ").append("DEMO DATA", "bold reverse")
    if model.owner and text.cell_len + len(model.owner) + 2 <= width:
        text.append(f"  {model.owner}", "dim")
    return text


def progress_line(model: RunModel, width: int) -> Text:
    """State, progress bar, trials, time left, speed."""
    state, progress = model.state or "", model.progress
    ended = model.count("finished", "diverged", "failed")
    # The share of the work, by its cost; the share of trials where events do not have it.
    share = 1.0 if state == "finished" else progress.share or ended / max(len(model.trials), 1)
    parts = [f"{model.count('finished')}/{len(model.trials)} done"]
    parts += [f"{model.count(name)} {name}" for name in ("failed", "diverged") if model.count(name)]
    if model.is_alive:
        rate = progress.epochs_per_second
        parts += [f"{rate:.3g} trial-epochs/s"] if rate else []
        is_trained = ended == len(model.trials) and not model.manifest.draws_on
        if is_trained and model.manifest.baselines:
            parts.insert(1, "fitting baselines")
        elif progress.seconds_left is not None and not progress.paused:
            parts.insert(1, f"{duration(progress.seconds_left)} left")
        training = model.count("training")
        if training and width >= _WIDE:
            parts.append(f"{training} training")
    text = Text(no_wrap=True)
    if state:
        text.append_text(state_text(state))
    tail = f" {100 * share:3.0f} %  {'  '.join(parts)}"
    room = width - text.cell_len - len(tail) - 2
    if room >= _SHORTEST_BAR:
        length = min(room, _LONGEST_BAR)
        full = round(share * length)
        text.append("  ").append("━" * full, "bold").append("─" * (length - full), "dim")
    return text.append(tail)


def notice_line(model: RunModel) -> Text:
    """A problem, a pause or a failure; empty where there is none."""
    if model.problem:
        return Text(f"This run cannot be read any more: {model.problem}", "bold")
    if model.is_alive and model.progress.paused:
        return Text(f"Paused: {model.progress.paused}", "bold")
    if model.state == "failed":
        return Text(f"Failed: {model.reason} Press r to resume it.", "bold")
    if model.state == "crashed":
        return Text(
            "The process that trained it has died. Press r to resume it, o to see why.", "bold"
        )
    if model.state == "stopping":
        return Text("It stops at the end of its epoch.")
    return Text()


def device_line(model: RunModel, width: int) -> Text:
    """The device and the workers' load."""
    progress, parts = model.progress, [_machine(model.manifest.device)]
    if model.is_alive and progress.workers:
        count = len(progress.workers)
        parts = [f"{count} workers" if count > 1 else "1 worker"]
        if progress.cpu is not None:
            parts.append(f"CPU {100 * progress.cpu:.0f} %")
        is_gpu = model.manifest.device.type == "cuda"
        if progress.gpu is not None:
            parts.append(f"GPU {100 * progress.gpu:.0f} %")
        kind = "GPU memory" if is_gpu else "memory"
        parts.append(f"{kind} {progress.memory / 1e9:.2f} GB")
        parts.append(f"{progress.rows_per_second:.0f} rows/s")
        parts.append(_machine(model.manifest.device))
    if model.owner:
        parts.append(model.owner.partition(", since")[0])
    if model.state == "finished":
        parts.insert(0, "What follows from it: 5. What is taken for what: 4.")
    text = Text("  ".join(part for part in parts if part), "dim", no_wrap=True)
    text.truncate(width, overflow="ellipsis")
    return text


def curves_line(model: RunModel, options: CurveOptions, metric: Metric | None = None) -> Text:
    """The caption of the curves, of all metrics or of one."""
    lines = options.lines if metric is None or metric.train else "validation"
    parts = [{"both": "validation (train dotted)"}.get(lines, lines)]
    seeds = max((len(group.trials) for one in model.settings for group in one.groups), default=1)
    over = f"{seeds} seeds" if model.manifest.folds == (None,) else model.manifest.extent
    parts.append(f"mean and range of {over}" if seeds > 1 else "one seed")
    if options.smoothing:
        parts.append(f"smoothed {options.smoothing:g}")
    if len(model.settings) > MOST_VARIANTS:
        parts.append(f"the best {MOST_VARIANTS} of {len(model.settings)} variants")
    if options.variant < len(model.settings):
        variant = model.settings[options.variant]
        if len(variant.groups) > 1:
            rate = variant.groups[options.rate_of(options.variant, variant)].learning_rate
            is_chosen = options.variant in options.rates
            begin, end = ("", "") if is_chosen else ("best rates (", ")")
            parts.append(f"{begin}{variant.name}: {rate:g}{end}")
    return Text(", ".join(parts), "dim", no_wrap=True)


def nothing_to_draw(model: RunModel) -> str:
    """Why there are no curves."""
    if model.problem:
        return "This run cannot be read any more."
    match model.state:
        case None:
            return "Reading the run ..."
        case "running":
            return "The first epoch has not ended yet."
        case "stopping":
            return "It was asked to stop before its first epoch had ended."
        case "finished":
            return "It is finished, and its records hold no curves."
    return f"It {model.state} before an epoch had ended. Press r to resume it."


def _machine(device: DeviceRecord) -> str:
    threads = f"{device.threads} thread{'s' if device.threads != 1 else ''}"
    return f"{device.name}, {threads}" if device.name else ""
