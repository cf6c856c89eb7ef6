"""A title is a sentence computed from the table: change the numbers and it must change with them."""

import numpy as np

from support import synthetic_tables
from support.figure_pages import draw

TABLES = synthetic_tables.build()


def title(name, tables=TABLES):
    return draw(name, tables).get_suptitle().replace("\n", " ")


def changed(table, function):
    return {**TABLES, table: function(TABLES[table].copy())}


def test_who_keeps_most_gradient_is_read_off_the_last_lag():
    assert (
        title("gradient_by_lag")
        == "Gradient left at the largest lag after training: most in irnn, least in elman"
    )
    flipped = changed("gradient_by_lag", lambda table: table.assign(median=-table["median"]))
    assert "most in elman, least in irnn" in title("gradient_by_lag", flipped)


def test_the_laboratory_counts_who_keeps_a_thousandth_over_the_whole_sequence_and_shows_them_first():
    # Forgetting 0.004 or 0.06 nats a step, 0.6 of it after training, leaves 10^-0.2 and 10^-3.1 at lag 199.
    assert title("gradient_laboratory").startswith("After training 1 of 4 keep a thousandth ")
    shown = [axes.get_title(loc="left") for axes in draw("gradient_laboratory", TABLES).axes]
    assert shown == ["irnn", "lstm", "gru", "elman"]

    def vanished(table):
        last = (table.variant == "irnn") & (table.quantity == "gradient") & (table.lag_steps == 199)
        table.loc[last, "median"] = np.nan
        return table

    gone = changed("gradient_by_lag", vanished)
    assert title("gradient_laboratory", gone).startswith("After training 0 of 4 keep ")


def test_a_study_probed_on_the_way_is_shown_in_the_laboratory_and_in_no_crowded_panel():
    def laboratory_alone(table):
        return table[table.study == "laboratory"]

    alone = changed("gradient_by_lag", laboratory_alone)
    assert draw("gradient_by_lag", alone).findobj(lambda artist: "not measured" in str(artist))
    assert len(draw("gradient_laboratory", alone).axes) == 4


def test_nothing_is_said_where_two_tasks_disagree():
    def disagree(table):
        other = table.task == "adding"
        table.loc[other, "median"] *= -1
        return table

    assert title("gradient_by_lag", changed("gradient_by_lag", disagree)) == (
        "How much gradient reaches back through time?"
    )


def test_what_two_tasks_agree_on_is_said_even_where_they_differ_in_the_rest():
    without_irnn = changed(
        "gradient_by_lag", lambda table: table[(table.task == "adding") | (table.variant != "irnn")]
    )
    assert title("gradient_by_lag", without_irnn).endswith("largest lag after training: least in elman")


def test_a_vanished_sensitivity_is_not_passed_over_as_the_least():
    tables = synthetic_tables.build(("elman", "feed_forward", "lstm"))
    assert (
        title("input_reach", tables) == "What the earliest input still changes after training: most in lstm"
    )


def test_the_bound_is_counted_and_not_assumed():
    assert "stays within the bound at all 248 measured lags" in title("jacobian_bound")

    def exceed(table):
        table.iloc[[3, 9], table.columns.get_loc("bound")] = -99
        return table

    assert "exceeds the bound at 2 of 248" in title("jacobian_bound", changed("jacobian_by_lag", exceed))
    unknown = changed("jacobian_by_lag", lambda table: table.assign(bound=np.nan))
    assert "no architecture here has a bound" in title("jacobian_bound", unknown)


def test_who_still_succeeds_at_the_longest_sequences():
    assert title("length_limit") == (
        "At the longest sequences of every task most seeds of irnn still succeed, of elman, gru and lstm none"
    )


def test_the_effect_of_size_is_counted_over_cells():
    assert title("size_length_map").endswith("rises in 8 of 32 cells, falls in 0")


def test_the_chosen_size_is_ringed_and_named():
    assert (
        title("hidden_size_selection")
        == "The one-standard-error rule chooses 32 units for elman, gru, irnn and lstm"
    )
    figure = draw("hidden_size_selection", TABLES)
    chosen = TABLES["cross_validation"].query("chosen and variant == 'gru'")
    ring = next(line for line in figure.axes[1].lines if line.get_markerfacecolor() == "none")
    assert ring.get_xdata().tolist() == chosen.hidden_size.tolist()
    assert ring.get_ydata().tolist() == chosen["mean"].tolist()


def test_the_chance_line_lies_at_chance():
    adding = draw("length_limit", TABLES).axes[1]
    dashed = [line for line in adding.lines if line.get_color() == "black" and line.get_marker() == "None"]
    assert any(np.allclose(line.get_ydata(), 1 / 6) for line in dashed)


def test_curves_carry_the_step_at_which_they_solve():
    panel = draw("learning_curves", TABLES).axes[0]
    stars = [line for line in panel.lines if line.get_marker() == "*"]
    runs = TABLES["replicas"].query("task == 'adding' and hidden_size == 64 and length_steps == 20")
    assert sorted(line.get_xdata()[0] for line in stars) == sorted(
        runs.groupby("variant").updates_to_solve.median().dropna()
    )


def test_the_text_is_judged_in_bits_beside_its_references():
    best = TABLES["test_results"].query("metric == 'bits_per_character'").sort_values("estimate").iloc[0]
    assert title("language_model") == (
        f"Fewest bits per character on test text: irnn, {best.estimate:.3g} [{best.low:.3g}, {best.high:.3g}]"
    )
    figure = draw("language_model", TABLES)
    results = figure.axes[-1]
    assert {text.get_text() for text in results.get_legend().get_texts()} == {"bigram 3.45", "five gram 2.31"}
    # Nats become bits: the training curves share the axis of the references.
    loss = TABLES["learning_curves"].query("task == 'language' and variant == 'elman' and split == 'train'")
    assert np.allclose(figure.axes[0].lines[0].get_ydata(), loss["estimate"] / np.log(2))
    # Early stopping keeps the weights of the best step, 800 in every replica.
    assert [800, 800] in [list(line.get_xdata()) for line in figure.axes[0].lines]


def test_demand_and_supply_names_whose_gradient_reaches_less_far_than_tasks_ask():
    # Forgetting 0.35, 0.12, 0.06 or 0.004 nats a step leaves a hundredth at lag 13, 38, 77 or never.
    # The tasks ask for 100, 100 and 32 steps.
    assert title("demand_and_supply") == (
        "On 3 of 3 tasks the gradient of elman reaches less far back than the task asks; of irnn on none"
    )
    modest = changed(
        "reach", lambda table: table.assign(estimate=table["estimate"].mask(table.quantity == "context", 2.0))
    )
    assert title("demand_and_supply", modest) == (
        "The gradient of every architecture reaches as far back as every task asks"
    )
    bars = [patch.get_width() for patch in draw("demand_and_supply", TABLES).axes[0].patches]
    assert max(bars) == 100 - 0.9
