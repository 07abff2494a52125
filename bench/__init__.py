"""
The speed of the product, as ratios in one run: `make bench`, or `python -m bench [name …] [--rows N] [--keep]`.

Absolute milliseconds say more about the machine than about the product; every figure stands beside a yardstick that
was measured in the same minute. Goals are those of issue "Raise the house" and performance.md 7.
"""
