"""manage.py create_api_key NAME: make a key for a partner's software, or for the vendor's billing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from partner_center.api import actions
from partner_center.api.rules import Scope
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

LONGEST_NAME = 64


class Command(BaseCommand):
    help = "Makes an API key and prints its secret, this once: only a hash of it is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the operation log calls the software, such as ERP")
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("--partner", metavar="ACCOUNT_NUMBER", help="the partner whose rows the key reaches")
        owner.add_argument("--platform", action="store_true", help="the vendor's own systems, such as billing")
        parser.add_argument("--scope", action="append", choices=Scope.values, default=[], help="repeat for several")

    def handle(self, *args: Any, name: str, partner: str | None, scope: list[str], **options: Any) -> None:
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise CommandError(f"NAME should be 1 to {LONGEST_NAME} printable characters")
        try:
            key, secret = actions.create_key(
                name=name,
                partner=partner_of(partner) if partner else None,
                scopes=[Scope(value) for value in scope],
                actor=Actor.system("create_api_key"),
                now=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal} {refusal.advice}") from None
        self.stdout.write(f"{key.name} for {key.partner or 'the vendor'}: {', '.join(key.scopes)}")
        self.stdout.write(f"The secret is shown this once:\n{secret}")


def partner_of(account_number: str) -> Partner:
    """
    Return the partner with an account number.

    :raises CommandError: when there is none
    """
    partner = Partner.objects.filter(account_number=account_number).first()
    if partner is None:
        raise CommandError(f"--partner: there is no partner with account number {account_number}")
    return partner
