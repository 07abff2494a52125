"""
Anchors: the ends of all chains, noted every hour in files outside the database.

Whoever may write the database can rewrite a chain from its beginning, head and all, so that it fits again. He cannot
rewrite what was copied to another machine: a chain that no longer passes through its anchors was rewritten.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from partner_center.audit.queries import logs
from partner_center.audit.verification import Chain, Fault, entries_of

Noted = dict[Chain, dict[int, str]]


class UnreadableAnchorsError(Exception):
    """A line of an anchor file is not what write_anchors() wrote."""


def write_anchors(*, directory: Path, now: datetime) -> int:
    """Note the end of every chain in the day's file, one line of JSON each; returns how many."""
    lines = [json.dumps(line) for line in _ends(now)]
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"anchors-{now:%Y-%m-%d}.jsonl").open("a", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    return len(lines)


def compare_with_anchors(directory: Path) -> Iterator[tuple[Chain, int, Fault | None]]:
    """
    Ask every file of anchors whether the chains still pass through them: per chain and file how many, and the fault.

    :raises UnreadableAnchorsError: naming file and line
    """
    for path in sorted(directory.glob("anchors-*.jsonl")):
        for chain, noted in _read(path).items():
            yield chain, len(noted), _fault_of(chain, noted, path.name)


def _ends(now: datetime) -> Iterator[dict[str, object]]:
    for log in logs():
        heads = log.head_model.objects.filter(seq__gt=0).order_by("partner")
        for name, seq, digest in heads.values_list("partner__public_id", "seq", "hash").iterator():
            yield {"at": now.isoformat(), "log": log.__name__, "chain": name or "", "seq": seq, "hash": digest}


def _read(path: Path) -> Noted:
    """Read a day's anchors; of two that disagree about an entry the earlier counts."""
    by_name = {log.__name__: log for log in logs()}
    noted: Noted = defaultdict(dict)
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                anchor = json.loads(line)
                noted[Chain(by_name[anchor["log"]], anchor["chain"])].setdefault(anchor["seq"], anchor["hash"])
            except (ValueError, KeyError, TypeError):
                raise UnreadableAnchorsError(f"{path.name}, line {number}, is no anchor") from None
    return noted


def _fault_of(chain: Chain, noted: dict[int, str], source: str) -> Fault | None:
    stored = dict(entries_of(chain).filter(seq__in=noted).values_list("seq", "hash"))
    for seq in sorted(noted):
        if seq not in stored:
            return Fault(seq, f"is missing: {source} knows it")
        if stored[seq] != noted[seq]:
            return Fault(seq, f"is not what {source} noted: it, or an entry before it, was rewritten")
    return None
