"""Runs a supervisor in its main thread until a signal; its children write their process ids and wait."""

import sys
from pathlib import Path

from worker.supervisor import Command, Supervisor

FAMILY = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("family", os.getpid(), child.pid, flush=True)
signal.pause()
"""


def main() -> None:
    commands = [Command(name, [sys.executable, "-c", FAMILY]) for name in ("one", "two")]

    def echo(name: str, line: str) -> None:
        print(name, line, flush=True)

    Supervisor(commands, Path(sys.argv[1]), grace=5, echo=echo).run()
    print("bye", flush=True)


if __name__ == "__main__":
    main()
