"""From the `where` of a claim to numbers: a cell for each shard that fits, in it a number for each seed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.statistics import mixtures, scales
from rnnlimits.analysis.tables import summary as tables
from rnnlimits.planning import where as rule
from rnnlimits.planning.shard import Shard

SHARD_COLUMNS = list(rule.SHARD_COLUMNS)
Where = Mapping[str, Any]


class NotRunError(LookupError):
    """The rows lack what a claim needs: that speaks neither for the claim nor against it."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One shard's numbers for one metric."""

    names: Mapping[str, Any]  # the shard's columns
    metric: str  # with the split, the lag and the update that were asked for
    value: Series  # by seed; missing where the replica diverged or the number is not defined
    status: Series  # by seed: how each replica ended
    chance: float
    confidence: float = statistics.CONFIDENCE
    rows: DataFrame = dataclasses.field(default_factory=DataFrame, repr=False, compare=False)  # behind value
    # By seed, of a score: did the network solve its task on the test part?  None where that is not asked.
    solved: Series | None = dataclasses.field(default=None, repr=False, compare=False)
    untrained: int = 0  # seeds whose best weights are those of their start, of what was read after training

    def one_of(self, parts: int) -> "Cell":
        """The same cell, of which an interval errs in one of `parts` of the usual cases."""
        return dataclasses.replace(self, confidence=1 - (1 - self.confidence) / parts)

    @property
    def raw_metric(self) -> str:
        """The metric as its rows call it."""
        return str(self.rows.metric.iloc[0]) if len(self.rows) else self.metric

    @property
    def scale(self) -> scales.Scale:
        """On which scale its seeds are averaged."""
        return scales.of(self.unit, self.value.dropna().to_numpy())

    @property
    def unit(self) -> str | None:
        return str(self.rows.unit.iloc[0]) if len(self.rows) else None

    @property
    def groups(self) -> mixtures.Groups | None:
        """Who solved the task and who did not, where there are both: a mean describes neither."""
        return mixtures.groups_by_seed(self.value, self.solved, self.unit)

    def shares_networks_with(self, other: "Cell") -> bool:
        """Do equal seeds stand for the same network, weights or simulated paths on both sides?

        A network before training has the weights of its seed, whatever is asked of it.  Trained ones of
        different shards share their data at most, which leaves no correlation behind.
        """
        if self.names["kind"] == other.names["kind"] == "simulation":
            return True
        same = ["variant", "hidden_size", "parameters_target"]
        if not self._is_untrained or not other._is_untrained:
            same = ["shard"]
        return all(_same(self.names[name], other.names[name]) for name in same)

    @property
    def _is_untrained(self) -> bool:
        return bool(len(self.rows)) and set(self.rows.stage) == {"initial"}

    def counting_untrained_as(self, value: float) -> "Cell":
        """The same with another number for the seeds that kept the weights of their start."""
        untrained = tables.kept_their_start(self.rows.set_index("seed")).reindex(
            self.value.index, fill_value=False
        )
        return dataclasses.replace(self, value=self.value.mask(untrained, value))

    @property
    def diverged(self) -> int:
        return int((self.status == "diverged").sum())

    @property
    def label(self) -> str:
        if self.names["kind"] == "simulation":
            return f"{self.names['task']} {self.metric}"
        size, length = int(self.names["hidden_size"]), int(self.names["length_steps"])
        # Two studies may train the same under another budget: then the study is what tells them apart.
        study = f" in {self.names['study']}" if self.names.get("ambiguous") else ""
        return f"{self.names['variant']} on {self.names['task']}{study} (h {size}, T {length}) {self.metric}"


def plan_of(rows: DataFrame, shards: Sequence[Shard] | None = None) -> DataFrame:
    """One line for each shard that was to run: from the config, or without one, from the rows themselves."""
    if shards is not None:
        spent = [
            (shard.budget and shard.budget.updates, shard.budget and shard.budget.batch_size, shard.seeds)
            for shard in shards
        ]
        plan = DataFrame(
            [[shard.id, *(getattr(shard, column) for column in SHARD_COLUMNS[1:])] for shard in shards],
            columns=SHARD_COLUMNS,
        )
        return plan.assign(**DataFrame(spent, columns=["updates", "batch_size", "seeds"], dtype=float))
    plan = rows[SHARD_COLUMNS].drop_duplicates("shard")
    shard = rows.groupby("shard")
    trained = plan.shard.map(shard["update"].max()).where(plan.kind != "simulation")
    return plan.assign(updates=trained, batch_size=np.nan, seeds=plan.shard.map(shard.seed.nunique()))


def matching(plan: DataFrame, part: Where, where: Where) -> DataFrame:
    """The planned shards that a selection speaks of."""
    mine = plan[plan.study.isin(rule.studies_of(part))]
    # A size that nobody aimed at is None for the rule, and nan here.
    columns = mine[SHARD_COLUMNS].astype(object)
    rows = columns.where(columns.notna(), None).itertuples(index=False, name=None)
    records = [dict(zip(SHARD_COLUMNS, row)) for row in rows]
    wanted = [one["shard"] for one in rule.fitting(records, part, where)]
    return mine[mine.shard.isin(wanted)].sort_values("shard")


