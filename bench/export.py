"""
An export of a hundred thousand records, each in a process of its own: seconds, and the most memory it ever held.

The yardstick reads the same columns and writes them with csv.writer: no mask, checkpoint, lease or guard of formulas.
"""

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.measuring import Figure
from tests.processes import environment_of_child

if TYPE_CHECKING:
    from partner_center.tenancy.models import Member

MEGABYTES = 120
COMPARED_WITH = 100_000
CHILD = "import sys; from bench.setting_up import set_up; set_up(); import bench.exporting as e; e.measure(sys.argv[1])"


def run(member: "Member") -> list[Figure]:
    """Export a third of the records in both formats."""
    raw = _child("raw")
    plain = _seconds(raw)
    figures = [Figure("plain csv.writer, 100,000 records", plain * 1000, 1.0, None, _told(raw))]
    for file_format in ("csv", "xlsx"):
        done = _child(file_format)
        if done["rows"] != raw["rows"]:
            raise RuntimeError(f"{done['rows']} rows were written, {raw['rows']} match")
        name, seconds = f"export {file_format}, 100,000 records", _seconds(done)
        figures += [
            Figure(name, seconds * 1000, seconds / plain, None, _told(done)),
            Figure(f"memory of export {file_format}", 0, done["megabytes"] / MEGABYTES, 1.0, f"of {MEGABYTES} MB"),
        ]
    return figures


def _seconds(done: dict[str, float]) -> float:
    return done["seconds"] / done["rows"] * COMPARED_WITH


def _told(done: dict[str, float]) -> str:
    memory = f"{done['megabytes']:.0f} MB at most, {done['before']:.0f} MB before the first row"
    return f"{done['rows']:,.0f} rows in {done['seconds']:.1f} s, {memory}"


def _child(what: str) -> dict[str, float]:
    command = [sys.executable, "-c", CHILD, what]
    ended = subprocess.run(command, env=environment_of_child(), stdout=subprocess.PIPE, check=True, text=True)
    answer: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return answer
