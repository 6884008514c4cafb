"""What the notebooks call: thin modules, one noun each."""
