"""Addresses of the vouchers room: quotas, coupons, whitelists, the operation log."""

from django.urls import URLPattern, path

from vouchers.views import coupons, eligibility, granting, issue, operations, quotas, recall, reviews, whitelists

app_name = "vouchers"
urlpatterns: list[URLPattern] = [
    path("quotas/", quotas.quotas, name="quotas"),
    path("quotas/<slug:public_id>/", quotas.quota, name="quota"),
    path("quotas/<slug:public_id>/ledger/", quotas.ledger, name="ledger"),
    path("platform/quotas/", granting.platform_quotas, name="platform_quotas"),
    path("platform/quotas/grant/", granting.choose_partner, name="choose_partner"),
    path("platform/quotas/grant/<slug:public_id>/", granting.grant, name="grant"),
    path("platform/quotas/<slug:public_id>/", granting.platform_quota, name="platform_quota"),
    path("platform/quotas/<slug:public_id>/ledger/", granting.platform_ledger, name="platform_ledger"),
    path("platform/quotas/<slug:public_id>/total/", granting.change_total, name="change_total"),
    path("platform/quotas/<slug:public_id>/limits/", granting.change_limits, name="change_limits"),
    path("platform/quotas/<slug:public_id>/<slug:status>/", granting.change_status, name="change_status"),
    path("coupons/issue/template/", issue.template, name="issue_template"),
    path("coupons/issue/<slug:public_id>/", issue.issue, name="issue"),
    path("coupons/issue/<slug:public_id>/customers/", issue.customers, name="issue_customers"),
    path("coupons/issue/<slug:public_id>/chosen/", issue.chosen, name="issue_chosen"),
    path("coupons/issue/<slug:public_id>/matching/", issue.matching, name="issue_matching"),
    path("whitelists/", whitelists.whitelists, {"kind": "customer"}, name="whitelists"),
    path("whitelists/pickup/", whitelists.whitelists, {"kind": "pickup"}, name="whitelists_pickup"),
    path("whitelists/template/", whitelists.whitelist_template, name="whitelist_template"),
    path("whitelists/check/", eligibility.eligibility, name="eligibility"),
    path("whitelists/import/", whitelists.whitelist_import, {"kind": "customer"}, name="whitelist_import"),
    path("whitelists/pickup/import/", whitelists.whitelist_import, {"kind": "pickup"}, name="whitelist_import_pickup"),
    path("whitelists/<slug:public_id>/", whitelists.whitelist_version, name="whitelist_version"),
    path("whitelists/<slug:public_id>/changes/", whitelists.whitelist_changes, name="whitelist_changes"),
    path("whitelists/<slug:public_id>/rejected/", whitelists.whitelist_rejected, name="whitelist_rejected"),
    path(
        "whitelists/<slug:public_id>/rejected/file/",
        whitelists.whitelist_rejected_file,
        name="whitelist_rejected_file",
    ),
    path("whitelists/<slug:public_id>/activate/", whitelists.whitelist_activate, name="whitelist_activate"),
    path("whitelists/<slug:public_id>/discard/", whitelists.whitelist_discard, name="whitelist_discard"),
    path("whitelists/<slug:public_id>/compare/", whitelists.whitelist_compare, name="whitelist_compare"),
    path("whitelists/<slug:public_id>/reactivate/", whitelists.whitelist_reactivate, name="whitelist_reactivate"),
    path("coupons/", coupons.coupons, name="coupons"),
    path("coupons/export/", coupons.export, name="coupons_export"),
    path("coupons/recall/", recall.recall_chosen, name="recall_chosen"),
    path("coupons/<slug:public_id>/", coupons.coupon, name="coupon"),
    path("coupons/<slug:public_id>/recall/", recall.recall, name="coupon_recall"),
    path("operations/", operations.operations, name="operations"),
    path("operations/export/", operations.export, name="operations_export"),
    path("platform/operations/", reviews.platform_operations, name="platform_operations"),
    path("platform/operations/totals/", reviews.platform_totals, name="platform_totals"),
    path("platform/operations/mark/", reviews.mark, name="platform_operations_mark"),
    path("platform/operations/export/", reviews.export, name="platform_operations_export"),
]
