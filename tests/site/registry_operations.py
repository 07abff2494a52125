"""The operation log, its review and its files: who may read, mark and export them."""

from django.utils import timezone

from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.tenancy.permissions import Permission
from tests.people import actor_of
from tests.site.addresses import ANSWER_REDIRECT, PLATFORM, VIEWERS, Address, public_id
from tests.site.world import World
from tests.vouchers.making import make_quota
from vouchers.actions import reading_log
from vouchers.models import OperationRecord

LOG_TABLES = ("audit_auditentry", "audit_audithead", "limits_cacheentry")
VIEWED = dict.fromkeys(LOG_TABLES, "who reads the log is logged, once an hour")
# A log belongs to its partner; the file of one belongs to who asked for it.
FILE_OF_ALICE = {"bob": 404, "carol": 404, "dora": 404, "finance": 404, "nobody": 404}


def operation(world: World) -> OperationRecord:
    return OperationRecord.objects.get(quota_number=make_quota(world.alice.partner).number)


def log_file(world: World) -> Job:
    job = reading_log.export_log(
        kind="operation_export",
        file_format="csv",
        viewer=world.alice,
        parameters={"filter": ""},
        filters=(),
        actor=actor_of(world.alice),
        now=timezone.now(),
    )
    worker.work_due(now=timezone.now(), budget=60)
    return job


ADDRESSES = [
    Address(
        name="vouchers:operations",
        who=Permission.COUPON_LOG_READ,
        right="dora",
        deeds=("log_viewed",),
        reading_writes=VIEWED,
    ),
    Address(
        name="vouchers:operations_export",
        who=Permission.COUPON_LOG_EXPORT,
        method="POST",
        right="dora",
        data=lambda _: {"format": "csv"},
        answer=ANSWER_REDIRECT,
        deeds=("export_requested", "log_exported"),
    ),
    Address(
        name="vouchers:platform_operations", who=PLATFORM, right="vendor", deeds=("log_viewed",), reading_writes=VIEWED
    ),
    Address(name="vouchers:platform_totals", who=PLATFORM, right="vendor"),
    Address(
        name="vouchers:platform_operations_mark",
        who=PLATFORM,
        method="POST",
        right="vendor",
        data=lambda world: {"id": operation(world).public_id, "mark": "reviewed"},
        answer=ANSWER_REDIRECT,
        deeds=("operation_reviewed",),
    ),
    Address(
        name="vouchers:platform_operations_export",
        who=PLATFORM,
        method="POST",
        right="vendor",
        data=lambda _: {"format": "csv"},
        answer=ANSWER_REDIRECT,
        deeds=("export_requested", "log_exported"),
    ),
    Address(name="jobs:manifest", who=VIEWERS, right="alice", args=public_id(log_file), others=FILE_OF_ALICE),
]
