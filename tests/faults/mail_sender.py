"""A sender as a process of its own: the real command, with kinds of mail that need no other app."""

import os
import sys
from collections.abc import Mapping, Sequence

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.faults.mail_settings"
django.setup()

from django.core.management import call_command  # noqa: E402

from partner_center.mail.kinds import Message, OutboxKey  # noqa: E402
from tests.faults.mail_kinds import register_kinds  # noqa: E402
from tests.mail.letters import message_for  # noqa: E402


def render(keys: Sequence[OutboxKey]) -> Mapping[OutboxKey, Message]:
    return {key: message_for(key) for key in keys}


if __name__ == "__main__":
    register_kinds(render)
    call_command("send_mail")
    sys.exit(0)
