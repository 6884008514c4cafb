"""Thousands: of `deployments`, models whose `status` is gathered, partitions in a `fleet`, rows in `scoring`.

`fleet_artifact` measures the one artifact that serves a whole fleet.
"""
