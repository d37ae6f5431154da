"""Breaks the product in one place at a time, and reports whether the tests notice it: `python -m tools.mutants`.

tools/mutants.toml is the list. Each mutation is made in a copy of the tracked files, where its own tests run: the
working tree stays as it is. Before that the same tests run once without a mutation. A mutation is caught when a test
fails. One whose tests take too long is caught, too, and reported apart.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_suffix(".toml")
#: What the tests use besides the tracked files: packages, and those of the stand-in CouchDB.
LINKED = (".venv", ".local")
#: Seconds for all tests of the project, with --whole; and in which an interrupted run stops its servers.
WHOLE, GRACE = 3 * 60 * 60, 20
#: Prints what is tested: the copy, or the checkout that is installed.
ORIGIN = "from cht_sync import sql; print(sql.__file__, sql.INCLUDE.sql, sql.INCLUDE.deployment, sep='\\n')"
Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Mutation:
    """`find` occurs once in `file`; `why` is what would go wrong, `tests` are the tests that should notice it."""

    name: str
    file: str
    find: str
    replace: str
    why: str
    tests: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "SQL" if self.file.endswith(".sql") else "Python"


@dataclass(frozen=True)
class Result:
    """`outcome` is caught, survived, timed out, or broken: the tests could not run. `by` is the test that failed."""

    mutation: Mutation
    outcome: str
    by: str
    seconds: float

    @property
    def is_caught(self) -> bool:
        return self.outcome in ("caught", "timed out")


def read() -> list[Mutation]:
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


def mistakes(mutations: Sequence[Mutation]) -> Iterator[str]:
    """Why the list cannot be used with these files."""
    if len({each.name for each in mutations}) < len(mutations):
        yield "two mutations have one name"
    for each in mutations:
        file = ROOT / each.file
        count = file.read_text(encoding="utf-8").count(each.find) if file.is_file() else 0
        if count != 1 or each.find == each.replace:
            yield f"{each.name}: what it replaces is {count} times in {each.file}, or stays the same"
        if missing := [test for test in each.tests if not _exists(test)]:
            yield f"{each.name}: there is no {missing[0]}"


def _exists(test: str) -> bool:
    """Whether there is that file, and in it a function of that name."""
    file, _, name = test.partition("::")
    path, function = ROOT / file, name.partition("[")[0]
    return path.exists() and (not name or f"def {function}(" in path.read_text(encoding="utf-8"))


@contextmanager
def copied(mutation: Mutation | None = None) -> Iterator[Path]:
    """A copy with that mutation, removed at the end. Raises RuntimeError where another checkout would be tested."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root a server of the tests runs as `nobody`
        copy = Path(folder).resolve() / "tree"
        (copy.parent / "tmp").mkdir()
        for name in filter(lambda name: (ROOT / name).is_file(), listed.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        for name in filter(lambda name: (ROOT / name).exists(), LINKED):
            (copy / name).symlink_to(ROOT / name)
        if mutation:
            text = (copy / mutation.file).read_text(encoding="utf-8").replace(mutation.find, mutation.replace)
            (copy / mutation.file).write_text(text, encoding="utf-8")
        with _started(copy, ["-c", ORIGIN]) as process:
            printed = process.communicate()[0]
        if not all(Path(line).is_relative_to(copy) for line in printed.splitlines()):
            raise RuntimeError(f"Another checkout than the copy would be tested:\n{printed}")
        yield copy


def _started(copy: Path, arguments: Sequence[str]) -> Process:
    """Python, in a copy that comes before the checkout that is installed."""
    path, include, temporary = f"{copy / 'plugins'}{os.pathsep}{copy}", str(copy / "include"), str(copy.parent / "tmp")
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": path, "CHT_SYNC_INCLUDE": include, "TMPDIR": temporary},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches it through `Runner.stop`, so that it can stop its servers
    )


