"""Verdicts ─► the verdict report: sentence, source, what both measured, figure, disputes, fairness."""

from pathlib import Path

from rnnlimits.analysis.verdicts import html
from rnnlimits.planning.config.schema import Config
from rnnlimits.storage.whole_files import write_text


def write(
    config: Config, claims_csv: str | Path, details_dir: str | Path, figures_dir: str | Path, out: str | Path
) -> None:
    """A figure of each claim into a folder, and the report with all of them."""
    claims, details, figures = Path(claims_csv), Path(details_dir), Path(figures_dir)
    html.plot(claims, details, figures)
    write_text(out, html.build(config, claims, details, figures))
