"""What all services need.

Read `account` (its number, region and folder), `store` (all records), `wire` (requests and answers),
`errors`, `validation` (would AWS accept this?), `listing`, `files` and `moto` (nothing else uses moto).
"""
