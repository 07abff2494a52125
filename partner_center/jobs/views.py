"""Pages of jobs: the list, the plan, live progress, results and files."""

import json
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from partner_center.audit.models import Deed
from partner_center.jobs import actions, downloads, files, kinds, queries
from partner_center.jobs.faulty_rows import faulty_rows_file
from partner_center.jobs.log import log
from partner_center.jobs.models import Job
from partner_center.jobs.rules import FileFormat, ItemState, JobState
from partner_center.refusals import Question, Refusal
from partner_center.tenancy.access import member_required, viewer_required
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Role
from partner_center.tenancy.questions import go_to, show_question
from partner_center.tenancy.requests import PartnerRequest, ViewerRequest

STOP_POLLING = 286
TENTH = 10  # percent; screen readers are told no more often
FAILURES = queries.RowFilter(state=ItemState.FAILED)


@require_safe
@viewer_required
def job_list(request: ViewerRequest) -> HttpResponse:
    is_admin = isinstance(request.viewer, Member) and Role.ADMIN in request.viewer.roles
    mine = not is_admin or request.GET.get("whose") == "mine"
    jobs, next_page = queries.jobs_page(request.viewer, before=_printable(request.GET.get("before", "")), mine=mine)
    now = timezone.now()
    context = {
        "rows": [(job, kinds.label(job.kind), job.has_file(now)) for job in jobs],
        "any_live": any(job.is_live for job in jobs),
        "is_admin": is_admin,
        "mine": mine,
        "next_page": next_page,
        "before": request.GET.get("before", ""),
    }
    return render(request, "jobs/list.html", context)


@require_safe
@viewer_required
def job_detail(request: ViewerRequest, public_id: str) -> HttpResponse:
    job = _visible(request, public_id)
    wanted = queries.RowFilter.read(request.GET)
    if not request.GET and job.is_over and job.failed:
        wanted = FAILURES
    return render(request, "jobs/detail.html", _detail(request, job, wanted))


def _detail(request: ViewerRequest, job: Job, wanted: queries.RowFilter) -> dict[str, object]:
    now = timezone.now()
    kind = kinds.find(job.kind)
    return {
        **_progress(job),
        "kind_label": kinds.label(job.kind),
        "error": queries.reason_text(job, job.error_code),
        "is_expired": job.state == JobState.PLANNED and job.plan_expires_at is not None and job.plan_expires_at <= now,
        "has_file": job.has_file(now),
        "result_url": kind.result_url(job) if kind else None,
        "retry": Job.objects.filter(retry_of=job).first(),
        "may_run": _owns(request, job) and kind is not None and request.viewer.may(kind.permission),
        "is_owner": _owns(request, job),
        "wanted": wanted,
        **(_plan(request, job, kind, wanted) if isinstance(kind, kinds.ItemJob) else {}),
    }


def _plan(request: ViewerRequest, job: Job, kind: kinds.ItemJob, wanted: queries.RowFilter) -> dict[str, object]:
    get = request.GET.get
    going = job.total - job.skipped
    return {
        "going": going,
        "action_label": kind.action_label(going),
        "consequences": kind.consequences(job),
        "result_text": kind.result_text(job) if job.is_over else "",
        "tallies": queries.tally(job),
        "page": queries.rows_page(job, wanted, after=get("after", ""), before=get("before", "")),
        "has_faulty_rows": _owns(request, job)
        and job.forgotten_at is None
        and kind.faulty_rows(job) is not None
        and queries.faulty_items(job, kind).exists(),
    }


@require_safe
@viewer_required
def job_progress(request: ViewerRequest, public_id: str) -> HttpResponse:
    """Answer one poll; when the job is over, tell htmx to stop polling and the page to show the results."""
    job = _visible(request, public_id)
    context = _progress(job)
    told = request.GET.get("told", "")
    context["tells"] = job.is_over or told != str(context["tenth"])
    response = render(request, "jobs/_progress.html", context, status=200 if job.is_live else STOP_POLLING)
    if not job.is_live:
        response["HX-Trigger"] = "job-over"
    return response


def _progress(job: Job) -> dict[str, object]:
    left = queries.time_left(job, now=timezone.now())
    return {
        "job": job,
        "tenth": job.percent // TENTH * TENTH,
        "minutes_left": None if left is None else max(1, round(left / 60)),
    }


@require_POST
@member_required()
def job_apply(request: PartnerRequest, public_id: str) -> HttpResponse:
    job = _runnable(request, public_id)
    digest, code, now = _printable(request.POST.get("digest", "")), request.POST.get("code", ""), timezone.now()
    return _do(
        request, job, lambda: actions.apply_plan(job=job, digest=digest, code=code, actor=request.actor, now=now)
    )


