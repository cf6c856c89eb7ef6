"""numba's cache of compiled loops, made to mend itself and to say so.

numba trusts what lies there.  An empty index is an error of its own, a flipped bit is other machine code, and
an edit of another file, or one that keeps size and time, is not noticed.  Here each file ends with its
checksum, one that is damaged is compiled anew, and the source, all files of the folder, is known by what it
says.  Where nothing can be written, the loops are compiled in every process: slower, and the same code.
"""

# mypy: ignore-errors
import contextlib
import functools
import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from numba.core.caching import FunctionCache, IndexDataCacheFile

told: set[str] = set()  # a process says each thing once


def keep(dispatcher: Callable) -> Callable:
    """The compiled function, which keeps what it compiles and finds it again."""
    try:
        dispatcher._cache = CheckedCache(dispatcher.py_func)
    except (RuntimeError, OSError) as error:  # numba found no folder to write to
        tell(f"{error}; compiled in every process; set NUMBA_CACHE_DIR to a folder that can be written")
    return dispatcher


def tell(line: str) -> None:
    if line not in told:
        print(f"compiled loops: {line}", file=sys.stderr, flush=True)
    told.add(line)


class CheckedFiles(IndexDataCacheFile):
    """The index of a function and its compiled versions, each file with its sha256 at the end."""

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        content = io.BytesIO()
        yield content
        with super()._open_for_write(filepath) as file:
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())

    def _load_index(self) -> dict:
        return super()._load_index() if is_whole(Path(self._index_path)) else {}

    def _load_data(self, name: str) -> tuple:
        if not is_whole(Path(self._data_path(name))):
            raise FileNotFoundError(name)  # which numba takes for: compile it
        return super()._load_data(name)


def is_whole(path: Path) -> bool:
    """Is it there, as it was written?"""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        tell(f"{path}: cannot be read ({error.strerror}); compiled anew")
        return False
    size = hashlib.sha256().digest_size
    if hashlib.sha256(content[:-size]).digest() == content[-size:]:
        return True
    tell(f"{path}: damaged; compiled anew")
    return False


def stamp_of(folder: Path) -> str:
    """Of all files, so that no loop outlives an edit of the `exp` that it was compiled with."""
    return hashlib.sha256(b"".join(page.read_bytes() for page in sorted(folder.glob("*.py")))).hexdigest()


stamp_once = functools.cache(stamp_of)  # a process: every compiled function of a folder asks


class CheckedCache(FunctionCache):
    def __init__(self, function: Callable):
        super().__init__(function)
        self._cache_file = CheckedFiles(
            cache_path=self.cache_path,
            # Another name than numba's own, whose files have no checksum.
            filename_base=f"{self._impl.filename_base}.checked",
            source_stamp=stamp_once(Path(function.__code__.co_filename).parent),
        )

    def save_overload(self, signature: tuple, data: object) -> None:
        try:
            super().save_overload(signature, data)
        except OSError as error:
            said = f"{self.cache_path}: cannot be written ({error.strerror}); compiled in every process"
            tell(f"{said}; make room, or set NUMBA_CACHE_DIR to another folder")
