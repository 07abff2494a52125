from django.apps import AppConfig


class ListingConfig(AppConfig):
    name = "partner_center.listing"
    label = "listing"
