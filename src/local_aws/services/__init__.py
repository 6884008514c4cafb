"""One module or folder for each service of AWS."""
