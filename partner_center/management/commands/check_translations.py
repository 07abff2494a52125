from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from partner_center.management import translations


class Command(BaseCommand):
    help = "Fails when a text has no Chinese, loses a placeholder or is no longer shown."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="add missing texts to the .po file, drop old ones")

    def handle(self, *args: Any, write: bool, **options: Any) -> None:
        texts = translations.texts_of_product()
        catalogue = translations.read_catalogue()
        if write:
            catalogue = translations.rewrite_catalogue(catalogue, texts)
            translations.write_catalogue(catalogue)
        faults = translations.faults_of_catalogue(catalogue, texts)
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} of {len(texts)} texts need work in {translations.po_path().name}")
        self.stdout.write(f"{len(texts)} texts, all with Chinese")
