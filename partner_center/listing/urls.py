from django.urls import path

from partner_center.listing import views

app_name = "listing"
urlpatterns = [path("", views.reveal_field, name="reveal")]
