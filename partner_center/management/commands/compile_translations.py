from typing import Any

from django.core.management.base import BaseCommand

from partner_center.management.translations import compile_catalogues


class Command(BaseCommand):
    help = "Compiles the .po files that changed."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for path in compile_catalogues():
            self.stdout.write(f"compiled {path.name} of {path.parent.parent.name}")
