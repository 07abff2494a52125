"""manage.py seed_demo: an installation to look at, with people to sign in as."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from partner_center.console.demo import demo_logins
from partner_center.environment import environment
from partner_center.management.demo.plot import seed


class Command(BaseCommand):
    help = "Fills an installation with the demo, once, and prints its logins; production is refused."

    def handle(self, *args: Any, **options: Any) -> None:
        if environment.is_production:
            raise CommandError("MODE is production: the demo's password is public, so it is never put there.")
        seed(now=timezone.now())
        for login in demo_logins():
            who = f"{login['email']:34}{login['password']:22}"
            self.stdout.write(f"  {who}{login['role']}  {login['partner']}".rstrip())
