"""How a column writes its values, found once by the evidence of all its texts; serving only reads.

- `numbers`: their separators; `affixes`: what stands beside them; `units`: those that people mix,
  of the `measures` that are known.
- `notations`: those of numbers in several parts.
- `dates`: their format; `meanings`: what else they may be.
"""
