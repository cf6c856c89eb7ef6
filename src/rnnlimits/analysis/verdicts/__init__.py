"""Verdicts ─► the page of all claims: sentence, source, what both measured, figure, disputes, fairness."""

from pathlib import Path

from rnnlimits.analysis.verdicts import page
from rnnlimits.planning.config.schema import Config
from rnnlimits.storage.whole_files import write_text


def write(
    config: Config, claims_csv: str | Path, details_dir: str | Path, figures_dir: str | Path, out: str | Path
) -> None:
    """A figure of each claim into a folder, and the page with all of them."""
    claims, details, figures = Path(claims_csv), Path(details_dir), Path(figures_dir)
    page.plot(claims, details, figures)
    write_text(out, page.build(config, claims, details, figures))
