"""A caller's curves over those of an archive."""

import shutil

import numpy as np
import pandas as pd
import pytest

import rnnlimits
from rnnlimits.analysis import beside, tables
from rnnlimits.rows import Row, places
from support.repository_copy import ROOT

ARCHIVE = ROOT / "results" / "archive" / "laptop"


def own(metric="gradient_log10_median", variant="mine", slope=-0.1, lags=30) -> pd.DataFrame:
    return tables.of_rows(
        [
            Row(
                shard="own", study="own", kind="training", task="own", architecture=variant, variant=variant,
                hidden_size=3, length_steps=lags, parameters=9, split="probe", stage="final", update=0,
                metric=metric, lag_steps=lag, value=None if lag == 0 else slope * lag - 7, unit="log10",
                status="measured",
            )
            for lag in range(lags)
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def figure():
    return rnnlimits.compare(pd.concat([own(), own(variant="also mine", slope=-0.2)]), ARCHIVE)


def drawn(axes, color) -> list:
    return [line for line in axes.lines if line.get_color() == color]


def test_each_own_curve_starts_at_zero_and_keeps_its_slope(figure):
    (axes,) = figure.axes
    for line, slope in zip(drawn(axes, beside.OWN.color), (-0.2, -0.1), strict=True):
        assert list(line.get_xdata()) == list(range(1, 30))
        np.testing.assert_allclose(line.get_ydata(), slope * (line.get_xdata() - 1))


def test_the_archived_curves_are_means_over_seeds_of_the_longest_sequences(figure):
    rows = tables.read([ARCHIVE / "rows.parquet"])
    chosen = rows[
        (rows.metric == "gradient_log10_median") & (rows.study == "sequence_length") & (rows.stage == "final")
        & (rows.length_steps == 200) & (rows.status != "diverged")
    ]  # fmt: skip
    gru = chosen[chosen.variant == "gru"].groupby("lag_steps").value.mean()
    (axes,) = figure.axes
    (line,) = drawn(axes, beside.style.looks(chosen.variant)["gru"].color)
    np.testing.assert_allclose(line.get_ydata(), gru - gru.iloc[0], atol=1e-9)
    assert (
        axes.get_title(loc="left") == "sequence_length: adding, after training, T = 200, ≈ 4,500 parameters"
    )


def test_the_legend_names_every_curve(figure):
    (legend,) = figure.legends
    names = {text.get_text() for text in legend.get_texts()}
    assert {"mine", "also mine", "gru", "lstm", "elman"} <= names


def test_a_panel_a_quantity_and_the_study_that_is_asked_for():
    both = pd.concat([own(), own("input_sensitivity_log10_median"), own("jacobian_log10_largest")])
    figure = rnnlimits.compare(both, ARCHIVE, study="initialisation")
    assert [axes.get_title(loc="left")[:35] for axes in figure.axes] == [
        "initialisation: adding, before trai"
    ] * 2


def test_an_archive_is_found_by_its_name_its_folder_and_its_file(tmp_path, monkeypatch):
    expected = ARCHIVE / "rows.parquet"
    assert places.archive("laptop").resolve() == expected.resolve()
    assert places.archive(ARCHIVE) == expected
    assert places.archive(expected) == expected
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "archive" / "mine").mkdir(parents=True)
    shutil.copy(expected, tmp_path / "results" / "archive" / "mine")
    assert places.archive("mine").exists()


def test_an_installation_without_an_archive_is_told_where_there_is_one():
    with pytest.raises(
        LookupError, match=r"got 'nowhere'; expected .*an installed package brings no archive"
    ):
        rnnlimits.compare(own(), archive="nowhere")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            pd.DataFrame({"lag": [1]}),
            "table: got no columns shard, study, kind; expected a table of rnnlimits",
        ),
        (
            own("parameter_gradient_log10_median"),
            "got parameter_gradient_log10_median; expected a curve that",
        ),
        (own("driven_lyapunov_largest"), "got no curve by lag"),
    ],
)
def test_what_the_archive_has_no_curve_of_is_said(table, said):
    with pytest.raises(ValueError, match=said):
        rnnlimits.compare(table, ARCHIVE)


def test_a_study_that_the_archive_has_not_is_said():
    with pytest.raises(ValueError, match=r"that study 'none' of .*has, too"):
        rnnlimits.compare(own(), ARCHIVE, study="none")