@dataclass
class Runner:
    """Runs the tests of a mutation for at most `timeout` seconds; with `whole`, then all tests where these pass."""

    timeout: float
    whole: bool = False
    _running: set[Process] = field(default_factory=set)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self._stopped.set()
        for process in list(self._running):
            process.send_signal(signal.SIGINT)

    def judge(self, mutation: Mutation) -> Result:
        began = time.monotonic()
        with copied(mutation) as copy:
            outcome, by = _outcome(*self._pytest(copy, mutation.tests, self.timeout))
            if self.whole and outcome == "survived":
                outcome, by = _outcome(*self._pytest(copy, ["tests"], WHOLE))
        return Result(mutation, outcome, by, round(time.monotonic() - began, 1))

    def require_baseline(self, mutations: Iterable[Mutation]) -> None:
        """Raises RuntimeError where the tests fail without a mutation."""
        tests = dict.fromkeys(test for each in mutations for test in each.tests)
        with copied() as copy:
            code, output = self._pytest(copy, list(tests), None)
        if code != pytest.ExitCode.OK:
            raise RuntimeError(f"The tests fail without a mutation:\n{output[-3000:]}")

    def _pytest(self, copy: Path, tests: Sequence[str], timeout: float | None) -> tuple[int | None, str]:
        """The exit code, None where it took too long, and what was printed."""
        process = _started(copy, ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests])
        self._running.add(process)
        try:
            output = process.communicate(timeout=0 if self._stopped.is_set() else timeout)[0]
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            _end(process)
            self._running.discard(process)
        return process.returncode, output


def _end(process: Process) -> None:
    """Lets it stop its servers, then kills what is left of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _outcome(code: int | None, output: str) -> tuple[str, str]:
    if code in (None, pytest.ExitCode.OK):
        return "timed out" if code is None else "survived", ""
    failed = [line.split(" ")[1] for line in output.splitlines() if line.startswith(("FAILED tests", "ERROR tests"))]
    if code == pytest.ExitCode.TESTS_FAILED and failed:
        return "caught", failed[0]
    return "broken", output.strip().rpartition("\n")[2]


def judged(runner: Runner, mutations: Iterable[Mutation], jobs: int) -> Iterator[Result]:
    pool = ThreadPoolExecutor(jobs)
    try:
        for done in as_completed([pool.submit(runner.judge, each) for each in mutations]):
            yield done.result()
    except BaseException:
        runner.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def score(results: Sequence[Result]) -> str:
    def of(*kinds: str) -> str:
        chosen = [result.is_caught for result in results if result.mutation.kind in kinds]
        return f"{sum(chosen)} of {len(chosen)}"

    return f"caught {of('SQL', 'Python')} (SQL {of('SQL')}, Python {of('Python')})"


def main(arguments: argparse.Namespace) -> int:
    known, results = read(), list[Result]()
    mutations = [each for each in known if any(fnmatch(each.name, pattern) for pattern in arguments.only)]
    if wrong := [*mistakes(known), *(() if mutations else ["There is no mutation of that name"])]:
        sys.exit("\n".join(wrong))
    if arguments.list:
        print(*(f"{each.name:32} {each.file:44} {each.why}" for each in mutations), sep="\n")
        return 0
    runner = Runner(arguments.timeout, arguments.whole)
    if not arguments.no_baseline:
        runner.require_baseline(mutations)
    for each in judged(runner, mutations, arguments.jobs):
        results.append(each)
        print(f"{each.outcome:9} {each.seconds:6.1f} s  {each.mutation.name:36} {each.by}", flush=True)
    print(score(results))
    if arguments.out:
        found = {"score": score(results), "results": [asdict(result) for result in results]}
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(result.is_caught for result in results) else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=(__doc__ or "").partition("\n\n")[0])
    add = parser.add_argument
    add("--only", nargs="+", default=["*"], metavar="NAME", help="these; a name may have * in it")
    add("--list", action="store_true", help="show the mutations, and run nothing")
    add("--jobs", type=int, default=1, metavar="N", help="so many at once")
    add("--timeout", type=float, default=300, metavar="S", help="seconds for the tests of a mutation")
    add("--whole", action="store_true", help="run all tests where its own do not notice a mutation")
    add("--no-baseline", action="store_true", help="do not run the tests without a mutation first")
    add("--out", type=Path, metavar="FILE", help="write the results as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job has the first one ignored
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(parsed()))
    except (KeyboardInterrupt, RuntimeError) as ended:
        sys.exit(str(ended) or "Interrupted")
