"""Data is the published bytes or an error that says what to do; nothing here touches a network."""

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from pydoc_data import topics

import pytest

from rnnlimits.tasks import noise_padded
from rnnlimits.tasks.base import generator
from rnnlimits.tasks.character_language_model import CharacterLanguageModel, Options
from rnnlimits.tasks.data import digits, downloads, text
from rnnlimits.tasks.sequential_digits import Options as SequentialOptions
from rnnlimits.tasks.sequential_digits import SequentialDigits
from support.pretend_web import serve
from support.repository_copy import ROOT

BESIDE_THE_CHECKOUT = ROOT.parent / "shared" / "data"
REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or BESIDE_THE_CHECKOUT)  # before a fixture unsets it
PLACES = ("tinyshakespeare/input.txt", "input.txt")
PAGE = b"<!DOCTYPE html>\n<html><body>Please accept our terms.</body></html>"
PRETEND = b"To be, or not to be, that is the question.\n" * 50


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch, tmp_path):
    monkeypatch.delenv(downloads.DATA_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    text._read_corpus.cache_clear()
    yield
    text._read_corpus.cache_clear()


def pretend_to_be_published(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(text, "TINY_SHAKESPEARE_SHA256", hashlib.sha256(content).hexdigest())


def test_importing_datasets_costs_nothing():
    probe = (
        "import sys; from rnnlimits.tasks.data import text; "
        "text.vocabulary_size('tiny_shakespeare'); "
        "sys.exit(bool({'numpy', 'pooch', 'torch', 'sklearn', 'pandas', 'platformdirs'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", probe]).returncode == 0


def test_the_rows_of_the_digits_say_which_digits_they_were(monkeypatch, tmp_path):
    published = digits.facts()
    table = gzip.decompress(digits.path().read_bytes())
    (tmp_path / "packed_again.gz").write_bytes(gzip.compress(table, 1))
    monkeypatch.setattr(digits, "path", lambda: tmp_path / "packed_again.gz")
    assert digits.facts() == published
    (tmp_path / "packed_again.gz").write_bytes(gzip.compress(table.replace(b"16", b"15", 1)))
    assert digits.facts() != published
    padded = noise_padded.Options(images="digits")
    tasks = [SequentialDigits(64, SequentialOptions()), noise_padded.NoisePadded(100, padded)]
    assert [task.facts() for task in tasks] == [digits.facts()] * 2


def test_reading_the_digits_does_not_import_scikit_learn_or_pandas():
    probe = (
        "import sys; from rnnlimits.tasks.data import digits; digits.read(); "
        "sys.exit(bool({'sklearn', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", probe]).returncode == 0


def test_an_unknown_corpus_is_refused_with_the_known_ones():
    for question in (text.corpus, text.vocabulary_size, text.corpus_characters):
        with pytest.raises(
            LookupError, match="no corpus 'shakespeare'; possible: python_reference, tiny_shak"
        ):
            question("shakespeare")


def test_the_python_reference_is_every_topic_in_the_order_of_their_names():
    from pydoc_data.topics import topics

    corpus = text.corpus("python_reference")
    assert len(corpus.text) == sum(len(text) + 1 for text in topics.values()) - 1
    assert corpus.text.startswith(topics[min(topics)] + "\n")
    assert corpus.text.endswith("\n" + topics[max(topics)])
    assert corpus.sha256 == hashlib.sha256(corpus.text.encode()).hexdigest()
    assert len(corpus.text) == text.corpus_characters("python_reference")
    assert len(corpus.vocabulary) == text.vocabulary_size("python_reference")


# The text is another in each release of Python, even within 3.11: the rows' facts say by sha256 which it was.
@pytest.mark.skipif(sys.version_info[:3] != (3, 11, 7), reason="counted in Python 3.11.7")
def test_the_python_reference_of_python_3_11_7_has_the_documented_size():
    corpus = text.corpus("python_reference")
    assert (len(corpus.text), len(corpus.vocabulary)) == (465_048, 103)


def test_the_python_reference_is_all_topics_in_order_and_its_checksum_is_that_of_its_text():
    corpus = text.corpus("python_reference")
    assert corpus.text == "\n".join(topics.topics[key] for key in sorted(topics.topics))
    assert corpus.sha256 == hashlib.sha256(corpus.text.encode()).hexdigest()
    assert 400_000 < len(corpus.text) < 700_000


