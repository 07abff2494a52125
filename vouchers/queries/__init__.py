"""Reads of the vouchers room, by subject."""
