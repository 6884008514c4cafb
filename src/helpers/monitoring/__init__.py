"""What is known of the models in service.

`reports` are those of checks for drift, and `labels` the late ones. `status` is the state of all models in
one `document`, from the sources that `fetching` reads.
"""
