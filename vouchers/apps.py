from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VouchersConfig(AppConfig):
    """Registers with the lower rooms what vouchers add to them: hooks of associations, jobs, mails, masked fields."""

    name = "vouchers"

    def ready(self) -> None:
        from partner_center.jobs import kinds as jobs
        from partner_center.listing import reveal
        from vouchers.queries import receivers
        from vouchers.tables import whitelists
        from vouchers.tasks import issuing

        jobs.register(issuing.IssueBatch())
        whitelists.register_reveal()
        reveal.register("receiver", fields=receivers.MASKED_FIELDS, rows=receivers.customers_seen_by)
        self._add_coupons()
        self._add_log()

    def _add_coupons(self) -> None:
        """Add recall, expiry and the export of issued coupons, what associations do to coupons, mails to customers."""
        from customers import hooks
        from partner_center.jobs import kinds as jobs
        from vouchers import exports
        from vouchers.actions import recall_hooks
        from vouchers.filters.coupons import CouponFilters
        from vouchers.tables.coupons import register_reveal
        from vouchers.tasks import recalling, sweeping  # noqa: F401 - Celery finds the bells by importing them

        jobs.register(recalling.RecallBatch())
        jobs.register(exports.CouponExport(CouponFilters))
        register_reveal()
        hooks.add(hooks.Moment.ENDED, recall_hooks.recall_on_disassociation)
        hooks.add(hooks.Moment.ASSOCIATED, recall_hooks.recall_on_association)
        hooks.add(hooks.Moment.MODEL_SWITCHED, recall_hooks.recall_on_model_switch)
        self._add_coupon_mails()

    def _add_log(self) -> None:
        """Add the files of the operation log, and let its customers be revealed."""
        from partner_center.jobs import kinds as jobs
        from vouchers import exports
        from vouchers.filters.operations import OperationFilters, ReviewFilters, words_of
        from vouchers.tables.operations import register_reveal

        jobs.register(exports.OperationExport(OperationFilters, words_of))
        jobs.register(exports.ReviewExport(ReviewFilters, words_of))
        register_reveal()

    def _add_coupon_mails(self) -> None:
        from partner_center.mail import kinds as mail
        from vouchers import emails
        from vouchers.actions import announcing

        notices = {
            announcing.ISSUED: (_("Coupon received"), emails.issued),
            announcing.RECALLED: (_("Coupon recalled"), emails.recalled),
            announcing.EXPIRING: (_("Coupon expires soon"), emails.expiring),
        }
        for key, (label, render) in notices.items():
            mail.register(mail.MailKind(key=key, label=label, on_ambiguity="resend", render=render))
