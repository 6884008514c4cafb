"""What all services need: account, store, errors, wire formats, validation."""
