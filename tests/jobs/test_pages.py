"""The pages of jobs: who sees what, what stands on them, and what pressing the buttons does."""

import datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from partner_center.audit.models import AuditEntry, Deed
from partner_center.jobs import actions, files, queries
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from partner_center.tenancy.actors import Actor
from tests.jobs.making import applied, plan, planned, queued_file, refused
from tests.jobs.toys import effects, make_file_rows
from tests.people import signed_in

pytestmark = pytest.mark.django_db

POSTS = ("apply", "cancel", "retry", "discard")
GETS = ("detail", "progress", "download", "faulty_rows")


def url(name: str, job: Job) -> str:
    return reverse(f"jobs:{name}", args=[job.public_id])


def text(response: Any) -> str:
    return response.content.decode()


# --- walls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GETS + POSTS)
def test_the_jobs_of_another_partner_do_not_exist(bob: Any, charlie: Any, now: Any, work: Any, name: str) -> None:
    jobs = [plan(bob, planned(1), now=now), applied(bob, planned(1, outcome="failed"), now=now)]
    make_file_rows(1)
    jobs.append(queued_file(bob, now=now))
    work()
    before = list(Job.objects.order_by("pk").values())
    for job in jobs:
        call = signed_in(charlie).post if name in POSTS else signed_in(charlie).get
        assert call(url(name, job), {"digest": job.digest}).status_code == 404
    assert list(Job.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("name", GETS + POSTS)
def test_a_colleague_does_not_see_my_job(bob: Any, carol: Any, now: Any, name: str) -> None:
    job = plan(bob, planned(1), now=now)
    call = signed_in(carol).post if name in POSTS else signed_in(carol).get
    assert call(url(name, job), {"digest": job.digest}).status_code == 404


@pytest.mark.parametrize("name", ["apply", "retry", "discard", "faulty_rows"])
def test_a_partner_admin_sees_my_plan_and_does_not_press_its_buttons(bob: Any, alice: Any, now: Any, name: str) -> None:
    job = plan(bob, planned(1), now=now)
    client = signed_in(alice)
    page = client.get(url("detail", job))
    assert page.status_code == 200
    assert "Do 1 toys" not in text(page)
    call = client.get if name == "faulty_rows" else client.post
    assert call(url(name, job), {"digest": job.digest}).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.PLANNED


@pytest.mark.parametrize("name", ["apply", "retry", "discard", "faulty_rows"])
def test_who_lost_the_permission_is_forbidden(bob: Any, now: Any, name: str) -> None:
    job = plan(bob, planned(1), now=now)
    bob.roles = ["auditor"]
    bob.save(update_fields=["roles"])
    call = signed_in(bob).get if name == "faulty_rows" else signed_in(bob).post
    assert call(url(name, job), {"digest": job.digest}).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.PLANNED


def test_signed_out_goes_to_sign_in(bob: Any, now: Any) -> None:
    job = plan(bob, planned(1), now=now)
    for name in GETS:
        assert Client().get(url(name, job)).status_code == 302
    for name in POSTS:
        assert Client().post(url(name, job)).status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.PLANNED


@pytest.mark.parametrize("name", POSTS)
def test_nothing_is_done_by_reading(bob: Any, now: Any, name: str) -> None:
    job = plan(bob, planned(1), now=now)
    assert signed_in(bob).get(url(name, job)).status_code == 405


@pytest.mark.parametrize("bad", ["x", "a" * 22, "%00" * 7, "a" * 21 + "%00"])
def test_a_bad_id_is_not_found(bob: Any, bad: str) -> None:
    assert signed_in(bob).get(f"/jobs/{bad}/").status_code == 404


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_shows_mine_and_to_admins_everybodys(bob: Any, carol: Any, alice: Any, charlie: Any, now: Any) -> None:
    jobs = {member: plan(member, planned(1), now=now) for member in (bob, carol, charlie)}
    for member, seen in ((bob, {bob}), (carol, {carol}), (alice, {bob, carol}), (charlie, {charlie})):
        page = text(signed_in(member).get(reverse("jobs:list")))
        assert {owner for owner, job in jobs.items() if job.public_id in page} == seen
    assert jobs[bob].public_id not in text(signed_in(alice).get(reverse("jobs:list") + "?whose=mine"))


def test_an_empty_list_says_what_will_stand_here(bob: Any) -> None:
    assert "No jobs yet" in text(signed_in(bob).get(reverse("jobs:list")))


def test_the_list_has_pages(bob: Any, now: Any) -> None:
    jobs = [plan(bob, planned(1), now=now) for _ in range(queries.JOBS_A_PAGE + 2)]
    client = signed_in(bob)
    first = client.get(reverse("jobs:list"))
    older = client.get(reverse("jobs:list"), {"before": first.context["next_page"]})
    shown = [job.pk for page in (first, older) for job, _label, _file in page.context["rows"]]
    assert shown == [job.pk for job in reversed(jobs)]
    assert older.context["next_page"] == ""
    assert client.get(reverse("jobs:list"), {"before": "\x00"}).status_code == 200


def test_the_list_renews_itself_only_while_something_runs(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2), now=now)
    client = signed_in(bob)
    assert 'hx-trigger="every 2s"' in text(client.get(reverse("jobs:list")))
    work()
    page = text(client.get(reverse("jobs:list")))
    assert job.public_id in page
    assert "hx-trigger" not in page


