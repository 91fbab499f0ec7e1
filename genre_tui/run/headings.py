"""What is said of a run in words: its header, its devices, why there is nothing to see."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from data.terminal.text import clean, duration
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE
from genre_tui.model.run_model import RunModel
from genre_tui.run.curves import MOST_VARIANTS, Choice, Metric

_LONGEST_BAR = 30
_SHORTEST_BAR = 4
_WIDE = 100  # columns


def title_line(model: RunModel, width: int) -> Text:
    """What the run is: name, protocol, dataset, and who carries it out where there is room."""
    text = Text(no_wrap=True).append(clean(model.run.name), "bold")
    text.append(f"  {model.protocol} on {model.dataset}")
    if model.is_demo:
        text.append("  ").append("DEMO DATA", "bold reverse")
    if model.owner and text.cell_len + len(model.owner) + 2 <= width:
        text.append(f"  {model.owner}", "dim")
    return text


def progress_line(model: RunModel, width: int) -> Text:
    """How far it is: state, a bar, trials, time left, speed."""
    state, progress = model.state or "", model.progress
    ended = model.count("finished", "diverged", "failed")
    # Events tell the share of the work: where trials differ in what they cost, not that of trials.
    share = 1.0 if state == "finished" else progress.share or ended / max(len(model.trials), 1)
    parts = [f"{model.count('finished')}/{len(model.trials)} done"]
    parts += [f"{model.count(name)} {name}" for name in ("failed", "diverged") if model.count(name)]
    if model.is_alive:
        rate = progress.epochs_per_second
        parts += [f"{rate:.3g} trial-epochs/s"] if rate else []
        is_trained = ended == len(model.trials) and "search" not in model.facts  # which draws more
        if is_trained and model.facts.get("baselines") is True:
            parts.insert(1, "fitting baselines")
        elif progress.seconds_left is not None and not progress.paused:
            parts.insert(1, f"{duration(progress.seconds_left)} left")
        training = model.count("training")
        if training and width >= _WIDE:
            parts.append(f"{training} training")
    text = Text(no_wrap=True)
    if state:
        text.append(f"{STATE_GLYPH.get(state, '?')} {state}", STATE_STYLE.get(state, ""))
    tail = f" {100 * share:3.0f} %  {'  '.join(parts)}"
    room = width - text.cell_len - len(tail) - 2
    if room >= _SHORTEST_BAR:
        length = min(room, _LONGEST_BAR)
        full = round(share * length)
        text.append("  ").append("━" * full, "bold").append("─" * (length - full), "dim")
    return text.append(tail)


def notice_line(model: RunModel) -> Text:
    """What the user should know before all else; empty where there is nothing."""
    if model.problem:
        return Text(f"This run cannot be read any more: {clean(model.problem)}", "bold")
    if model.is_alive and model.progress.paused:
        return Text(f"Paused: {clean(model.progress.paused)}", "bold")
    if model.state == "failed":
        return Text(f"Failed: {model.reason} Press r to resume it.", "bold")
    if model.state == "crashed":
        return Text(
            "The process that carried it out has died. Press r to resume it, o to see why.", "bold"
        )
    if model.state == "stopping":
        return Text("It stops at the end of its epoch.")
    return Text()


def device_line(model: RunModel, width: int) -> Text:
    """What trains it, and how busy that is by the run's own events."""
    progress, parts = model.progress, [_machine(model.facts.get("device"))]
    if model.is_alive and progress.workers:
        count = len(progress.workers)
        parts = [f"{count} workers" if count > 1 else "1 worker"]
        if progress.cpu is not None:
            parts.append(f"CPU {100 * progress.cpu:.0f} %")
        is_gpu = _field(model.facts.get("device"), "type") == "cuda"
        if progress.gpu is not None:
            parts.append(f"GPU {100 * progress.gpu:.0f} %")
        kind = "GPU memory" if is_gpu else "memory"
        parts.append(f"{kind} {progress.memory / 1e9:.2f} GB")
        parts.append(f"{progress.rows_per_second:.0f} rows/s")
        parts.append(_machine(model.facts.get("device")))
    if model.owner:
        parts.append(model.owner.partition(", since")[0])
    if model.state == "finished":
        parts.insert(0, "What follows from it: 5. What is taken for what: 4.")
    text = Text("  ".join(part for part in parts if part), "dim", no_wrap=True)
    text.truncate(width, overflow="ellipsis")
    return text


def curves_line(model: RunModel, choice: Choice, metric: Metric | None = None) -> Text:
    """What the curves are: those of all metrics, or of one."""
    lines = choice.lines if metric is None or metric.train else "validation"
    parts = [{"both": "validation (train dotted)"}.get(lines, lines)]
    seeds = max((len(group.trials) for one in model.settings for group in one.groups), default=1)
    parts.append(f"mean and range of {seeds} seeds" if seeds > 1 else "one seed")
    if choice.smoothing:
        parts.append(f"smoothed {choice.smoothing:g}")
    if len(model.settings) > MOST_VARIANTS:
        parts.append(f"the best {MOST_VARIANTS} of {len(model.settings)} variants")
    if choice.variant < len(model.settings):
        variant = model.settings[choice.variant]
        if len(variant.groups) > 1:
            rate = variant.groups[choice.rate_of(choice.variant, variant)].learning_rate
            is_chosen = choice.variant in choice.rates
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


def _machine(device: object) -> str:
    name, threads = _field(device, "name"), _field(device, "threads")
    if not name:
        return ""
    many = f", {threads} thread{'s' if threads != '1' else ''}" if threads else ""
    return f"{name}{many}"


def _field(value: object, name: str) -> str:
    found: Any = value.get(name) if isinstance(value, dict) else None
    return "" if found is None else clean(str(found))
