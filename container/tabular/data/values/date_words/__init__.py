"""What people write in and around dates.

- `usual`: a date in the form that strptime knows, with what stands beside it; start here.
- `months` of many languages, `periods` such as quarters, and `zones`.
"""
