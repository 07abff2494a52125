from django.db import migrations

from partner_center.audit.append_only import AppendOnly, NeverChanged


class Migration(migrations.Migration):
    """Nobody changes the operation log, its reviews or the ledger. Stands behind every rebuild of their tables."""

    dependencies = [("vouchers", "0001_initial")]

    operations = [
        AppendOnly(entries="vouchers_operationrecord", heads="vouchers_operationhead"),
        AppendOnly(entries="vouchers_review", heads="vouchers_reviewhead"),
        NeverChanged("vouchers_ledgerentry", unique=("operation_id",)),
    ]
