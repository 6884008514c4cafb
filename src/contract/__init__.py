"""The contract of Terraform, functions, notebooks and laptop: contract.json, names, seeds, step caching."""
