"""What processes use of the machine: CPU seconds and memory, from /proc. Refuses anything but Linux."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int, *, family: bool = False) -> float:
    """CPU seconds of a process; with its living children where it is a server that forks."""
    pids = [pid, *_children(pid)] if family else [pid]
    return sum(_cpu_s(each) for each in pids)


def cpu_of(processes: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds by name; `postgres` is counted with its children."""
    return {name: cpu_s(pid, family=name == "postgres") for name, pid in processes.items()}


def rss_mb(pid: int) -> float:
    """Resident memory now."""
    return _status_kb(pid, "VmRSS:") / 1024


def peak_mb(pid: int) -> float:
    """The most resident memory since the start, or since `forget_peak`."""
    return _status_kb(pid, "VmHWM:") / 1024


def forget_peak(pid: int) -> None:
    """Count the peak from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def machine() -> dict[str, object]:
    """What this machine is."""
    cpus = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory_kb = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    kernel = os.uname()
    return {
        "cpu": cpus[0] if cpus else kernel.machine,
        "cores": os.cpu_count(),
        "memory_gb": round(memory_kb / 1024**2, 1),
        "system": f"{kernel.sysname} {kernel.release}",
    }


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


def _status_kb(pid: int, field: str) -> int:
    return next(int(line.split()[1]) for line in _lines(f"/proc/{pid}/status") if line.startswith(field))


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
