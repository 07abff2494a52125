from django.db import migrations

from partner_center.audit.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        AppendOnly(entries="audit_auditentry", heads="audit_audithead"),
    ]
