"""manage.py verify_log: prove that nobody has changed the logs, or name the first bad entry."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from partner_center.audit.anchors import UnreadableAnchorsError, compare_with_anchors
from partner_center.audit.verification import Chain, Fault, chains, verify


class Command(BaseCommand):
    help = "Verify the hash chains of all logs; exits with 1 and names the first bad entry of every broken chain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors",
            type=Path,
            help="folder of anchor files that were copied off this machine (default: AUDIT_ANCHOR_DIR)",
        )

    def handle(self, *args: Any, anchors: Path | None, **options: Any) -> None:
        if anchors is not None and not anchors.is_dir():
            raise CommandError(f"--anchors: {anchors} is not a folder")
        faults: dict[Chain, Fault] = {}
        count = self._follow_chains(faults)
        compared = self._compare(anchors or settings.AUDIT_ANCHOR_DIR, faults)
        for chain, fault in faults.items():
            self.stderr.write(f"{chain}: entry {fault.seq} {fault.why}")
        if faults:
            raise CommandError(f"{len(faults)} of the chains cannot be trusted")
        self.stdout.write(f"{count} entries verified, {compared} anchors compared: nothing was changed")

    def _follow_chains(self, faults: dict[Chain, Fault]) -> int:
        count = 0
        for chain in chains():
            verified = verify(chain)
            count += verified.entries
            if verified.fault:
                faults[chain] = verified.fault
        return count

    def _compare(self, directory: Path, faults: dict[Chain, Fault]) -> int:
        compared = 0
        try:
            for chain, count, fault in compare_with_anchors(directory):
                compared += count
                if fault and (chain not in faults or fault.seq < faults[chain].seq):
                    faults[chain] = fault
        except UnreadableAnchorsError as error:
            raise CommandError(str(error)) from None
        return compared
