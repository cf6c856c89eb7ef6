"""The uses of recurrent networks in the report: the first sentence says whether a network is needed."""

import pandas as pd
import pytest

from rnnlimits.analysis.report.uses import uses
from support import synthetic_tables

TABLES = synthetic_tables.build()


def with_reference(value):
    """The best network of the study `text`, irnn, reaches 2.0 bits, 0.06 less or more."""
    return {**TABLES, "references": TABLES["references"].assign(value=value)}


def test_only_tasks_with_other_methods_beside_them_are_uses():
    (use,) = uses(TABLES)
    assert use.task == "language"
    assert uses({**TABLES, "references": pd.DataFrame()}) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (3.0, "The best network, IRNN, reaches bits per character 2"),
        (2.05, "Bigram does as well as the best network: bits per character 2.05; IRNN reaches 2"),
        (1.0, "Bigram is better than every network: bits per character 1; IRNN reaches 2"),
    ],
)
def test_a_network_that_loses_to_another_method_is_said_in_the_first_sentence(value, says):
    (use,) = uses(with_reference(value))
    assert use.sentences[0].startswith(says)


def test_a_method_is_compared_by_the_primary_metric_alone():
    other = TABLES["references"].assign(metric="bleu_of_nearest_sentence", unit="points of 100", value=0.5)
    (use,) = uses({**TABLES, "references": pd.concat([TABLES["references"], other])})
    assert use == uses(TABLES)[0]


def test_where_more_is_better_the_comparison_is_turned_round():
    results = TABLES["test_results"].copy()
    turned = results.metric == "bits_per_character"
    for one, other in (("estimate", "estimate"), ("low", "high"), ("high", "low")):
        results.loc[turned, one] = -TABLES["test_results"].loc[turned, other]
    (use,) = uses({**with_reference(-1.0), "test_results": results})
    assert use.sentences[0].startswith("Bigram is better than every network")
    assert [row[0] for row in use.table.rows][:2] == ["irnn", "lstm"]


def test_the_steps_that_are_needed_and_those_that_a_gradient_spans_stand_beside_the_score():
    (use,) = uses(TABLES)
    assert "it needs the last 32 of 64 steps, and the order of the last 10.7" in use.sentences[1]
    rows = {row[0]: row[1:] for row in use.table.rows}
    assert rows["elman"][2:] == ["32", "13"]
    assert rows["irnn"][2:] == ["32", "more than 63"]
    assert rows["bigram (no network)"][0] == "–"
