"""The deployer: brings what serves in line with the registry."""
