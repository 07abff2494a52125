"""manage.py reconcile: prove that quotas, coupons, the ledger and the operation log agree, or name what does not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.queries.reconciling import CHECKS, snapshot


class Command(BaseCommand):
    help = "Recompute every amount of quotas and coupons; exits with 1 and names the first difference."

    def handle(self, *args: Any, **options: Any) -> None:
        with snapshot():
            for check in CHECKS:
                self.stdout.write(f"{check.count()} {check.name}")
                difference = check.first()
                if difference is not None:
                    raise CommandError(str(difference))
        self.stdout.write("all agree")
