"""What all services need.

Read `account` (its number, region and folder), `store` (all records), `wire` (requests and answers),
`errors`, `validation` (would AWS take this?), `listing`, `files` and `moto` (all that is used of it).
"""
