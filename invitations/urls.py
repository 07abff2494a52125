"""Addresses of the invitations room: the console's pages, and the customer's landing page."""

from django.urls import path

from invitations.views import batches, detail, door, history, invite, landing, links, registering

app_name = "invitations"
urlpatterns = [
    path("invitations/", history.history, name="history"),
    path("invitations/export/", batches.export, name="export"),
    path("invitations/resend/", batches.resend_plan, name="resend_plan"),
    path("invitations/new/", invite.invite, name="invite"),
    path("invitations/new/one/", invite.invite_one, name="invite_one"),
    path("invitations/new/list/", invite.invite_list, name="invite_list"),
    path("invitations/new/chosen/", invite.invite_chosen, name="invite_chosen"),
    path("invitations/new/preview/", invite.preview, name="preview"),
    path("invitations/new/template/", invite.template, name="template"),
    path("invitations/links/", links.links, name="links"),
    path("invitations/links/new/", links.create, name="link_create"),
    path("invitations/links/<slug:public_id>/", links.detail, name="link"),
    path("invitations/links/<slug:public_id>/address/", links.address, name="link_address"),
    path("invitations/links/<slug:public_id>/qr.<str:way>", links.qr, name="link_qr"),
    path("invitations/links/<slug:public_id>/rotate/", links.rotate, name="link_rotate"),
    path("invitations/links/<slug:public_id>/revoke/", links.revoke, name="link_revoke"),
    path("invitations/<slug:public_id>/", detail.detail, name="detail"),
    path("invitations/<slug:public_id>/address/", detail.address, name="address"),
    path("invitations/<slug:public_id>/cancel/", detail.cancel, name="cancel"),
    path("i/<str:token>", door.open_link, name="open"),
    path("i/<str:token>/qr", door.open_qr, name="open_qr"),
    path("invitation/", landing.landing, name="landing"),
    path("invitation/opened/", landing.opened, name="opened"),
    path("invitation/start/", landing.start, name="start"),
    path("invitation/register/", registering.register, name="register"),
    path("invitation/register/mailed/", registering.mailed, name="mailed"),
    path("invitation/accept/", landing.accept, name="accept"),
    path("invitation/decline/", landing.decline, name="decline"),
    path("invitation/new-link/", landing.new_link, name="new_link"),
]
