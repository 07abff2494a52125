from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitationsConfig(AppConfig):
    """Registers with the lower rooms what invitations add to them: mails, jobs, masked fields."""

    name = "invitations"

    def ready(self) -> None:
        from invitations import emails, exports, tasks
        from invitations.actions import sweeping
        from invitations.filters import HistoryFilters
        from invitations.tables import register_reveal
        from partner_center.jobs import kinds as jobs
        from partner_center.mail import kinds as mail

        for job in (tasks.InviteBatch(), tasks.ResendBatch(), exports.HistoryExport(HistoryFilters)):
            jobs.register(job)
        register_reveal()
        invitation = mail.MailKind(
            key="invitation",
            label=_("Invitation"),
            on_ambiguity="resend",
            render=emails.invitations,
            delivered=sweeping.record_delivery,
        )
        mail.register(invitation)
        notices = {
            "associated_customer": (_("Association notice"), emails.associated_customers),
            "associated_partner": (_("Customer won"), emails.associated_partners),
            "association_failed_partner": (_("Association failed"), emails.failed_partners),
        }
        notices["registration"] = (_("Registration"), emails.registrations)
        for key, (label, render) in notices.items():
            mail.register(mail.MailKind(key=key, label=label, on_ambiguity="resend", render=render))
