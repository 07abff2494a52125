from django.urls import path

from partner_center.verification import views

app_name = "verification"

urlpatterns = [
    path("settings/security/", views.security, name="security"),
    path("settings/security/on", views.switch_on, name="switch_on"),
    path("settings/security/off", views.switch_off, name="switch_off"),
]
