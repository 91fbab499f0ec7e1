"""`python -m experiments list`."""

from __future__ import annotations

import json
from typing import Any

import click

from data.terminal.console import console, table
from experiments.cli.options import JSON_OPTION
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing
from experiments.design.study import PROTOCOLS, Study
from experiments.forecasting.study_forecast import Prospect, measure, prospect
from experiments.forecasting.timings import Timings
from experiments.studies import STUDIES

_COMMAND = "python -m experiments list --measure"


@click.command("list")
@click.option(
    "--measure",
    "measures",
    is_flag=True,
    help="First measure how long each kind of training takes here: a minute or two, once.",
)
@JSON_OPTION
def list_studies(measures: bool, as_json: bool) -> None:
    """List the studies: questions, trials, times on this machine, documented figures."""
    prospects = {
        (study.name, protocol): prospect(study, StudyOptions(protocol), Computing())
        for study in STUDIES.values()
        for protocol in PROTOCOLS
    }
    if measures:
        with console(stderr=True).status("measuring this machine") as status:
            timings = measure(
                prospects.values(), lambda phrase: status.update(f"measuring: {phrase}")
            )
    else:
        timings = Timings(next(iter(prospects.values())).conditions)
    if as_json:
        plain = [
            _to_dict(study, {p: prospects[study.name, p] for p in PROTOCOLS}, timings)
            for study in STUDIES.values()
        ]
        click.echo(json.dumps(plain, indent=2))
        return
    rows, unknown = [], False
    for study in STUDIES.values():
        both = [prospects[study.name, protocol] for protocol in PROTOCOLS]
        found = [one.forecast(timings) for one in both]
        unknown = unknown or None in found
        times = [one.text.removeprefix("about ") if one else "?" for one in found]
        rows.append(
            [
                study.name,
                study.question,
                {"mfcc": "MFCC", "mel": "mel"}[study.features],
                " / ".join(str(one.trials) for one in both),
                " / ".join(times),
                _figure(study),
            ]
        )
    columns = ["study", "question", "reads", "trials", "time here", "documented %"]
    console().print(table(columns, rows, left=3))
    click.echo("\ntrials, time here: of the documented / the controlled protocol.")
    workers = max(one.workers for one in prospects.values())
    click.echo(
        "time here: measured on this machine, for the 3200 + 800 rows of the source's dataset "
        f"and up to {workers} process{'es' if workers > 1 else ''}."
        + (f" ?: not measured yet; {_COMMAND} does, in a minute or two." if unknown else "")
    )
    click.echo(
        "documented %: best accuracy reported by source A, the project that is repeated here, or "
        "by its sibling (B)."
    )


def _figure(study: Study) -> str:
    best = study.best_published
    if best is None:
        return ""
    return f"{best.accuracy:.2f}" if best.source == "A" else f"{best.accuracy:.2f} ({best.source})"


def _to_dict(study: Study, prospects: dict[Any, Prospect], timings: Timings) -> dict[str, Any]:
    def seconds(one: Prospect) -> float | None:
        found = one.forecast(timings)
        return round(found.seconds, 1) if found else None

    return {
        "name": study.name,
        "question": study.question,
        "features": study.features,
        "trials": {protocol: one.trials for protocol, one in prospects.items()},
        "seconds_here": {protocol: seconds(one) for protocol, one in prospects.items()},
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
