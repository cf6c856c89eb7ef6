"""One shard: what was asked, all that was measured by seed, where it comes from, and how to run it again."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.explain import origin
from rnnlimits.analysis.explain.layout import by_seed, count, field, heading, item, words
from rnnlimits.analysis.explain.record import Record
from rnnlimits.planning.shard import Shard


def explain(record: Record, name: str) -> list[str]:
    """The number that a table or a verdict rests on stands among the values by seed."""
    rows, planned = record.rows[record.rows.shard == name], record.plan.get(name)
    lines = [f"shard {name}", ""]
    lines += _asked(planned) if planned else [field("config", "does not plan it")]
    if name not in record.provenance:
        lines.append(field("rests on", "nothing yet: it has no rows"))
    else:
        lines.append(field("rests on", origin.summary(record, rows)))
        lines += [heading("What was measured"), *_measured(rows)]
        lines += [*origin.explain(record, rows, also=[name]), item(_recorded(record.provenance[name]))]
    return lines + (_again(record, planned) if planned else [])


def _asked(shard: Shard) -> Iterator[str]:
    yield field("kind", shard.kind.replace("_", " "))
    yield field("task", _page(shard.task_page, shard.task_options))
    if shard.budget is not None:
        yield field("model", _page(shard.architecture, shard.architecture_options))
        size = f"{shard.hidden_size} units, {shard.parameters:,} parameters"
        size = size if shard.hidden_size else "chosen from the shards that it reads"
        yield field("size", f"{size}; {shard.length_steps} steps")
        rates = ", ".join(f"{rate:g}" for rate in shard.learning_rates)
        yield field("training", f"learning rates {rates}; {words(shard.budget.model_dump())}")
        yield field("probes", "; ".join(_page(*probe) for probe in shard.probes.items()) or "none")
    yield field("seeds", f"{shard.seeds}" + (f", folds {shard.folds}" if shard.folds else ""))
    if shard.needs:
        yield field("reads", f"rows of {', '.join(shard.needs)}")


def _page(name: str, options: Mapping[str, Any]) -> str:
    return f"{name}: {words(options)}" if options else name


def _measured(rows: DataFrame) -> Iterator[str]:
    """The numbers themselves where a seed has one; of a curve, how far it goes."""
    for (split, stage), part in rows.groupby(["split", "stage"], sort=False):
        yield f"\n  {split}, {stage}"
        for metric, numbers in part[part.selected].groupby("metric", sort=False):
            yield item(f"{metric} ({numbers.unit.iloc[0]}): {_values(numbers)}")
        if tried := int((~part.selected).sum()):
            yield item(f"and {count(tried, 'row')} at learning rates that were tried and not chosen")


def _values(numbers: DataFrame) -> str:
    if not numbers.seed.duplicated().any():
        return by_seed(numbers)
    column, word = ("update", "update") if numbers.lag_steps.isna().all() else ("lag_steps", "lag")
    ends = f"{word} {numbers[column].min():.0f} to {numbers[column].max():.0f}"
    return f"{count(len(numbers), 'row')}, {ends}, {count(numbers.seed.nunique(), 'seed')}"


def _recorded(facts: Mapping[str, Any]) -> str:
    """Where its time went, and what else only one shard's own account has room for."""
    seconds = {name: round(value, 2) for name, value in sorted(facts.items()) if name.startswith("seconds_")}
    others = {name: facts[name] for name in origin.OF_ONE_SHARD if facts.get(name) not in (None, [])}
    return words(seconds | others)


def _again(record: Record, shard: Shard) -> list[str]:
    """The line that makes these rows; a refit reads the rows of its folds."""
    rows = ["--rows", f"{record.config.results}/rows"] if shard.needs else []
    out = f"again/{shard.id}.parquet"
    machine = record.config.machine_options(shard.study)
    explained = ["rnnlimits", "explain", shard.id, *record.config.options, "--rows", "again"]
    command = shlex.join(["rnnlimits", "train", "--spec", shard.to_json(), *rows, "--out", out, *machine])
    return [
        heading("To run it"),
        f"\n{command}",
        f"\nThe same numbers?  {shlex.join(explained)}",
    ]
