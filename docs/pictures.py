"""The pictures of concepts.md: `python docs/pictures.py` writes docs/pictures, always with the same bytes.

Each is a small computed example, not a result: a random network of some units, or made-up intervals.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Shape letters: T time steps, K lags, H units.
PLACE = Path(__file__).parent / "pictures"
UNITS, STEPS = 48, 60
PLAIN, GATED, WINDOW, GREY = "#d55e00", "#0072b2", "#009e73", "#777777"
RC = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "svg.fonttype": "none",
    "svg.hashsalt": "rnnlimits",
}


def plain_network(gain: float, seed: int = 0, steps: int = STEPS, nudge: float = 0.0) -> tuple:
    """States and weights of h' = tanh(U h + x), U ~ N(0, gain² / H); `nudge` moves one unit."""
    generator = np.random.default_rng(seed)
    U_HH = generator.normal(0, gain / UNITS**0.5, (UNITS, UNITS))
    x_TH = generator.normal(0, 0.3, (steps, UNITS))
    h_H = generator.normal(0, 1, UNITS)
    h_H[0] += nudge
    h_TH = np.empty((steps, UNITS))
    for t in range(steps):
        h_TH[t] = h_H = np.tanh(U_HH @ h_H + x_TH[t])
    return h_TH, U_HH


def jacobians(h_TH: np.ndarray, U_HH: np.ndarray, keep: float = 0.0) -> np.ndarray:
    """dh_t/dh_{t-1} of every step; with `keep` a gate lets that share of the state through unchanged."""
    return (1 - keep) * (1 - h_TH**2)[:, :, None] * U_HH + keep * np.eye(UNITS)


def gradient_norms(J_THH: np.ndarray) -> np.ndarray:
    """||u J_T ... J_{T-k+1}|| at lags 0 to T, of a loss whose gradient u at the end has norm 1."""
    u_H, norms = np.ones(UNITS) / UNITS**0.5, [1.0]
    for J_HH in J_THH[::-1]:
        u_H = u_H @ J_HH
        norms.append(float(np.linalg.norm(u_H)))
    return np.array(norms)


def gradient_reach(axes: Axes) -> None:
    h_TH, U_HH = plain_network(gain=0.8)
    axes.semilogy(gradient_norms(jacobians(h_TH, U_HH)), color=PLAIN)
    axes.semilogy(gradient_norms(jacobians(h_TH, U_HH, keep=0.97)), color=GATED, ls="--")
    axes.axhline(0.1, color=GREY, lw=1, ls=":")
    axes.text(60, 0.012, "a tenth is left", ha="right", color=GREY)
    axes.text(24, 1e-5, "plain network", color=PLAIN, ha="right")
    axes.text(60, 2, "with a gate that keeps 97 % of the state", color=GATED, ha="right")
    axes.set(xlabel="lag k: steps back from the last", ylabel="norm of the gradient", ylim=(1e-9, 40))


def input_sensitivity(axes: Axes) -> None:
    h_TH, U_HH = plain_network(gain=0.95)
    lag_K = np.arange(25)
    plain_K = gradient_norms(jacobians(h_TH, U_HH))[:25]
    axes.bar(lag_K - 0.2, plain_K, 0.4, color=PLAIN)
    axes.bar(lag_K + 0.2, np.where(lag_K < 12, 0.45, 0), 0.4, color=WINDOW)
    axes.text(4, 0.75, "plain network: less and less", color=PLAIN)
    axes.text(12, 0.3, "convolution: all of its window\nof 12 steps, and nothing beyond", color=WINDOW)
    axes.set(xlabel="lag k: steps back from the last", ylabel="effect of that input\non the last output")


def jacobian_spectrum(axes: Axes) -> None:
    h_TH, U_HH = plain_network(gain=0.8)
    product_HH, values = np.eye(UNITS), []
    for J_HH in jacobians(h_TH, U_HH)[::-1][:25]:
        product_HH = product_HH @ J_HH
        values.append(np.linalg.svd(product_HH, compute_uv=False)[:8])
    lag_K = np.arange(1, 26)
    axes.semilogy(lag_K, np.array(values)[:, 1:], color=PLAIN, lw=0.8, alpha=0.5)
    axes.semilogy(lag_K, np.array(values)[:, 0], color=PLAIN, lw=2.4)
    axes.semilogy(lag_K, np.linalg.norm(U_HH, 2) ** lag_K, color="black", ls="--")
    axes.text(1, 3e4, "the bound: largest singular value of U, to the power k")
    axes.text(25, 0.3, "the largest singular value", color=PLAIN, ha="right")
    axes.text(14, 3e-5, "the next seven", color=PLAIN, ha="right")
    axes.set(
        xlabel="lag k: steps back from the last", ylabel="singular values of\nthe product", ylim=(1e-6, 1e6)
    )


