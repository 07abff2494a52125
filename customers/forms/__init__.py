"""Input of the customers room: shape only, every fault beside its field."""

from customers.forms.prospects import NormalField, ProspectForm, TagField

__all__ = ["NormalField", "ProspectForm", "TagField"]
