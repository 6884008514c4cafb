"""What is known of the models in service: checks for drift, late labels, and the status of each."""
