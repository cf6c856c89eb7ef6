"""How the cost of one update grows with the steps T, the hidden units H, the sequences B and the seeds R.

    python benchmarks/cost_growth.py [--runs 5] [--figure results/benchmarks/cost_growth] [--quick]
    python benchmarks/cost_growth.py --rows [--copies 1 10 30]

One of the four is varied at a time, the others stay at a base point. Each measurement is a process of its
own: the median of processor seconds of an update by the trainer of a shard, and the peak of its memory
less what the process held before and what the smallest update needs (Python, torch and so on). Straight
lines through the logarithms give the exponents: 1 means that twice as much costs twice as much; below 1,
something is paid only once. `plain` is a page that has nothing but a step (benchmarks/own_page.py).

With --rows, how the cost of what comes after training grows with the rows instead: the archive of the laptop
run with its studies once, ten and thirty times, each copy under a name of its own, through `table`, `judge`,
`plot` and `report`.  The claims speak of the first copy.  Seconds of a processor, and the peak of memory.
"""

import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow
import yaml
from matplotlib.figure import Figure
from measuring import machine, parser, prepare, seconds, trainer, update
from own_page import MinimalGated
from scipy import stats
from torch import nn

from rnnlimits import catalog, rows
from rnnlimits.analysis.figures import _style as style
from rnnlimits.architectures._model import Model
from rnnlimits.rows import files
from rnnlimits.tasks.adding import Adding, Options

ARCHITECTURES = ["elman", "lstm", "gru", "temporal_convolution", "plain"]
BASE = {"T": 100, "H": 32, "B": 32, "R": 4}
POINTS = {
    "T": [25, 50, 100, 200, 400],
    "H": [8, 16, 32, 64, 128],
    "B": [8, 16, 32, 64, 128],
    "R": [1, 2, 4, 8, 16],
}
SMALLEST = {"T": 3, "H": 2, "B": 2, "R": 1}
QUICK_BASE = {"T": 8, "H": 4, "B": 4, "R": 2}
QUICK = {"T": [4, 8, 16, 32, 64], "H": [2, 4], "B": [2, 4], "R": [1, 2]}
AXES = {"T": "sequence length T", "H": "hidden size H", "B": "batch B", "R": "seeds R"}
ROOT = Path(__file__).resolve().parents[1]
ARCHIVE, CONFIG = ROOT / "results/archive/laptop/rows.parquet", ROOT / "config/config.yaml"
READ = ["--config", "config.yaml", "--rows", "rows.parquet"]
MADE = ["--tables", "tables", "--figures", "figures", "--claims", "claims.csv"]
VERBS = {  # in a folder with a config and an archive
    "table": [*READ, "--out", "tables"],
    "judge": [*READ, "--out", "claims.csv", "--details", "details"],
    "plot": ["--tables", "tables", "--out", "figures"],
    "report": [*READ, *MADE, "--out", "report.html"],
}
Costs = dict[tuple[str, str], list[tuple[int, float, float]]]  # of (architecture, varied): size, s, MiB


def model_of(architecture: str, hidden: int, task: Adding) -> Model:
    if architecture == "plain":
        layer = MinimalGated(task.inputs, hidden, task.length)
    else:
        options = catalog.module("architectures", architecture).Options()
        page = catalog.page_class("architectures", architecture)
        layer = page(task.inputs, hidden, task.length, options)
    return Model(nn.Identity(), layer, nn.Linear(hidden, task.outputs), task.reads_last)


def peak_mib() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(given: tuple[str, dict[str, int], int]) -> tuple[float, float]:
    architecture, sizes, runs = given
    before = peak_mib()
    task = Adding(sizes["T"], Options())
    models = [model_of(architecture, sizes["H"], task) for _ in range(sizes["R"])]
    step = update(trainer(models, task, sizes["B"]))
    for _ in range(2):
        step()
    return statistics.median(seconds(step) for _ in range(runs)), peak_mib() - before


def costs(base: dict[str, int], points: dict[str, list[int]], runs: int) -> Costs:
    """A forked process for each measurement: what was imported before is in none of them, nor timed."""
    forked = multiprocessing.get_context("fork")
    for architecture in ARCHITECTURES:  # compiles once, for all that are forked from here
        measure((architecture, SMALLEST, 1))
    found: Costs = {}
    for architecture in ARCHITECTURES:
        for varied, sizes in points.items():
            jobs = [(architecture, base | {varied: size}, runs) for size in sizes]
            with forked.Pool(1, maxtasksperchild=1) as pool:
                # A fork copies what it touches, whatever the size: that is no growth.
                _, fixed = pool.map(measure, [(architecture, SMALLEST, 1)], chunksize=1)[0]
                measured = pool.map(measure, jobs, chunksize=1)
            found[architecture, varied] = [
                (n, s, max(mib - fixed, 0.1)) for n, (s, mib) in zip(sizes, measured)
            ]
    return found


def exponent(sizes: list[int], values: list[float]) -> tuple[float, float]:
    """Slope of log(value) against log(size), and its standard error.

    >>> exponent([1, 2, 4], [5.0, 20.0, 80.0])
    (2.0, 0.0)
    """
    line = stats.linregress(np.log2(sizes), np.log2(np.maximum(values, 0.01 * max(values))))
    return float(line.slope), float(line.stderr)


