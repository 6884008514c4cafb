"""The contract of Terraform, the functions, the notebooks and the laptop: contract.json and its names."""
