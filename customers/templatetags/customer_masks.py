"""Masks for templates that show people outside of a list; the shapes are those of masking.py."""

from django import template

from partner_center import masking

register = template.Library()

register.filter("masked_name", masking.mask_name)
register.filter("masked_account", masking.mask_account)
register.filter("masked_email", masking.mask_email)
register.filter("masked_mobile", masking.mask_mobile)
register.filter("masked_number", masking.mask_number)
