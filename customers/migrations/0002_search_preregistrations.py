"""Find preregistrations by what is known of the customer, in the order of their ids, without reading all of them."""

from django.db import migrations, models

COLUMNS = {"email": 254, "customer_name": 64, "account_name": 64}


def _set_collation(collation):
    """Let PostgreSQL compare by bytes, as SQLite does: prefix searches and keyset pages then share one index."""

    def operate(apps, schema_editor):
        if schema_editor.connection.vendor != "postgresql":
            return
        changes = ", ".join(
            f'ALTER COLUMN "{name}" TYPE varchar({length}) COLLATE {collation}' for name, length in COLUMNS.items()
        )
        schema_editor.execute(f'ALTER TABLE "customers_preregistration" {changes}')

    return operate


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunPython(_set_collation('"C"'), _set_collation('"default"')),
        migrations.AddIndex(
            model_name="preregistration",
            index=models.Index(fields=["partner", "email", "id"], name="prereg_email"),
        ),
        migrations.AddIndex(
            model_name="preregistration",
            index=models.Index(fields=["partner", "customer_name", "id"], name="prereg_name"),
        ),
        migrations.AddIndex(
            model_name="preregistration",
            index=models.Index(fields=["partner", "account_name", "id"], name="prereg_account"),
        ),
    ]
