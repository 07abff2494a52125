"""The two kinds of mail of the fault tests: one may arrive twice, one must not."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partner_center.mail.kinds import Render
    from partner_center.mail.rules import Policy

POLICIES: dict[str, "Policy"] = {"killed_resend": "resend", "killed_hold": "hold"}


def register_kinds(render: "Render") -> None:
    from partner_center.mail.kinds import MailKind, register

    for key, policy in POLICIES.items():
        register(MailKind(key=key, label="Killed", on_ambiguity=policy, render=render))
