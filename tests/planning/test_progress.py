"""What a training says of itself: read as it was written, and nothing where it cannot be read."""

from pathlib import Path

from rnnlimits.planning import progress
from rnnlimits.planning.progress import Progress

SAID = Progress(update=0, updates=2000, replicas=10, solved=0, diverged=0, share=0.0, whole_s=None)


def test_it_is_read_as_it_was_written(tmp_path):
    SAID.write(tmp_path / "checkpoints" / "a.progress")
    assert progress.read(tmp_path / "checkpoints" / "a.progress") == SAID
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == ["a.progress"]


def test_nothing_is_read_where_there_is_none_or_half_a_file_or_anothers(tmp_path):
    file = tmp_path / "a.progress"
    assert progress.read(file) is None
    for text in ('{"update": 3', "[]", '{"another": 1}', "\x00"):
        file.write_text(text)
        assert progress.read(file) is None


def test_a_place_that_cannot_be_written_costs_no_training(tmp_path):
    (tmp_path / "file").write_text("")
    SAID.write(Path(tmp_path / "file" / "a.progress"))
    assert (tmp_path / "file").read_text() == ""
