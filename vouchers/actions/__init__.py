"""The only writers of quotas, coupons, whitelists, the ledger and the operation log, by subject."""
