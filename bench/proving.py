"""What the child process of bench/log.py does: follow every chain, as `manage.py verify_log` does."""

import json
import time

from bench.exporting import megabytes
from partner_center.audit.verification import chains, verify


def prove() -> None:
    """Print entries, seconds and the most megabytes held; a broken chain is an error."""
    started, entries = time.perf_counter(), 0
    for chain in chains():
        verified = verify(chain)
        if verified.fault:
            raise RuntimeError(f"{chain}: entry {verified.fault.seq} {verified.fault.why}")
        entries += verified.entries
    seconds = time.perf_counter() - started
    print(json.dumps({"entries": entries, "seconds": seconds, "megabytes": megabytes("VmHWM")}))