@style.styled
def plot(found: Costs) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 6.2), layout="constrained")
    style.headline(figure, "Time and memory of one update against each size, the others held fixed")
    panels = figure.subplots(2, len(AXES), sharex="col", sharey="row")
    looks = style.looks(ARCHITECTURES)
    for column, (varied, name) in enumerate(AXES.items()):
        for architecture, look in looks.items():
            size_N, s_N, mib_N = zip(*found[architecture, varied])
            panels[0, column].plot(size_N, [1e3 * s for s in s_N], **look.line())
            panels[1, column].plot(size_N, mib_N, **look.line())
        for axes in panels[:, column]:
            style.at_values(axes, "x", size_N)
            axes.set_yscale("log")
        panels[1, column].set_xlabel(name)
    panels[0, 0].set_ylabel("milliseconds per update")
    panels[1, 0].set_ylabel("MiB above the smallest update")
    style.variant_legend(figure, looks)
    return figure


def grow(folder: Path, copies: int) -> int:
    """A config and an archive with every study so many times; how many rows there are."""
    config = yaml.safe_load(CONFIG.read_text())
    names = [[renamed(study, copy) for study in config["studies"]] for copy in range(copies)]
    studies = {name: study for copy in names for name, study in zip(copy, config["studies"].values())}
    claims = str(CONFIG.parent / config["claims"])
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"studies": studies, "claims": claims}))
    once, metadata = rows.table(ARCHIVE), rows.read_provenance(ARCHIVE)
    shards = {renamed(s, copy): facts for copy in range(copies) for s, facts in metadata["shards"].items()}
    parts = []
    for copy in range(copies):
        part = once
        for column in ("study", "shard"):
            place = part.schema.get_field_index(column)
            words = pyarrow.array([renamed(word, copy) for word in once.column(column).to_pylist()])
            part = part.set_column(place, part.schema.field(place), words)
        parts.append(part)
    # Not `merge`, which reads files: a shard is here under a name that no file has.
    files._write_table(rows.by_shard(parts), metadata | {"shards": shards}, folder / "rows.parquet")
    return sum(map(len, parts))


def renamed(name: str, copy: int) -> str:
    """
    >>> renamed("digits", 0), renamed("digits", 2), renamed("digits.lstm", 2)
    ('digits', 'digits_2', 'digits_2.lstm')
    """
    study, dot, rest = name.partition(".")
    return f"{study}_{copy}{dot}{rest}" if copy else name


# Asked from inside: what the system says of a process that has ended counts those that it was forked from.
COMMAND = """
import atexit, sys, time
from rnnlimits import cli
from rnnlimits.planning import machine
atexit.register(lambda: print(time.process_time(), machine.peak_memory_mb(), file=sys.stderr))
cli.main()
"""


def spent(verb: str, folder: Path) -> tuple[float, float]:
    """Processor seconds and peak MiB of one command."""
    command = [sys.executable, "-c", COMMAND, verb, *VERBS[verb]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{verb} in {folder} failed: {done.stderr}")
    seconds, mib = done.stderr.splitlines()[-1].split()
    return float(seconds), float(mib)


def rows_grow(copies: list[int]) -> None:
    print("Processor seconds and peak MiB of each command, by the copies of the laptop's studies")
    print(machine())
    print(f"{'copies':>6} {'rows':>9} | " + " ".join(f"{verb + ' s':>8} {'MiB':>5}" for verb in VERBS))
    for count in copies:
        with tempfile.TemporaryDirectory() as folder:
            made = grow(Path(folder), count)
            cells = [spent(verb, Path(folder)) for verb in VERBS]
        said = " ".join(f"{seconds:8.1f} {mib:5.0f}" for seconds, mib in cells)
        print(f"{count:>6} {made:>9} | {said}", flush=True)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", action="store_true", help="of what comes after training, by its rows")
    options.add_argument("--copies", type=int, nargs="+", default=[1, 10, 30], help="(default: %(default)s)")
    options.add_argument("--runs", type=int, default=5, help="medians over so many (default: %(default)s)")
    options.add_argument("--figure", type=Path, default=Path("results/benchmarks/cost_growth"))
    given = options.parse_args()
    if given.rows:
        rows_grow(given.copies)
        return
    prepare()
    base, points = (QUICK_BASE, QUICK) if given.quick else (BASE, POINTS)
    print(f"Exponents of one update around {base}; medians of {given.runs} runs, standard errors in brackets")
    print(machine())
    found = costs(base, points, given.runs)
    print(f"{'architecture':<21} of      | " + " ".join(f"{varied:>13}" for varied in points))
    worst = 0.0
    for architecture in ARCHITECTURES:
        for place, what in ((1, "seconds"), (2, "memory")):
            cells = []
            for varied in points:
                measured = found[architecture, varied]
                slope, error = exponent([row[0] for row in measured], [row[place] for row in measured])
                worst = max(worst, slope) if varied in "TR" else worst
                cells.append(f"{slope:6.2f} ({error:.2f})")
            print(f"{architecture:<21} {what} | " + " ".join(f"{cell:>13}" for cell in cells), flush=True)
    print(f"largest exponent in T or R: {worst:.2f}")
    style.save(plot(found), given.figure)
    print(f"drawn: {given.figure}.svg")


if __name__ == "__main__":
    main()
