"""What code does beside computing: what belongs to each run, and what a reader of a shared cell must know."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nightbook.pipelines.uses import BUILTIN, has_keyword, heads, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightbook.pipelines.uses import Use

CLOCK_NOTE = "reads the clock: all sets see the time at which it ran once"
WRITE_NOTE = "writes a file: once, for all sets"
FETCH_NOTE = "reads from the network: fetched once, for all sets"

_SHAREABLE_OF_NIGHTBOOK = frozenset(
    {"Input", "Output", "Range", "Secret", "__version__", "log_metric", "log_metrics", "log_param"}
)
_OWN_BY_REASON: Mapping[str, str] = {
    "what it logs belongs to one run": "mlflow",
    "each run has its own environment": "os.environ os.environb os.getenv os.getenvb os.putenv os.unsetenv sys.argv "
    "dotenv",
    "each run is a process of its own": "os.getpid os.getppid multiprocessing.current_process psutil.Process",
    "processes belong to the run that starts them": "multiprocessing subprocess os.fork os.forkpty os.system os.popen "
    "os.spawnl os.spawnv os.spawnlp os.spawnvp os.posix_spawn os.posix_spawnp os.execv os.execve os.execl os.execlp "
    "os.execvp joblib.Parallel",
    "threads do not survive the fork between the sets": "threading _thread concurrent.futures "
    "multiprocessing.pool.ThreadPool",
    "tasks under way do not survive the fork between the sets": "asyncio.create_task asyncio.ensure_future "
    "asyncio.TaskGroup asyncio.run asyncio.gather asyncio.to_thread asyncio.get_event_loop asyncio.get_running_loop",
    "a connection cannot be shared between the sets": "sqlite3.connect sqlalchemy.create_engine psycopg psycopg2 "
    "pymysql duckdb.connect pymongo redis socket paramiko requests.Session httpx.Client httpx.AsyncClient ray pyspark "
    "distributed dask.distributed",
    "it does not survive the fork between the sets": "tensorflow jax torch.cuda",
    "each run does it at its own end": "atexit weakref.finalize",
    "signals belong to one process": "signal os.kill os.register_at_fork",
    "each run has its own widgets": "ipywidgets nightbook.widgets tqdm.notebook tqdm.auto",
    "each run has its own temporary files": "tempfile.TemporaryDirectory tempfile.mkdtemp tempfile.NamedTemporaryFile "
    "tempfile.TemporaryFile tempfile.SpooledTemporaryFile tempfile.mkstemp tempfile.mktemp",
    "each run has its own identifiers": "uuid",
    "it ends the run": f"sys.exit os._exit os.abort {BUILTIN}.exit {BUILTIN}.quit {BUILTIN}.SystemExit",
    "nobody can answer": f"{BUILTIN}.input getpass.getpass",
}
_OWN = {path: reason for reason, paths in _OWN_BY_REASON.items() for path in paths.split()}
_OWN_METHODS = {
    "create_task": "tasks under way do not survive the fork between the sets",
    "cuda": "it does not survive the fork between the sets",
    "update_display": "each run has its own displays",
}
# Importing it is a use: it finds out at once to which run it logs.
_BOUND_AT_IMPORT = "mlflow"

_CLOCKS = words(
    "time.time time.time_ns time.perf_counter time.perf_counter_ns time.monotonic time.monotonic_ns time.process_time "
    "time.localtime time.gmtime time.ctime time.strftime time.asctime timeit datetime.datetime.now "
    "datetime.datetime.utcnow datetime.datetime.today datetime.date.today"
)
_CLOCK_METHODS = frozenset({"now", "utcnow", "today", "perf_counter"})
_CLOCK_TEXTS = frozenset({"now", "today"})
_READERS_OF_CLOCK_TEXTS = frozenset({"to_datetime", "datetime64", "Timestamp"})
_WRITES = words(
    "joblib.dump pickle.dump json.dump yaml.dump cloudpickle.dump torch.save numpy.save numpy.savez "
    "numpy.savez_compressed numpy.savetxt shutil os.makedirs os.mkdir os.remove os.unlink os.rename os.replace "
    "urllib.request.urlretrieve"
)
_WRITING_METHODS = words(
    "savefig write_text write_bytes to_csv to_parquet to_pickle to_json to_excel to_feather to_hdf to_sql to_stata "
    "write_csv write_parquet write_html write_image mkdir unlink touch savemodel save_model tofile"
)
_NETWORK = frozenset({"requests", "urllib.request", "httpx", "urllib3", "aiohttp", "boto3", "gcsfs", "s3fs", "ftplib"})
_URL = re.compile(r"(?:https?|ftp|s3|gs|gcs|abfss?|az)://", re.IGNORECASE)
_WRITE_MODE = re.compile(r"[wax+]")
_POSITION_OF_MODE = {
    f"{BUILTIN}.open": 1,
    "io.open": 1,
    "gzip.open": 1,
    "bz2.open": 1,
    "lzma.open": 1,
    "codecs.open": 1,
}


def own_effect(use: Use) -> str:
    """Why what is used belongs to each run rather than to all; empty when it does not."""
    if use.path.partition(".")[0] == "nightbook":
        name = use.path.removeprefix("nightbook").lstrip(".")
        if name in _SHAREABLE_OF_NIGHTBOOK or name.startswith("notebooks.declarations"):
            return ""
        return f"uses {use.path}, which belongs to each run"
    for head in heads(use.path):
        if head in _OWN:
            return f"uses {use.path.removeprefix(f'{BUILTIN}.')}: {_OWN[head]}"
    if use.call is not None and has_keyword(use.call, "display_id"):
        return "gives a display an id: each run has its own displays"
    if use.method in _OWN_METHODS:
        return f"uses .{use.method}: {_OWN_METHODS[use.method]}"
    return ""


def own_import(tree: ast.AST) -> str:
    """Why an import alone belongs to each run; empty when none does."""
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name.partition(".")[0] == _BOUND_AT_IMPORT for name in names):
            return f"imports {_BOUND_AT_IMPORT}: {_OWN[_BOUND_AT_IMPORT]}"
    return ""


def notes_on(use: Use) -> Iterator[str]:
    """What a reader must know of a use that is shared all the same."""
    if _reads_clock(use):
        yield CLOCK_NOTE
    if _writes(use):
        yield WRITE_NOTE
    if _fetches(use):
        yield FETCH_NOTE


def _reads_clock(use: Use) -> bool:
    if any(head in _CLOCKS for head in heads(use.path)) or use.method in _CLOCK_METHODS:
        return True
    name = use.path.rpartition(".")[2]
    return name in _READERS_OF_CLOCK_TEXTS and any(text.lower() in _CLOCK_TEXTS for text in _texts(use.call))


def _writes(use: Use) -> bool:
    if any(head in _WRITES for head in heads(use.path)):
        return True
    if use.method in _WRITING_METHODS:
        # Without a file, `to_csv()` gives a text.
        return use.call is None or bool(use.call.args or use.call.keywords) or not use.method.startswith("to_")
    if use.call is None:
        return False
    if use.path in _POSITION_OF_MODE:
        return _may_write(use.call, _POSITION_OF_MODE[use.path])
    return use.method == "open" and not use.path and _may_write(use.call, 0)


def _may_write(call: ast.Call, position: int) -> bool:
    modes = [keyword.value for keyword in call.keywords if keyword.arg in {"mode", None}]
    modes += call.args[position : position + 1]
    return any(
        _WRITE_MODE.search(mode.value) is not None
        if isinstance(mode, ast.Constant) and isinstance(mode.value, str)
        else True
        for mode in modes
    )


def _fetches(use: Use) -> bool:
    if use.call is not None and any(head in _NETWORK for head in heads(use.path)):
        return True
    return (use.method or use.path).startswith(("read_", "open")) and any(map(_URL.match, _texts(use.call)))


def _texts(call: ast.Call | None) -> list[str]:
    """The plain texts among the positional arguments."""
    arguments = call.args if call is not None else []
    return [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]
