"""Which devices a machine has, and how settings reach the parts."""

from pathlib import Path

import pytest

from worker.system import visible_devices


@pytest.mark.parametrize(
    ("visible", "devices"),
    [("", ["cpu"]), ("-1", ["cpu"]), ("0", ["cuda:0"]), ("2,5", ["cuda:0", "cuda:1"])],
)
def test_cuda_visible_devices_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, visible: str, devices: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_devices() == devices


def test_one_worker_a_gpu_that_the_driver_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho 'GPU 1: B (UUID: y)'\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert visible_devices() == ["cuda:0", "cuda:1"]


def test_no_driver_is_the_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_devices() == ["cpu"]
