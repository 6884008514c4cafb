"""Compiled definitions, to look at and to compare.

- `expressions`: a definition's steps by name, and its references in words.
- `cards`: a card for each step, the gate's numbers, and a step's JSON.
- `comparing`: what differs between two definitions, and which steps that makes run again.
"""
