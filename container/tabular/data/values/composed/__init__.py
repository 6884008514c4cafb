"""Numbers in several parts, such as 5'7", 1h 30min, 26:41:50, 3 1/2 and 10-20, taken apart into simple ones.

A part is a number that `numbers` reads by itself, and the whole is the sum of the parts, each with a weight.
Which notations a column has is decided once, as all of its format is.

- `parts`: the parts of a text, and the order in which notations are tried; start here.
- `kinds`: the names of the notations, and what reads one.
- `units`: 5'7" and 1h 30min; `times`: 26:41:50, ages and years; `angles`: degrees, minutes and seconds.
- `fractions`: 3 1/2; `ranges`: 10-20, and what else says how exact a number is.
- `accounts`: signs of debits, zeros and trends; `remarks`: what stands beside a number.
"""
