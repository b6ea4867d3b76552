"""The supervisor keeps its children running, ends them in order, keeps what they say; none outlives it."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.integration.embedded.conftest import PATIENCE, ended
from worker.errors import ChildStartError
from worker.supervisor import Backoff, Command, Supervisor, child

SUPERVISING = Path(__file__).with_name("supervising.py")
WAIT = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print("up", flush=True)
while True:
    signal.pause()
"""


class Heard:
    """The lines that each of the children wrote, as they come."""

    def __init__(self) -> None:
        self.lines: dict[str, queue.SimpleQueue[str]] = {}

    def __call__(self, name: str, line: str) -> None:
        self.of(name).put(line)

    def of(self, name: str) -> queue.SimpleQueue[str]:
        return self.lines.setdefault(name, queue.SimpleQueue())

    def wait_for(self, name: str, text: str) -> str:
        while True:
            line = self.of(name).get(timeout=PATIENCE)
            if text in line:
                return line


def python(name: str, code: str) -> Command:
    return Command(name, [sys.executable, "-c", code])


def test_a_killed_child_is_back_at_once(tmp_path: Path) -> None:
    heard = Heard()
    with Supervisor([python("worker", WAIT)], tmp_path, echo=heard) as supervisor:
        heard.wait_for("worker", "up")
        killed = supervisor.kill("worker")
        assert supervisor.wait_running("worker", other_than=killed, timeout=PATIENCE) not in (None, killed)
        heard.wait_for("worker", "starts again in 0 s")
        [status] = supervisor.status()
        assert (status.state, status.restarts, status.last_exit) == ("running", 1, -signal.SIGKILL)


def test_a_child_that_keeps_dying_waits_longer_each_time(tmp_path: Path) -> None:
    heard = Heard()
    backoff = Backoff(first=0.01, longest=30)
    with Supervisor(
        [python("worker", "raise SystemExit(7)")], tmp_path, echo=heard, backoff=backoff
    ) as supervisor:
        for _ in range(4):
            heard.wait_for("worker", "ended with code 7")
        [status] = supervisor.status()
        assert status.restarts >= 3
        assert status.last_exit == 7


def test_the_waits_double_up_to_a_limit() -> None:
    assert [Backoff().delay(deaths) for deaths in range(1, 9)] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_lived_long_enough_begins_anew(tmp_path: Path) -> None:
    heard = Heard()
    backoff = Backoff(first=100, healthy=0)
    with Supervisor([python("worker", WAIT)], tmp_path, echo=heard, backoff=backoff) as supervisor:
        for _ in range(3):
            heard.wait_for("worker", "up")
            supervisor.kill("worker")
            heard.wait_for("worker", "starts again in 0 s")


@pytest.mark.parametrize("order", [None, ["relay", "fetch", "tag"]])
def test_children_are_stopped_in_order(tmp_path: Path, order: list[str] | None) -> None:
    heard = Heard()
    code = """
import signal, sys
def end(*_):
    with open(sys.argv[1], "a") as out: out.write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
signal.pause()
"""
    names = ["relay", "fetch", "tag"]
    said = tmp_path / "said"
    commands = [Command(name, [sys.executable, "-c", code, str(said), name]) for name in names]
    with Supervisor(commands, tmp_path, stop_order=order, echo=heard):
        for name in names:
            heard.wait_for(name, "up")
    assert said.read_text().split() == (order or names[::-1])


def test_a_child_that_does_not_end_is_killed_after_the_grace(tmp_path: Path) -> None:
    heard = Heard()
    supervisor = Supervisor([python("worker", STUBBORN)], tmp_path, echo=heard, grace=0.1)
    with supervisor:
        heard.wait_for("worker", "up")
    heard.wait_for("worker", "no")
    [status] = supervisor.status()
    assert (status.state, status.pid, status.last_exit) == ("stopped", None, -signal.SIGKILL)


def test_what_a_child_says_is_written_down_and_turned_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "MAX_LOG_BYTES", 1200)
    heard = Heard()
    code = "import sys; [print('line', n) for n in range(200)]; print('été', file=sys.stderr)\n" + WAIT
    with Supervisor([python("worker", code)], tmp_path, echo=heard):
        heard.wait_for("worker", "up")
    logs = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert logs == ["worker.log", "worker.log.1"]
    text = "".join((tmp_path / "logs" / name).read_text("utf-8") for name in reversed(logs))
    assert [line for line in text.splitlines() if line.startswith("line")] == [
        f"line {n}" for n in range(200)
    ]
    assert "été" in text


def test_a_program_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    supervisor = Supervisor(
        [python("worker", WAIT), Command("lost", [str(tmp_path / "lost")]), python("last", WAIT)], tmp_path
    )
    with pytest.raises(ChildStartError, match="lost"):
        supervisor.start()
    assert {status.state for status in supervisor.status()} == {"stopped"}


def test_children_have_the_environment_and_directory_that_they_were_given(tmp_path: Path) -> None:
    heard = Heard()
    code = "import os; print(os.environ['WHO'], os.getcwd(), flush=True)\n" + WAIT
    command = Command("worker", [sys.executable, "-c", code], env={"WHO": "me"}, cwd=tmp_path)
    with Supervisor([command], tmp_path, echo=heard):
        assert heard.wait_for("worker", "me") == f"me {tmp_path.resolve()}"


def test_names_must_differ(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Names must differ"):
        Supervisor([python("worker", WAIT)] * 2, tmp_path)


@contextmanager
def supervising(home: Path) -> Iterator[tuple["subprocess.Popen[str]", list[psutil.Process]]]:
    """A process in `Supervisor.run`, and everything below it."""
    with subprocess.Popen(
        [sys.executable, str(SUPERVISING), str(home)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            for _ in range(2):
                assert "family" in process.stdout.readline()
            yield process, psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()


def test_a_killed_supervisor_leaves_no_child_nor_grandchild(tmp_path: Path) -> None:
    with supervising(tmp_path) as (process, below):
        assert len(below) == 6  # of each command: its guard, itself, its child
        process.kill()
        assert ended(below)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with supervising(tmp_path) as (process, below):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stdout
        assert "bye" in process.stdout.read()
        assert ended(below)


def test_a_stop_can_be_asked_for_from_another_thread(tmp_path: Path) -> None:
    supervisor = Supervisor([python("worker", WAIT)], tmp_path)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def ask() -> None:
        supervisor.wait_running("worker")
        supervisor.request_stop()

    thread = threading.Thread(target=ask)
    thread.start()
    supervisor.run()
    thread.join()
    assert supervisor.status()[0].state == "stopped"
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_a_second_signal_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    heard = Heard()
    supervisor = Supervisor(
        [python("other", STUBBORN), python("worker", STUBBORN)], tmp_path, echo=heard, grace=600
    )

    def press_twice() -> None:
        heard.wait_for("worker", "up")
        os.kill(os.getpid(), signal.SIGINT)
        heard.wait_for("worker", "no")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press_twice)
    thread.start()
    supervisor.run()
    thread.join()
    assert [status.last_exit for status in supervisor.status()] == [-signal.SIGKILL] * 2
