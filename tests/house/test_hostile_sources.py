"""What the sources must not do: run text as code, unpack objects, fetch without a checksum."""

import ast
import re
import textwrap

import pytest

from support.repository_copy import ROOT

PYTHON = sorted(path for part in ("src", "benchmarks", "workflow") for path in (ROOT / part).rglob("*.py"))
RULES = sorted([ROOT / "workflow" / "Snakefile", *(ROOT / "workflow").rglob("*.smk")])
# They make objects, or files wherever an archive says.
NEVER_IMPORTED = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "tarfile", "zipfile"}
NEVER_CALLED = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "eval",
    "shutil.unpack_archive", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all",
    "pandas.read_pickle", "pd.read_pickle",
}  # fmt: skip
# (file, call): read by a person, and harmless for the reason that stands beside it.
ALLOWED = {
    ("catalog.py", "exec"),  # parts of a page of this package, found by its name in a list of files
    # Opens what is in memory, writes nothing to disk, and counts files and bytes before it reads them.
    ("archives.py", "tarfile"),
    ("archives.py", "zipfile"),
    ("loaded_code.py", "marshal"),  # bytecode that Python itself would load and run, compared with its source
}


def sins(text: str, file: str = "x.py") -> list[str]:
    """What a source does that none may do."""
    tree = ast.parse(text)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            imported = sorted({name.partition(".")[0] for name in names} & NEVER_IMPORTED)
            found += [sin for sin in imported if (file, sin) not in ALLOWED]
        if isinstance(node, ast.Call):
            found += [sin for sin in _sins_of(node, ast.unparse(node.func)) if (file, sin) not in ALLOWED]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += re.findall(r"http://(?!www\.w3\.org/)[\w.]+", node.value)
    return found


def _sins_of(call: ast.Call, name: str) -> list[str]:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if (
        name in NEVER_CALLED
        or name in ("exec", "extractall")
        or name.endswith((".extractall", ".unpack_archive"))
    ):
        return [name]
    if name == "yaml.load" and not (given.get("Loader") or "").endswith(("_Loader", "SafeLoader")):
        return [name]
    if name == "torch.load" and given.get("weights_only") != "True":
        return [name]
    if name.endswith("retrieve") and not (call.args[1:] and "sha256:" in ast.unparse(call.args[1])):
        return [name]
    risky = {
        "shell": "True",
        "allow_pickle": "True",
        "executable": None,
        "verify": "False",
        "trust_repo": None,
    }
    return [f"{name}({key}=)" for key, value in risky.items() if key in given and value in (None, given[key])]


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_does_what_a_stranger_s_file_could_use(path):
    assert sins(path.read_text(encoding="utf-8"), path.name) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from zipfile import ZipFile",
        "os.system(x)",
        "eval(x)",
        "exec(x)",
        "yaml.load(x)",
        "yaml.load(x, Loader=yaml.Loader)",
        "torch.load(x)",
        "torch.load(x, weights_only=False)",
        "subprocess.run(x, shell=True)",
        "np.load(x, allow_pickle=True)",
        "archive.extractall(x)",
        "pooch.retrieve(url, None)",
        "urllib.request.urlretrieve(url)",
        "'http://example.org/data.txt'",
    ],
)
def test_each_of_these_would_be_found(text):
    assert len(sins(text)) == 1


def commands(text: str) -> list[str]:
    """The shell commands of a file of rules, each as one string."""
    blocks = re.findall(r"^    shell:\n((?:        .*\n?)+)", text, re.MULTILINE)
    return [ast.literal_eval(f"({textwrap.dedent(block)})") for block in blocks]


def unquoted(command: str) -> list[str]:
    """The values that a shell would see as they are; numbers of Snakemake's own may be."""
    values = re.findall(r"(?<!\{)\{([^{}]+)\}", command)
    return [value for value in values if not re.fullmatch(r"[\w.]+:q|threads|resources\.\w+", value)]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_value_in_a_command_of_a_rule_is_quoted(path):
    text = path.read_text(encoding="utf-8")
    assert [value for command in commands(text) for value in unquoted(command)] == []
    assert not re.search(r"^    (run|script|notebook|wrapper|cwl):", text, re.MULTILINE)
    assert len(commands(text)) == len(re.findall(r"^ *shell:", text, re.MULTILINE))


def test_the_rules_have_commands_and_an_unquoted_value_would_be_found():
    assert sum(len(commands(path.read_text(encoding="utf-8"))) for path in RULES) >= 6
    assert unquoted("rnnlimits table --config {input.config} > {log:q} --processes {threads}") == [
        "input.config"
    ]


def test_downloads_are_over_https_and_their_checksum_is_pinned():
    from rnnlimits.tasks.data import text

    assert all(url.startswith("https://") for url in text.TINY_SHAKESPEARE_URLS)
    assert re.fullmatch(r"[0-9a-f]{64}", text.TINY_SHAKESPEARE_SHA256)
