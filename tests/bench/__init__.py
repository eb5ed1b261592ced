"""What the service costs, beside what the same costs without it: `make bench` prints the table.

Machines are noisy: each figure is the median (or the named quantile) of several, and the two sides of a ratio are
measured in turn, in one run.
"""