def cells(
    rows: DataFrame, plan: DataFrame, part: Where, where: Where, confidence: float = statistics.CONFIDENCE
) -> list[Cell]:
    """A cell for each fitting shard, in the order of their names; every planned one must have its rows."""
    fitting = rows_of(rows, plan, part, where)
    found = []
    alike = plan.groupby(["task", "variant", "hidden_size", "length_steps"], dropna=False)
    plan = plan.assign(ambiguous=alike.study.transform("nunique") > 1)
    for names in matching(plan, part, where).to_dict("records"):
        mine = fitting[fitting.shard == names["shard"]]
        # That no seed ended in the wanted way is a result: a cell without numbers, which decides nothing.
        if mine.empty and "status" not in where:
            raise NotRunError(f"shard {names['shard']} has no row with {_text(where)}")
        if mine.seed.duplicated().any():
            differ = [column for column in rule.ROW_COLUMNS if mine[column].nunique(dropna=False) > 1]
            raise ValueError(
                f"where: {_text(where)}: several rows of one seed fit in shard {names['shard']}; "
                f"they differ in {', '.join(column for column in differ if column != 'seed')}: say which"
            )
        columns = {str(column): name for column, name in names.items()}
        # The rows know the hidden size that a refit found; the plan does not.
        columns["hidden_size"] = mine.hidden_size.max() if len(mine) else columns["hidden_size"]
        numbers = mine.set_index("seed").sort_index().astype({"value": float, "chance": float})
        mine = mine.assign(value=tables.of_survivors(mine))
        value, status = numbers.value.where(mine.set_index("seed").value.notna()), numbers.status
        metric, chance = _metric(numbers, where), numbers.chance.max()
        known = {"rows": mine, "confidence": confidence}
        known["untrained"] = int(tables.kept_their_start(mine).sum())
        if _is_a_score(mine):
            known["solved"] = tables.solved_on_test(rows[rows.shard == names["shard"]])
        found.append(Cell(columns, metric, value, status, chance, **known))
    return found


def _is_a_score(rows: DataFrame) -> bool:
    """Does it say how well a trained network does its task?"""
    return bool(rows.split.isin(["train", "validation", "test"]).all()) and not rows.metric.eq("solved").any()


def _same(one: Any, other: Any) -> bool:
    return bool(one == other or (pd.isna(one) and pd.isna(other)))


def _metric(rows: DataFrame, where: Where) -> str:
    """The metric with what tells it from its other rows: "loss at update 900 of early_stopped seeds"."""
    words = [where["split"]] if where.get("split") in ("train", "validation", "test") else []
    words.append(str(where.get("metric")))
    for column, text in (("lag_steps", "at lag"), ("update", "at update")):
        if column in where:
            only = rows[column].iloc[0] if rows[column].nunique() == 1 else where[column]
            words.append(f"{text} {only if isinstance(only, str) else int(only)}")
    return " ".join([*words, *([f"of {where['status']} seeds"] if "status" in where else [])])


def rows_of(rows: DataFrame, plan: DataFrame, part: Where, where: Where) -> DataFrame:
    """The rows that a selection speaks of, at the learning rates that were chosen."""
    wanted = matching(plan, part, where)
    if wanted.empty:
        raise NotRunError(f"no shard of study {part['study']} has {_text(where)}")
    if missing := sorted(set(wanted.shard) - set(rows.shard.unique())):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise NotRunError(f"no rows of shard {missing[0]}{more}")
    rows = rows[rows.shard.isin(wanted.shard)]
    # A shard has training rows of every learning rate that it tried.
    rows = rows[rows.selected | ~rows.split.isin(["train", "validation"])]
    if where.get("split") == "test":
        # Read once, with the weights that were kept, unless the claim asks for the last ones.
        where = {"stage": "final"} | dict(where)
    for column in rule.ROW_COLUMNS:
        if column in where:
            rows = _narrowed(rows, column, where[column])
    return rows


def networks(rows: DataFrame, plan: DataFrame, part: Where, metrics: Sequence[str]) -> DataFrame:
    """One line a network, one column a metric: to ask several things of the same network."""
    fitting = rows_of(rows, plan, part, {**part["where"], "metric": list(metrics)})
    table = fitting.pivot(index=["shard", "seed", "stage"], columns="metric", values="value")
    if absent := [metric for metric in metrics if metric not in table]:
        raise NotRunError(f"study {part['study']} has no row with metric {absent[0]}")
    return table[list(metrics)].dropna()


def pairs(left: Sequence[Cell], right: Sequence[Cell], against: Where) -> Iterator[tuple[Cell, Cell]]:
    """Each cell with those that share with it everything that `against` does not change."""
    kept = [name for name in ("study", "task", "variant", "length_steps") if name not in against]

    def key(cell: Cell) -> list[Any]:
        size, budget = cell.names["hidden_size"], cell.names["parameters_target"]
        # Matched by parameters, two variants differ in hidden size: what they share is the budget.
        same_size = [] if "hidden_size" in against else [size if pd.isna(budget) else budget]
        return [cell.names[name] for name in kept] + same_size

    for one in left:
        partners = [other for other in right if key(other) == key(one)]
        if not partners:
            raise NotRunError(f"{one.label}: nothing to compare with at {_text(against)}")
        yield from ((one, other) for other in partners)


def _narrowed(rows: DataFrame, column: str, wanted: Any) -> DataFrame:
    """The rows with one of these values, or at that end of the column for their seed."""
    values, ends = rule.values_and_ends(column, wanted)
    keep = rows[column].isin(values)
    by_seed = rows.groupby(["shard", "seed"], dropna=False)[column]
    for end in ends:
        keep |= rows[column] == by_seed.transform("min" if end is min else "max")
    return rows[keep]


def _text(where: Where) -> str:
    return ", ".join(
        f"{column} {' or '.join(map(str, value)) if isinstance(value, list) else value}"
        for column, value in where.items()
    )
