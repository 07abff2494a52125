"""What lists of the vouchers room can be asked, by subject."""
