"""A data set is what was published, however packed, or an error that says what to do; without a network."""

import functools
import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from rnnlimits.tasks.data import (
    archives,
    downloads,
    electricity_transformer,
    published_sets,
    sentence_polarity,
    spoken_digits,
    tatoeba_fra_eng,
    wikitext_2,
)
from rnnlimits.tasks.data.published_sets import PublishedSet
from support.pretend_web import serve
from support.repository_copy import ROOT

BESIDE_THE_CHECKOUT = ROOT.parent / "shared" / "data"
REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or BESIDE_THE_CHECKOUT)  # before a fixture unsets it
ALL = [wikitext_2.published(split) for split in wikitext_2.FILES]
ALL += [
    page.PUBLISHED for page in (sentence_polarity, tatoeba_fra_eng, spoken_digits, electricity_transformer)
]
CLIPS = {"recordings/0_ann_0.wav": b"zero" * 9, "recordings/1_ann_0.wav": b"one" * 9}
PAGE = b"<!DOCTYPE html>\n<html><body>Please accept our terms.</body></html>"
FIRST, MIRROR = "https://first.example/clips", "https://mirror.example/clips"
MOST_FILES = 10
MOST_BYTES = 50_000  # tar fills its end up to 10,240 bytes


def tar(files: dict[str, bytes], packing: str = "gz", around: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(around + name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


CLIPS_SET = PublishedSet(
    subject="clips", noun="archive", size=MOST_BYTES, sha256=published_sets.sum_of(CLIPS),
    addresses=(FIRST, MIRROR),
    unpack=functools.partial(
        archives.tar_files, folder="recordings", ending=".wav", most_bytes=MOST_BYTES
    ),
    places=("clips/clips.tar.gz", "clips/clips.tar.bz2"), credit="clips: Ann, CC BY 4.0",
)  # fmt: skip
PACKED = tar(CLIPS)


def one_at(name: str) -> PublishedSet:
    return next(one for one in ALL if one.subject.startswith(name))


def needs(one: PublishedSet):
    there = any((REAL_DATA / place).is_file() for place in one.places)
    reason = f"no {one.places[0]} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}"
    return pytest.mark.skipif(not there, reason=reason)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.delenv(downloads.DATA_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    return tmp_path / "cache" / "clips" / "clips.tar.gz"


def test_the_same_content_is_the_same_data_however_packed(tmp_path, monkeypatch):
    server = serve(monkeypatch, {})
    with_more = CLIPS | {"README.md": b"read me", "recordings/notes.txt": b"loud", "pictures/a.wav": b"?"}
    (tmp_path / "clips").mkdir()
    for place, packed in {
        "clips.tar.bz2": tar(CLIPS, "bz2"),
        "clips.tar.gz": tar(with_more, "gz", around="clips-d6938f9/"),
    }.items():
        (tmp_path / "clips" / place).write_bytes(packed)
        assert published_sets.contents(CLIPS_SET, str(tmp_path)) == CLIPS
    assert server.asked == []


def test_the_sum_of_many_files_is_that_of_what_sha256sum_prints_of_them():
    listed = "".join(f"{hashlib.sha256(CLIPS[name]).hexdigest()}  {name}\n" for name in sorted(CLIPS))
    backwards = dict(reversed(CLIPS.items()))
    assert published_sets.sum_of(backwards) == hashlib.sha256(listed.encode()).hexdigest()
    assert published_sets.sum_of(CLIPS | {"recordings/0_ann_0.wav": b"other"}) != CLIPS_SET.sha256


def test_a_download_happens_once_is_kept_as_it_came_and_credited_once(monkeypatch, cache, capsys):
    server = serve(monkeypatch, {FIRST: PACKED})
    assert [published_sets.contents(CLIPS_SET, "") for _ in range(2)] == [CLIPS] * 2
    assert server.asked == [FIRST]
    assert cache.read_bytes() == PACKED
    assert list(cache.parent.iterdir()) == [cache]
    assert capsys.readouterr().err.count("CC BY 4.0") == 1


def test_a_spoilt_file_in_the_cache_is_fetched_again(monkeypatch, cache):
    serve(monkeypatch, {FIRST: PACKED})
    cache.parent.mkdir(parents=True)
    cache.write_bytes(PACKED[:100])
    assert published_sets.contents(CLIPS_SET, "") == CLIPS
    assert cache.read_bytes() == PACKED


MANY = {f"recordings/{number}.wav": b"" for number in range(MOST_FILES + 1)}
FAULTS = {
    "a web page": (PAGE, "web page"),
    "empty": (b"", "cannot be unpacked"),
    "no archive": (b"To be, or not to be" * 99, "cannot be unpacked"),
    "broken off": (PACKED[: len(PACKED) // 2], "cannot be unpacked"),
    "other content": (tar(CLIPS | {"recordings/0_ann_0.wav": b"0" * 36}), "not the published archive"),
    "a file missing": (tar({"recordings/0_ann_0.wav": b"zero" * 9}), "not the published archive"),
    "far more when unpacked": (tar(CLIPS | {"bomb": bytes(10**6)}), "more than 50,000 unpacked bytes"),
    "longer than allowed": (PACKED + bytes(MOST_BYTES), "more than 50,000 bytes"),
    "too many files": (tar(MANY), "more than 10 files"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_the_published_set_is_refused_and_the_mirror_asked(monkeypatch, tmp_path, cache, fault):
    monkeypatch.setattr(archives, "MOST_FILES", MOST_FILES)
    content, said = FAULTS[fault]
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clips.tar.bz2").write_bytes(content)
    with pytest.raises(
        ValueError, match=rf"^clips: .*bz2: .*({said}).*; delete it, and put .*{FIRST} in its"
    ):
        published_sets.contents(CLIPS_SET, str(tmp_path))
    server = serve(monkeypatch, {FIRST: content, MIRROR: PACKED})
    assert published_sets.contents(CLIPS_SET, "") == CLIPS
    assert server.asked == [FIRST, MIRROR]
    assert cache.read_bytes() == PACKED


def test_too_many_files_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", MOST_FILES)
    for unpack, packed in (
        (functools.partial(archives.tar_files, folder="recordings", ending=".wav"), tar(MANY)),
        (functools.partial(archives.zip_files, names=("recordings/0.wav",)), zipped(MANY)),
    ):
        with pytest.raises(ValueError, match="got more than 10 files; expected"):
            unpack(packed, most_bytes=10**9)


def test_a_file_that_unpacks_to_more_than_it_should_is_refused():
    for unpack, packed in (
        (functools.partial(archives.single, name="a.txt"), gzip.compress(bytes(10**6))),
        (functools.partial(archives.zip_files, names=("a.txt",)), zipped({"a.txt": bytes(10**6)})),
    ):
        with pytest.raises(ValueError, match="more than 1,000 unpacked bytes; expected at most so many"):
            unpack(packed, most_bytes=1_000)


def test_of_a_zip_archive_only_what_is_named_is_read():
    packed = zipped({"a.txt": b"a", "../b.txt": b"b"})
    assert archives.zip_files(packed, ("a.txt",), most_bytes=1) == {"a.txt": b"a"}
    with pytest.raises(KeyError, match=r"c\.txt"):
        archives.zip_files(packed, ("c.txt",), most_bytes=1)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.subject)
def test_without_network_and_folder_one_line_says_which_file_to_put_where(monkeypatch, tmp_path, one):
    server = serve(monkeypatch, {})
    with pytest.raises(LookupError) as refused:
        published_sets.contents(one, str(tmp_path))
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{one.subject}: not in the data folder ({tmp_path})")
    assert f"put the file from {one.addresses[0]} at FOLDER/{one.places[0]} and set `data: FOLDER`" in line
    assert server.asked == list(one.addresses)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.subject)
def test_every_set_is_pinned_has_a_mirror_and_stands_in_the_list_of_licences(one):
    assert all(url.startswith("https://") for url in one.addresses)
    assert len(set(one.addresses)) >= 2
    (commit,) = re.findall(r"[0-9a-f]{40}", one.addresses[0])  # its content cannot change
    assert re.fullmatch(r"[0-9a-f]{64}", one.sha256)
    listed = (ROOT / "THIRD_PARTY_DATA.md").read_text(encoding="utf-8")
    name = one.subject.split(":")[0]
    (row,) = (line for line in listed.splitlines() if line.startswith(f"| data `{name}`"))
    assert commit in row
    assert "CC BY" in row
    assert Path(one.places[0]).name in listed


@needs(one_at("wikitext_2"))
def test_wikitext_2_has_the_published_numbers_of_words():
    tokens = {split: wikitext_2.tokens(split, REAL_DATA) for split in wikitext_2.FILES}
    assert {split: len(some) for split, some in tokens.items()} == wikitext_2.TOKENS
    known = set(tokens["train"])
    assert len(known) == wikitext_2.VOCABULARY
    assert set(tokens["validation"]) | set(tokens["test"]) <= known
    assert tokens["train"][:6] == ("<eos>", "=", "Valkyria", "Chronicles", "III", "=")
    with pytest.raises(LookupError, match="no split 'valid'; possible: train, validation, test"):
        wikitext_2.tokens("valid")


@needs(one_at("sentence_polarity"))
def test_sentence_polarity_has_as_many_snippets_of_either_kind_and_none_twice():
    snippets = sentence_polarity.read(REAL_DATA)
    assert len(snippets) == len({snippet for snippet, _ in snippets}) == sentence_polarity.SNIPPETS
    assert sum(label for _, label in snippets) == sentence_polarity.SNIPPETS / 2
    assert snippets[0] == ("simplistic , silly and tedious .", 0)
    assert max(len(snippet.split()) for snippet, _ in snippets) == 59


@needs(one_at("tatoeba_fra_eng"))
def test_tatoeba_is_split_so_that_no_sentence_is_in_two_splits():
    pairs = tatoeba_fra_eng.pairs(REAL_DATA)
    english = {one for one, _ in pairs}
    assert (len(pairs), len(english)) == (tatoeba_fra_eng.PAIRS, tatoeba_fra_eng.ENGLISH_SENTENCES)
    assert pairs[0] == ("Go.", "Va !")
    sizes = {
        name: sum(tatoeba_fra_eng.split_of(one) == name for one in english) for name in ("validation", "test")
    }
    assert sizes == {"validation": 1_929, "test": 1_941}


@needs(one_at("spoken_digits"))
def test_the_spoken_digits_are_all_there_and_as_long_as_published():
    recordings = spoken_digits.recordings(REAL_DATA)
    samples = sorted(len(one.sample_T) for one in recordings)
    assert (len(recordings), samples[0], samples[-1]) == (spoken_digits.RECORDINGS, 1_148, 18_262)
    kinds = {(one.digit, one.speaker, one.take) for one in recordings}
    assert kinds == {(d, s, take) for d in range(10) for s in spoken_digits.SPEAKERS for take in range(50)}
    assert sum(one.in_test for one in recordings) == 300
    assert all(one.sample_T.std() > 0 for one in recordings)


@needs(one_at("electricity_transformer"))
def test_the_series_is_read_as_published_and_cannot_be_changed_in_place():
    table = electricity_transformer.read(REAL_DATA)
    assert table.shape == (electricity_transformer.HOURS, len(electricity_transformer.COLUMNS))
    assert table[0, 0] == 5.827000141143799
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 0
    assert [end - start for start, end in electricity_transformer.SPLITS.values()] == [8_640, 2_880, 2_880]


@needs(one_at("electricity_transformer"))
def test_the_series_is_kept_as_published_since_its_licence_allows_no_changed_copy(monkeypatch, tmp_path):
    one = electricity_transformer.PUBLISHED
    published = (REAL_DATA / one.places[0]).read_bytes()
    serve(monkeypatch, {one.addresses[0]: published})
    electricity_transformer._read.cache_clear()
    electricity_transformer.read()
    electricity_transformer._read.cache_clear()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [published]
