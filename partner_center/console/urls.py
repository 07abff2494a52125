from django.urls import path

from partner_center.console import health, views

app_name = "console"

urlpatterns = [
    path("", views.home, name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("language", views.language, name="language"),
    path("components/", views.components, name="components"),
    path("components/dialog", views.component_dialog, name="component_dialog"),
]
