"""Which user the servers run as, and how that user reaches the data directory.

An ordinary user's servers run as that user. Root's run as `nobody` (PostgreSQL refuses root, and a broker
needs none of its powers), or as the owner of the data where that is an ordinary user. `nobody` often cannot
pass the directories above (a 0700 home, say), and no permission of theirs is ever changed: on Linux the
server gets its data directory as an open file, `/proc/self/fd/N`, which needs no way through the parents.
"""

import contextlib
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from worker.errors import HomeError
from worker.supervisor.guarded import Account


def account_for(directory: Path) -> Account | None:
    """The user to run a server as whose data is (or will be) in `directory`; None is the present user."""
    if os.geteuid() != 0:
        return None
    if directory.is_dir() and (owner := directory.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def make_directory(directory: Path, account: Account | None) -> None:
    """Make a private directory that the account owns."""
    directory.mkdir(mode=0o700)
    if account:
        os.chown(directory, account.uid, account.gid)


@contextlib.contextmanager
def reachable(directory: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path by which the account reaches the directory, and the file descriptors that the path needs.

    Raises:
        HomeError: there is no such way on this system.
    """
    if account is None:
        yield str(directory), ()
    elif sys.platform == "linux":
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{opened}", (opened,)
        finally:
            os.close(opened)
    else:
        if not may(account, "-x", directory):
            raise HomeError(
                f"Root's servers run as the user nobody, who cannot enter {directory}.",
                mend="Run Marquee as an ordinary user, or set MARQUEE_HOME to a place that all can enter.",
            )
        yield str(directory), ()


def may(account: Account, test: str, path: Path) -> bool:
    """Whether the account passes `test` (of test(1)) on a path: the system itself is asked, so ACLs count."""
    command: list[str | Path] = ["/bin/sh", "-c", f'test {test} "$1"', "sh", path]
    done = subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0
