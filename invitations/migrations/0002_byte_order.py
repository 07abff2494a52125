"""Let PostgreSQL compare sort columns by bytes: prefix searches and keyset pages then share one index with SQLite."""

from django.db import migrations

COLUMNS = {"customer_name_key": 64, "account_name": 64, "email": 254, "custom_tag": 64, "method": 10}


def _set_collation(collation):
    def operate(apps, schema_editor):
        if schema_editor.connection.vendor != "postgresql":
            return
        changes = ", ".join(
            f'ALTER COLUMN "{name}" TYPE varchar({length}) COLLATE {collation}' for name, length in COLUMNS.items()
        )
        schema_editor.execute(f'ALTER TABLE "invitations_invitation" {changes}')

    return operate


class Migration(migrations.Migration):
    dependencies = [("invitations", "0001_initial")]

    operations = [migrations.RunPython(_set_collation('"C"'), _set_collation('"default"'))]
