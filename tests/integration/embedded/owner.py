"""Holds embedded servers until its standard input ends; says on one line of JSON which processes it has."""

import json
import os
import sys
from pathlib import Path

import psutil

from worker.embedded import EmbeddedServers


def main() -> None:
    with EmbeddedServers(Path(sys.argv[1])) as servers:
        below = psutil.Process().children(recursive=True)
        print(
            json.dumps(
                {
                    "pid": os.getpid(),
                    "database_url": servers.database_url,
                    "broker_url": servers.broker_url,
                    "below": [process.pid for process in below],
                    "guards": [process.pid for process in psutil.Process().children()],
                    "uids": sorted(
                        {process.uids().real for process in below if "guard.py" not in str(process.cmdline())}
                    ),
                }
            ),
            flush=True,
        )
        sys.stdin.read()


if __name__ == "__main__":
    main()