def test_encoding_is_undone_by_the_vocabulary():
    corpus = text.corpus("python_reference")
    tokens = text.encode(corpus.text, corpus.vocabulary)
    assert "".join(corpus.vocabulary[token] for token in tokens) == corpus.text


def test_tiny_shakespeare_is_read_from_a_folder_checked_and_measured(monkeypatch):
    if not any((REAL_DATA / place).is_file() for place in PLACES):
        pytest.skip(f"no {PLACES[0]} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}")
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    serve(monkeypatch, {})
    corpus = text.corpus("tiny_shakespeare")
    assert len(corpus.text) == text.corpus_characters("tiny_shakespeare")
    assert len(corpus.vocabulary) == text.vocabulary_size("tiny_shakespeare")
    task = CharacterLanguageModel(100, Options(corpus="tiny_shakespeare"))
    assert task.facts()["corpus_sha256"] == text.TINY_SHAKESPEARE_SHA256
    assert len(task.evaluation("test", 0, generator(0, "test"))) == 70  # 111,540 characters / (16 x 100)
    references = task.references()
    assert task.chance["bits_per_character"] > references["unigram"] > references["five_gram"]


@pytest.mark.parametrize("place", PLACES)
def test_the_data_folder_is_looked_in_before_any_download(monkeypatch, tmp_path, place):
    pretend_to_be_published(monkeypatch, PRETEND)
    server = serve(monkeypatch, {})
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(PRETEND)
    assert text.corpus("tiny_shakespeare", data_dir=tmp_path).text == PRETEND.decode()
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(tmp_path))
    assert text.corpus("tiny_shakespeare").text == PRETEND.decode()
    assert server.asked == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (PRETEND[:-1], "it is not the published file"),
        (PAGE, "it is a web page"),
        (b"", "it is not the published"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused(monkeypatch, tmp_path, content, complaint):
    pretend_to_be_published(monkeypatch, PRETEND)
    (tmp_path / "input.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"tiny_shakespeare: .*input.txt: {complaint}.*delete it, and put"):
        text.corpus("tiny_shakespeare", data_dir=tmp_path)


def test_the_mirror_is_asked_where_the_first_address_fails(monkeypatch, capsys):
    pretend_to_be_published(monkeypatch, PRETEND)
    first, mirror = text.TINY_SHAKESPEARE_URLS
    server = serve(monkeypatch, {first: PAGE, mirror: PRETEND})
    assert text.corpus("tiny_shakespeare").text == PRETEND.decode()
    assert server.asked == [first, mirror]
    assert capsys.readouterr().err.count("public domain") == 1


def test_a_download_happens_once_and_is_credited_once(monkeypatch, capsys):
    pretend_to_be_published(monkeypatch, PRETEND)
    server = serve(monkeypatch, {text.TINY_SHAKESPEARE_URLS[0]: PRETEND})
    text.corpus("tiny_shakespeare")
    text._read_corpus.cache_clear()
    text.corpus("tiny_shakespeare")
    assert len(server.asked) == 1
    assert capsys.readouterr().err.count("public domain") == 1


def test_a_spoilt_file_in_the_cache_is_fetched_again(monkeypatch, tmp_path):
    pretend_to_be_published(monkeypatch, PRETEND)
    serve(monkeypatch, {text.TINY_SHAKESPEARE_URLS[0]: PRETEND})
    cached = tmp_path / "cache" / "rnnlimits" / "tinyshakespeare.txt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(PRETEND[:100])
    assert text.corpus("tiny_shakespeare").text == PRETEND.decode()


@pytest.mark.parametrize("contents", [{}, dict.fromkeys(text.TINY_SHAKESPEARE_URLS, PAGE)])
def test_without_the_data_one_message_says_where_what_and_what_to_do(monkeypatch, tmp_path, contents):
    server = serve(monkeypatch, contents)
    with pytest.raises(LookupError) as refused:
        text.corpus("tiny_shakespeare", data_dir=tmp_path)
    message = str(refused.value)
    assert server.asked == list(text.TINY_SHAKESPEARE_URLS)
    assert all(url in message for url in text.TINY_SHAKESPEARE_URLS)
    assert str(tmp_path) in message
    assert "FOLDER/tinyshakespeare/input.txt" in message
    assert "RNNLIMITS_DATA=FOLDER" in message
    assert "corpus: python_reference" in message
