"""
Tell PostgreSQL that status and cause go together.

Taken apart, "failed" and "of these causes" look so rare that it would fetch and sort every match; together they are
as common as they are, and it walks the newest first.
"""

from django.db import migrations


def _create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE STATISTICS invitation_status_and_cause (mcv) ON status, cause FROM invitations_invitation"
        )


def _drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS invitation_status_and_cause")


class Migration(migrations.Migration):
    dependencies = [("invitations", "0006_ready_to_retry")]

    operations = [migrations.RunPython(_create, _drop)]
