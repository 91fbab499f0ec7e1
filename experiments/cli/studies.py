"""`python -m experiments list`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from data.terminal.commands import echo
from data.terminal.console import console, table
from experiments.cli.options import JSON_OPTION, measure_here
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing
from experiments.design.study import PROTOCOLS, Protocol, Study
from experiments.forecasting import Forecast, forecast
from experiments.studies import STUDIES

_COMMAND = "python -m experiments list --measure"


@click.command("list")
@click.option(
    "--measure",
    "measures",
    is_flag=True,
    help="First measure how fast training is here: some seconds, once.",
)
@JSON_OPTION
def list_studies(measures: bool, as_json: bool) -> None:
    """List the studies: questions, trials, times on this machine, documented figures."""
    computing = Computing()
    if measures:
        measure_here(computing)
    forecasts = {
        study.name: {p: forecast(study, StudyOptions(p), computing) for p in PROTOCOLS}
        for study in STUDIES.values()
    }
    if as_json:
        plain = [_to_dict(study, forecasts[study.name]) for study in STUDIES.values()]
        echo(json.dumps(plain, indent=2))
        return
    rows = [
        [
            study.name,
            study.question,
            study.reads,
            " / ".join(str(one.trials) for one in forecasts[study.name].values()),
            " / ".join(one.cell for one in forecasts[study.name].values()),
            _figure(study),
        ]
        for study in STUDIES.values()
    ]
    columns = ["study", "question", "reads", "trials", "time here", "documented %"]
    console().print(table(columns, rows, left=3))
    echo("\ntrials, time here: of the documented / the controlled protocol.")
    every = [one for both in forecasts.values() for one in both.values()]
    workers = max(one.workers for one in every)
    echo(
        "time here: forecast for the 3200 + 800 rows of the source's dataset and up to "
        f"{workers} process{'es' if workers > 1 else ''}."
        + (f" ~: roughly, until {_COMMAND}." if any(one.is_rough for one in every) else "")
    )
    echo(
        "documented %: best accuracy reported by source A, the project that is repeated here, or "
        "by its sibling (B)."
    )


def _figure(study: Study) -> str:
    best = study.best_published
    if best is None:
        return ""
    return f"{best.accuracy:.2f}" if best.source == "A" else f"{best.accuracy:.2f} ({best.source})"


def _to_dict(study: Study, forecasts: Mapping[Protocol, Forecast]) -> dict[str, Any]:
    return {
        "name": study.name,
        "question": study.question,
        "features": " and ".join(study.features),
        "trials": {protocol: one.trials for protocol, one in forecasts.items()},
        "seconds_here": {protocol: round(one.seconds, 1) for protocol, one in forecasts.items()},
        "is_measured_here": not any(one.is_rough for one in forecasts.values()),
        "variants": [
            {
                "name": variant.name,
                "protocols": list(variant.protocols),
                "extended": variant.extended,
                "documented": [figure.to_dict() for figure in variant.published],
            }
            for variant in study.variants
        ],
    }
