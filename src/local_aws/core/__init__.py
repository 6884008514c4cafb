"""What all services need.

Read `account` (its number, region and folder), `store` (all records), `requests` (from the wire to the
answer), `http_client` (to a process on this machine), `sockets` (how threads wait), `concurrency`,
`errors`, `faults`, `files` and `moto` (nothing else uses moto).
"""
