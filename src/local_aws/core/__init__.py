"""What all services need.

Read `account` (its number, region and folder), `store` (all records), `requests` (from the wire to the
answer), `errors`, `faults`, `files` and `moto` (nothing else uses moto).
"""
