"""python -m demo up | backfill FROM TO. Environment variables say what `up` does: see demo/settings.py."""

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from cht_sync.errors import SyncError

from demo import settings
from demo.backfill import backfill
from demo.stack import ROOT
from demo.up import up
from servers import secret

#: What the demo keeps: data, secrets, logs. Tests name another folder.
HOME = Path(os.environ.get("CHT_DEMO_HOME") or ROOT / ".local")


def main(arguments: list[str]) -> int:
    """The exit code: 0, 1 after an error that was printed, 130 if it was stopped before it showed anything."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        _job(arguments)()
    except SyncError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # few need the stack trace, so it goes to a file
        HOME.mkdir(parents=True, exist_ok=True)
        secret.write(HOME / "failure.log", traceback.format_exc())
        print(
            f"\nThe demo failed ({type(error).__name__}). The details are in {HOME / 'failure.log'}.", file=sys.stderr
        )
        return 1
    return 0


def _job(arguments: list[str]) -> Callable[[], None]:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything, show the counts, serve until Ctrl-C")
    days = commands.add_parser("backfill", help="fill the history of past days, both ends included")
    days.add_argument("first", metavar="FROM", help="a day such as 2026-11-01")
    days.add_argument("last", metavar="TO")
    given = parser.parse_args(arguments)
    if given.command == "up":
        return lambda: up(HOME, settings.read(), _progress)
    return lambda: backfill(HOME, given.first, given.last, _progress)


STARTED = time.monotonic()


def _progress(text: str) -> None:
    try:
        print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", flush=True)
    except OSError:  # nobody reads the pipe any more; the servers must still end
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
