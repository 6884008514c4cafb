"""What `make bench...` runs: each prints the table that is in the README or in docs/."""
