"""Addresses of the mail room."""

from django.urls import path

from partner_center.mail import views

app_name = "mail"

urlpatterns = [
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<slug:public_id>/", views.message, name="message"),
    path("mailbox/<slug:public_id>/body/", views.message_body, name="message_body"),
    path("bounces/", views.bounces, name="bounces"),
]
