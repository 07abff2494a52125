"""What programs ask of vouchers: billing for the vendor; quotas, coupons and operation records for partners."""

from vouchers.api import billing, coupons, quotas, records

routers = (billing.router, quotas.router, coupons.router, records.router)
