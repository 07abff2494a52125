from django.urls import path, re_path

from partner_center.jobs import views

app_name = "jobs"

JOB = r"^(?P<public_id>[A-Za-z0-9_-]{22})/"

urlpatterns = [
    path("", views.job_list, name="list"),
    re_path(JOB + r"$", views.job_detail, name="detail"),
    re_path(JOB + r"progress/$", views.job_progress, name="progress"),
    re_path(JOB + r"apply/$", views.job_apply, name="apply"),
    re_path(JOB + r"cancel/$", views.job_cancel, name="cancel"),
    re_path(JOB + r"retry/$", views.job_retry, name="retry"),
    re_path(JOB + r"discard/$", views.job_discard, name="discard"),
    re_path(JOB + r"download/$", views.job_download, name="download"),
    re_path(JOB + r"manifest/$", views.job_manifest, name="manifest"),
    re_path(JOB + r"faulty-rows/$", views.job_faulty_rows, name="faulty_rows"),
]
