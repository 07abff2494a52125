"""How lists of the vouchers room look, by subject."""
