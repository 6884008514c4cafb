"""The contract of Terraform, functions, notebooks and laptop: contract.json, its names, and seeds."""