def lyapunov_exponent(axes: Axes) -> None:
    for gain, color, label in ((0.7, GATED, "below 0: it dies out"), (2.0, PLAIN, "above 0: chaos")):
        h_TH, _ = plain_network(gain, seed=1)
        moved_TH, _ = plain_network(gain, seed=1, nudge=1e-6)
        distance_T = np.linalg.norm(h_TH - moved_TH, axis=1)
        axes.semilogy(distance_T, color=color, ls="-" if gain > 1 else "--")
        axes.text(30, distance_T[30] * (0.01 if gain > 1 else 30), f"exponent {label}", color=color)
    axes.set(xlabel="time step", ylabel="distance of two runs that\nbegan almost equal", ylim=(1e-17, 30))


def parameter_gradient_by_lag(axes: Axes) -> None:
    h_TH, U_HH = plain_network(gain=0.95)
    felt_K = gradient_norms(jacobians(h_TH, U_HH))[:20] * np.linalg.norm(h_TH[::-1][1:21], axis=1)
    axes.bar(np.arange(20), felt_K / felt_K.sum(), color=PLAIN)
    axes.text(5, 0.16, "What an update hears is the last few steps.", color=PLAIN)
    axes.set_xticks([0, 5, 10, 15])
    axes.set(xlabel="lag k: steps back from the last", ylabel="share of the weights'\ngradient from there")


def context_use(axes: Axes) -> None:
    seen = np.arange(1, 25)
    axes.step(seen, seen >= 8, where="mid", color=PLAIN)
    axes.plot(seen, 1 - ((24 - seen) / 23) ** 2, color=GATED, ls="--")
    axes.axhline(0.95, color=GREY, lw=1, ls=":")
    axes.text(1, 0.86, "95 % of the gain", color=GREY)
    axes.text(8.2, 0.2, "copies the input of 7 steps ago: needs 8", color=PLAIN)
    axes.text(14.5, 0.6, "counts all its inputs: needs 19", color=GATED)
    axes.set(xlabel="k: last inputs that are seen", ylabel="share of the gain", ylim=(-0.05, 1.1))


def length_limit(axes: Axes) -> None:
    lengths = [10, 30, 100, 200]
    axes.plot(lengths, [1, 0.2, 0, 0], color=PLAIN, marker="o")
    axes.plot(lengths, [1, 1, 1, 0.8], color=GATED, marker="s", ls="--")
    axes.axhline(0.5, color=GREY, lw=1, ls=":")
    axes.text(205, 0.52, "half of the seeds", color=GREY, ha="right")
    axes.annotate(
        "its limit", (21, 0.5), (35, 0.65), color=PLAIN, arrowprops={"arrowstyle": "->", "color": PLAIN}
    )
    axes.text(104, 0.05, "plain network", color=PLAIN)
    axes.text(60, 0.9, "gated network", color=GATED)
    axes.set(
        xlabel="sequence length, in steps", ylabel="share of seeds\nthat solve the task", ylim=(-0.05, 1.1)
    )


def verdict(axes: Axes) -> None:
    cases = [(0.75, 0.16, "reproduced"), (0.22, 0.14, "contradicted"), (0.55, 0.2, "undecided")]
    for row, (middle, half, word) in enumerate(cases):
        axes.errorbar(middle, -row, xerr=half, marker="o", color=GATED, capsize=5, lw=2)
        axes.text(1.12, -row, word, va="center")
    axes.text(0.5, -3, "no numbers", va="center", ha="center", color=GREY)
    axes.text(1.12, -3, "not run", va="center")
    axes.axvline(0.5, ymax=0.92, ymin=0.25, color="black", ls="--")
    axes.text(0.5, 0.75, "the claim: at least this much", ha="center")
    axes.set(xlim=(0, 1.45), ylim=(-3.5, 1), yticks=[], xlabel="measured, with its interval over the seeds")
    axes.set_xticks([0, 0.5, 1])
    axes.spines["left"].set_visible(False)


PICTURES = (
    gradient_reach,
    input_sensitivity,
    jacobian_spectrum,
    lyapunov_exponent,
    parameter_gradient_by_lag,
    context_use,
    length_limit,
    verdict,
)


def write(folder: Path = PLACE) -> None:
    with matplotlib.rc_context(RC):
        for picture in PICTURES:
            figure = Figure(figsize=(8, 3.4), layout="constrained")  # 800 x 340 pixels of a screen
            picture(figure.subplots())
            figure.savefig(folder / f"{picture.__name__}.svg", metadata={"Date": None}, transparent=False)


if __name__ == "__main__":
    write()
