"""What Terraform, the functions, the notebooks and the laptop agree on: contract.json, and its names."""