# --- plan and apply --------------------------------------------------------------------------------------------------


def test_the_plan_page_shows_totals_that_add_up_and_names_verb_and_number(bob: Any, now: Any) -> None:
    job = plan(bob, planned(37) + refused(3, start=38), now=now)
    page = signed_in(bob).get(url("detail", job))
    tallies = page.context["tallies"]
    assert {tally.code: tally.count for tally in tallies.verdicts} == {"send": 37, "refused": 3}
    assert [part.count for tally in tallies.verdicts for part in tally.parts] == [3]
    assert sum(tally.count for tally in tallies.states) == 40
    assert "Do 37 toys" in text(page)
    assert "A reason in words" in text(page)
    assert job.digest in text(page)
    assert "person-" not in text(page)


def test_applying_from_the_page_leads_to_the_running_job(bob: Any, now: Any, work: Any) -> None:
    job = plan(bob, planned(2), now=now)
    client = signed_in(bob)
    page = client.post(url("apply", job), {"digest": job.digest}, follow=True)
    assert page.redirect_chain[0][0] == url("detail", job)
    assert 'hx-trigger="every 1s"' in text(page)
    work()
    assert effects() == {"1": 1, "2": 1}


def test_a_wrong_digest_is_refused_in_words(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    response = signed_in(bob).post(url("apply", job), {"digest": "f" * 64})
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        "This is not the plan you were shown. Look at the plan again, then apply it."
    ]
    job.refresh_from_db()
    assert job.state == JobState.PLANNED


