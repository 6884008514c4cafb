"""Digits that may be codes, versions or dates, and no quantities.

- `spellings`: what two spellings, a plus sign, an e or lost digits show.
- `zeros`: digits with leading zeros; `whole_numbers`: those without.
- `moments`: dates, months and moments in digits, which both look for.
"""
