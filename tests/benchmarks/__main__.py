"""`make bench`: measures the server beside others, and prints what docs/performance.md records.

.venv/bin/python -m tests.benchmarks [--seconds 4] [--rounds 3] [--processes 20] [--calls 200000]
"""

import argparse
import asyncio
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from tests.benchmarks import bench_auth, chat, load_chat, single
from tests.benchmarks.bursts import Bursts, compared_in_bursts
from tests.benchmarks.eras import VERSION, Eras, compared_eras, sdk2_version, times
from tests.benchmarks.load import generator
from tests.benchmarks.processes import load_cores
from tests.benchmarks.ratios import Times
from tests.benchmarks.table import CONNECTIONS, Row, compared, printed
from tests.benchmarks.turns import in_turns

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings

__all__ = ["main"]

_PEOPLE = 200
"""Who chat at once, for the time to the first words."""


def machine() -> str:
    """Describe where and with what this runs."""
    names = ("aiohttp", "mcp", "aiohttp-tiny-mcp", "uvicorn", "uvloop", "orjson")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, {packages}; load by {generator()}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def targets(rows: list[Row]) -> list[str]:
    """Return a line for each target of the table: what it is, what was measured, and whether that holds."""
    ours, _, _, _, _, sdk_json, sdk_sse = rows
    lines = []
    for connections in CONNECTIONS:
        rate = ours.at(connections).rate
        for name, row, least in (("SDK 1.30, SSE", sdk_sse, 10.0), ("SDK 1.30, JSON", sdk_json, 8.0)):
            ratio = rate / row.at(connections).rate
            what = f"{connections} connections, times {name}"
            lines.append(_line(what, ratio, f"at least {least:g}", ratio >= least))
    load = ours.at(64)
    lines.append(_line("64 connections, p99 / p50", load.p99 / load.p50, "below 4", load.p99 < 4 * load.p50))
    return lines


def burst_lines(found: Bursts) -> list[str]:
    """Return the lines for what was compared in bursts."""
    lines = []
    for connections in CONNECTIONS:
        where = f"{connections} connections"
        lines += [
            _as_fast(f"{where}, times aiohttp-tiny-mcp", found.times("ours", "tiny", connections), 1.35),
            _as_fast(f"{where}, times bare handler", found.times("ours", "bare", connections), 0.65),
            _share(where, found.times("ours", "open", connections)),
            _as_fast(
                f"{where}, without a session, times in one", found.times("stateless", "ours", connections)
            ),
        ]
    return lines


def era_lines(eras: Eras) -> list[str]:
    """Return the lines for calls without a session, at 8 connections."""
    sdk = sdk2_version()
    lines = [
        f"| {name}, 8 connections: requests/s ({eras.microseconds(rounds):.0f} µs CPU a call) "
        f"| {eras.rate(rounds):,.0f} | | |"
        for name, rounds in (
            ("calls in a session", eras.session),
            (f"calls without one ({VERSION})", eras.stateless),
            ("the same, transport alone: no tokens, audit or approval", eras.alone),
            (f"SDK {sdk}, stateless JSON mode, no tokens", eras.sdk_mode),
            (f"the same, calls of {VERSION}", eras.sdk),
        )
    ]
    mode = times(eras.alone, eras.sdk_mode)
    lines.append(
        _line(f"transport alone, times SDK {sdk}, stateless JSON mode", mode, "at least 8", mode >= 8)
    )
    lines += [
        f"| {name} | {times(ones, others):.2f} | | |"
        for name, ones, others in (
            (f"transport alone, times SDK {sdk}, calls of {VERSION}", eras.alone, eras.sdk),
            (f"with tokens and audit, times SDK {sdk}, stateless JSON mode", eras.stateless, eras.sdk_mode),
        )
    ]
    return lines


def turn_lines(found: dict[str, Times]) -> list[str]:
    """Return the lines for what was compared in one process."""
    stateless = _as_fast("in process, without a session, times in one", found["stateless"])
    return [_share("in process", found["tokens"]), stateless]


def _share(where: str, tokens: Times) -> str:
    part, error = (100 * figure for figure in tokens.share)
    what = f"{where}, authentication's share of a call, %"
    return f"| {what} | {part:.1f} ± {error:.1f} | at most 12 | {_verdict(12 - part, error)} |"


def _as_fast(what: str, took: Times, least: float = 1.0) -> str:
    ratio, error = took.inverse
    return f"| {what} | {ratio:.3f} ± {error:.3f} | at least {least:g} | {_verdict(ratio - least, error)} |"


def _verdict(margin: float, error: float) -> str:
    """Say whether a target holds; not if it is met or missed by less than two errors, which can be chance."""
    if abs(margin) < 2 * error:
        return "cannot be told"
    return "yes" if margin > 0 else "**no**"


def _line(what: str, value: float, limit: str, holds: bool) -> str:
    return f"| {what} | {value:.2f} | {limit} | {'yes' if holds else '**no**'} |"


async def run(seconds: int, rounds: int, processes: int, calls: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with LocalCloud(
            LocalCloudSettings(https_port=0, http_port=0, folder=folder / "cloud")
        ) as cloud:
            print(f"{machine()}\n", flush=True)
            rows = await compared(cloud, folder, seconds=seconds, rounds=rounds)
            print(printed(rows), flush=True)
            lines = targets(rows)
            start = await single.start_seconds(cloud, folder)
            lines.append(_line("start to first answer, s", start, "at most 2", start <= 2))
            idle = await single.idle_session_bytes(cloud, folder) / 1024
            lines.append(_line("one of 10 000 idle sessions, KiB", idle, "at most 8", idle <= 8))
            eras = await compared_eras(cloud, folder, seconds=seconds, rounds=rounds)
            lines += era_lines(eras)
            lines += burst_lines(await compared_in_bursts(cloud, folder, rounds=processes))
            lines += turn_lines(await in_turns())
            question = await single.question_milliseconds(cloud, folder)
            lines.append(f"| call with an approval by elicitation, ms | {question:.2f} | | |")
        endurance = await single.endured(folder, calls)
        grown = endurance.growth * 100
        lines.append(_line(f"growth of memory in {endurance.calls:,} calls, %", grown, "below 5", grown < 5))
        left = endurance.tasks_after - endurance.tasks_before
        lines.append(_line("tasks left by them", left, "none", left <= 0))
    for kind, cost in (await bench_auth.measure()).items():
        limit = bench_auth.LIMITS[kind]
        lines.append(_line(f"{kind}, µs", cost, f"at most {limit:g}", cost <= limit))
    lines += chat.lines(await chat.measured(rounds))
    first_words, _ = await load_chat.measure(_PEOPLE, messages=2, think=20.0)
    middle = median(first_words) * 1000
    lines.append(_line(f"first words for {_PEOPLE} people, ms, median", middle, "below 300", middle < 300))
    print("\n| what | measured | target | holds |\n|---|--:|--:|---|\n" + "\n".join(lines))


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description="Measure the server beside others.")
    parser.add_argument("--seconds", type=int, default=4, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each; the median counts")
    parser.add_argument("--processes", type=int, default=20, help="rounds of bursts; the mean counts")
    parser.add_argument("--calls", type=int, default=200_000, help="calls of the endurance test")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, load_cores())
    asyncio.run(run(options.seconds, options.rounds, options.processes, options.calls))


if __name__ == "__main__":
    main()
