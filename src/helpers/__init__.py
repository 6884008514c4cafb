"""What the notebooks call: small modules, each named after the thing that it handles."""