@require_POST
@viewer_required
def job_cancel(request: ViewerRequest, public_id: str) -> HttpResponse:
    """Stop a job: its owner may, and a partner admin."""
    job = _visible(request, public_id)
    return _do(request, job, lambda: actions.cancel(job=job, actor=request.actor, now=timezone.now()))


@require_POST
@viewer_required
def job_retry(request: ViewerRequest, public_id: str) -> HttpResponse:
    job = _runnable(request, public_id)
    code, now = request.POST.get("code", ""), timezone.now()
    return _do(request, job, lambda: actions.retry_failed(job=job, code=code, actor=request.actor, now=now))


@require_POST
@member_required()
def job_discard(request: PartnerRequest, public_id: str) -> HttpResponse:
    job = _runnable(request, public_id)
    return _do(request, job, lambda: actions.discard_plan(job=job, actor=request.actor, now=timezone.now()))


@require_GET
@viewer_required
def job_download(request: ViewerRequest, public_id: str) -> HttpResponseBase:
    """Hand out a file to its owner or a partner admin who may still export; each download is logged."""
    job = _visible(request, public_id)
    _require_permission(request, job)
    now = timezone.now()
    if not job.has_file(now) or not files.path_of(job.file_path).is_file():
        raise Http404
    with transaction.atomic():
        log(Deed.EXPORT_DOWNLOADED, job, actor=request.actor, now=now, format=job.file_format, rows=job.done)
    return downloads.stored_file(
        request,
        files.path_of(job.file_path),
        name=job.file_name,
        file_format=job.file_format,
        sha256=job.file_sha256,
    )


@require_GET
@viewer_required
def job_manifest(request: ViewerRequest, public_id: str) -> HttpResponseBase:
    """Hand out what proves a file: its hash, its rows and what its kind says; it holds no row and outlives the file."""
    job = _visible(request, public_id)
    _require_permission(request, job)
    if not job.manifest:
        raise Http404
    content = json.dumps(job.manifest, indent=2).encode()
    return downloads.attachment(content, name=f"{job.file_name}.manifest.json", file_format="json")


@require_GET
@member_required()
def job_faulty_rows(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Give faulty rows back to the member who uploaded them, and to nobody else."""
    job = _runnable(request, public_id)
    kind = kinds.find(job.kind)
    layout = kind.faulty_rows(job) if isinstance(kind, kinds.ItemJob) else None
    if not isinstance(kind, kinds.ItemJob) or layout is None or job.forgotten_at is not None:
        raise Http404
    file_format = FileFormat.CSV if request.GET.get("format") == FileFormat.CSV else FileFormat.XLSX
    content = faulty_rows_file(job, kind, layout, file_format=file_format)
    with transaction.atomic():
        log(Deed.FAULTY_ROWS_DOWNLOADED, job, actor=request.actor, now=timezone.now(), format=file_format.value)
    return downloads.attachment(content, name=f"rows-to-mend.{file_format}", file_format=file_format)


def _visible(request: ViewerRequest, public_id: str) -> Job:
    jobs = Job.objects.visible_to(request.viewer).select_related("partner", "member__user", "staff", "retry_of")
    return get_object_or_404(jobs, public_id=public_id)


def _runnable(request: ViewerRequest, public_id: str) -> Job:
    """Fetch a job that this person owns and may work. A plan was made with its owner's eyes: nobody else applies it."""
    job = _visible(request, public_id)
    if not _owns(request, job):
        raise PermissionDenied
    _require_permission(request, job)
    return job


def _owns(request: ViewerRequest, job: Job) -> bool:
    return job.owner == request.viewer


def _require_permission(request: ViewerRequest, job: Job) -> None:
    kind = kinds.find(job.kind)
    if kind is None or not request.viewer.may(kind.permission):
        raise PermissionDenied


def _do(request: ViewerRequest, job: Job, action: Callable[[], Job]) -> HttpResponse:
    """Do one action and show the job it leads to; a refusal is shown as it is, a question is asked."""
    try:
        job = action()
    except Question as question:
        return show_question(request, question, back=_page_of(job))
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}".strip())
    return go_to(request, _page_of(job))


def _page_of(job: Job) -> str:
    return reverse("jobs:detail", args=[job.public_id])


def _printable(text: str) -> str:
    """Keep what could be ours: PostgreSQL cannot even be asked for a text with a null character."""
    return text if text.isascii() and text.isprintable() else ""