def test_pressing_twice_applies_once(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    client = signed_in(bob)
    for _ in range(2):
        assert client.post(url("apply", job), {"digest": job.digest}).status_code == 302
    assert AuditEntry.objects.filter(deed=Deed.JOB_APPLIED).count() == 1


def test_an_old_plan_offers_no_button(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now - datetime.timedelta(days=2))
    assert "Do 2 toys" not in text(signed_in(bob).get(url("detail", job)))


def test_discarding_from_the_page(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    assert signed_in(bob).post(url("discard", job)).status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


# --- rows ------------------------------------------------------------------------------------------------------------


def test_rows_are_filtered_and_paged_by_position(bob: Any, now: Any, work: Any) -> None:
    items = planned(60) + refused(3, start=61) + planned(60, outcome="skipped", start=64)
    job = applied(bob, items, now=now)
    work()
    client = signed_in(bob)

    def positions(**query: Any) -> list[int]:
        return [row.item.position for row in client.get(url("detail", job), query).context["page"].rows]

    assert positions() == list(range(1, 51))
    assert positions(after=50) == list(range(51, 101))
    assert positions(after=100) == list(range(101, 124))
    assert positions(before=101) == list(range(51, 101))
    assert positions(before=51) == list(range(1, 51))
    assert positions(verdict="refused") == [61, 62, 63]
    assert positions(state="skipped", verdict="send") == list(range(64, 114))
    assert positions(reason="toy_reason", verdict="refused") == [61, 62, 63]
    for nonsense in ("-1", "x", "９", "9" * 30, "\x00"):
        assert positions(after=nonsense, state=nonsense)[:1] in ([1], [])


def test_failures_stand_first_and_all_rows_are_one_click_away(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(3) + planned(2, outcome="failed", start=4), now=now)
    work()
    client = signed_in(bob)
    page = client.get(url("detail", job))
    assert [row.item.position for row in page.context["page"].rows] == [4, 5]
    assert [tally.code for tally in page.context["tallies"].states] == ["failed", "done"]
    assert "Retry 2 failed rows" in text(page)
    assert [row.item.position for row in client.get(url("detail", job) + "?state=").context["page"].rows] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_retry_from_the_page_leads_to_the_new_job(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2, outcome="failed"), now=now)
    work()
    response = signed_in(bob).post(url("retry", job))
    new = Job.objects.get(retry_of=job)
    assert response.headers["Location"] == url("detail", new)
    page = text(signed_in(bob).get(url("detail", job)))
    assert url("detail", new) in page
    assert url("retry", job) not in page


# --- progress --------------------------------------------------------------------------------------------------------


def test_polling_goes_on_while_the_job_lives_and_stops_by_itself(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(12), now=now)
    client = signed_in(bob)
    assert client.get(url("progress", job)).status_code == 200
    actions.work_due(now=now, budget=0)
    running = client.get(url("progress", job))
    assert running.status_code == 200
    assert 'max="12" value="5"' in text(running)
    assert "HX-Trigger" not in running.headers
    work()
    over = client.get(url("progress", job))
    assert (over.status_code, over.headers["HX-Trigger"]) == (286, "job-over")
    assert "every 1s" not in text(client.get(url("detail", job)))


def test_the_sentence_is_read_out_at_each_tenth_only(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(12), now=now)
    client = signed_in(bob)
    actions.work_due(now=now, budget=0)
    assert 'role="status"' in text(client.get(url("progress", job), {"told": "0"}))
    assert 'role="status"' not in text(client.get(url("progress", job), {"told": "40"}))
    work()
    assert 'role="status"' in text(client.get(url("progress", job), {"told": "100"}))


def test_cancel_from_the_page_and_by_an_admin(bob: Any, alice: Any, now: Any) -> None:
    for member in (bob, alice):
        job = applied(bob, planned(2), now=now)
        assert signed_in(member).post(url("cancel", job)).status_code == 302
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(bob: Any, now: Any, work: Any) -> Job:
    make_file_rows(30)
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    return job


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_file_is_handed_to_its_owner_and_to_admins_and_logged(written: Job, bob: Any, alice: Any) -> None:
    for member in (bob, alice):
        response = signed_in(member).get(url("download", written))
        assert response.status_code == 200
        assert body(response) == files.path_of(written.file_path).read_bytes()
        assert response.headers["Content-Disposition"] == f'attachment; filename="{written.file_name}"'
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    entries = AuditEntry.objects.filter(deed=Deed.EXPORT_DOWNLOADED, object_id=written.public_id)
    assert [entry.actor_name for entry in entries] == ["Bob", "Alice"]


def test_a_file_is_refused_without_the_permission_and_nothing_is_logged(written: Job, bob: Any) -> None:
    bob.roles = ["finance"]
    bob.save(update_fields=["roles"])
    assert signed_in(bob).get(url("download", written)).status_code == 403
    assert not AuditEntry.objects.filter(deed=Deed.EXPORT_DOWNLOADED).exists()


def test_a_file_is_gone_when_its_life_is_over_even_if_nobody_swept(written: Job, bob: Any, now: Any) -> None:
    Job.objects.filter(pk=written.pk).update(file_expires_at=now)
    assert signed_in(bob).get(url("download", written)).status_code == 404
    assert "The file has been deleted" in text(signed_in(bob).get(url("detail", written)))


def test_a_file_the_disk_lost_is_not_found(written: Job, bob: Any) -> None:
    files.path_of(written.file_path).unlink()
    assert signed_in(bob).get(url("download", written)).status_code == 404


def test_a_broken_download_goes_on_where_it_stopped(written: Job, bob: Any) -> None:
    whole = files.path_of(written.file_path).read_bytes()
    client = signed_in(bob)
    etag = client.get(url("download", written)).headers["ETag"]
    rest = client.get(url("download", written), headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, body(rest)) == (206, whole[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert rest.headers["Content-Length"] == str(len(whole) - 100)
    middle = client.get(url("download", written), headers={"Range": "bytes=10-19"})
    assert body(middle) == whole[10:20]
    tail = client.get(url("download", written), headers={"Range": "bytes=-5"})
    assert body(tail) == whole[-5:]


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b"])
def test_a_range_that_makes_no_sense_gives_the_whole_file(written: Job, bob: Any, asked: str) -> None:
    response = signed_in(bob).get(url("download", written), headers={"Range": asked})
    assert (response.status_code, len(body(response))) == (200, written.file_size)


def test_a_range_of_another_file_gives_the_whole_file(written: Job, bob: Any) -> None:
    response = signed_in(bob).get(url("download", written), headers={"Range": "bytes=5-", "If-Range": '"old"'})
    assert (response.status_code, len(body(response))) == (200, written.file_size)


def test_a_range_behind_the_end_is_416(written: Job, bob: Any) -> None:
    response = signed_in(bob).get(url("download", written), headers={"Range": f"bytes={written.file_size}-"})
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{written.file_size}")


def test_a_file_already_held_is_not_sent_again(written: Job, bob: Any) -> None:
    response = signed_in(bob).get(url("download", written), headers={"If-None-Match": f'"{written.file_sha256}"'})
    assert response.status_code == 304


def test_drift_is_told_on_the_page(bob: Any, now: Any, work: Any, written: Job) -> None:
    page = text(signed_in(bob).get(url("detail", written)))
    assert "The rows changed while the file was written" not in page
    assert written.file_sha256 in page
    Job.objects.filter(pk=written.pk).update(rows_recounted=31)
    page = text(signed_in(bob).get(url("detail", written)))
    assert "30 rows matched at the start and 31 at the end; the file holds 30." in page


# --- rows to mend ----------------------------------------------------------------------------------------------------


def test_the_uploader_gets_faulty_rows_back_with_reasons_in_clear(bob: Any, now: Any, work: Any) -> None:
    items = planned(2) + planned(1, outcome="failed", start=3) + refused(2, start=4)
    job = applied(bob, items, now=now)
    work()
    response = signed_in(bob).get(url("faulty_rows", job), {"format": "csv"})
    assert response.content.decode("utf-8-sig").splitlines() == [
        "E-mail,Reason",
        "person-3@example.test,A reason in words",
        "refused-4@example.test,A reason in words",
        "refused-5@example.test,A reason in words",
    ]
    assert AuditEntry.objects.get(deed=Deed.FAULTY_ROWS_DOWNLOADED).actor_name == "Bob"
    workbook = signed_in(bob).get(url("faulty_rows", job))
    assert workbook.content[:2] == b"PK"
    assert "rows-to-mend.xlsx" in workbook.headers["Content-Disposition"]


def test_forgotten_rows_are_not_handed_out(bob: Any, now: Any) -> None:
    job = plan(bob, refused(2, start=1), now=now)
    assert url("faulty_rows", job) in text(signed_in(bob).get(url("detail", job)))
    actions.discard_plan(job=job, actor=Actor.member(bob), now=now)
    assert signed_in(bob).get(url("faulty_rows", job)).status_code == 404
    assert url("faulty_rows", job) not in text(signed_in(bob).get(url("detail", job)))


def test_a_formula_in_an_upload_comes_back_harmless(bob: Any, now: Any) -> None:
    row = actions.PlannedItem(
        key="1", label="=***", verdict="refused", goes=False, payload={"email": "=cmd|' /C calc'!A0"}
    )
    job = plan(bob, [row], now=now)
    response = signed_in(bob).get(url("faulty_rows", job), {"format": "csv"})
    assert response.content.decode("utf-8-sig").splitlines()[1].startswith("'=cmd")


def test_every_state_of_a_page_is_shown_in_chinese_too(bob: Any, now: Any, work: Any, written: Job) -> None:
    client = signed_in(bob)
    jobs = [plan(bob, planned(1), now=now), applied(bob, planned(1), now=now), written]
    jobs.append(actions.cancel(job=applied(bob, planned(1), now=now), actor=Actor.member(bob), now=now))
    for job in jobs:
        response = client.get(url("detail", job), headers={"Accept-Language": "zh-hans"})
        assert response.status_code == 200
        assert 'lang="zh-hans"' in text(response)
