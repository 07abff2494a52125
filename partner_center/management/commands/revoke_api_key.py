"""manage.py revoke_api_key BEGINNING: let a key open nothing from now on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from partner_center.api import actions
from partner_center.api.models import ApiKey
from partner_center.tenancy.actors import Actor


class Command(BaseCommand):
    help = "Revokes an API key; the row stays, for the log names it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("beginning", help="the first 12 characters of the secret")

    def handle(self, *args: Any, beginning: str, **options: Any) -> None:
        keys = list(ApiKey.objects.filter(beginning=beginning, revoked_at=None))
        if not keys:
            raise CommandError(f"no working key begins with {beginning}")
        for key in keys:
            actions.revoke_key(key=key, actor=Actor.system("revoke_api_key"), now=timezone.now())
            self.stdout.write(f"{key} is revoked")
