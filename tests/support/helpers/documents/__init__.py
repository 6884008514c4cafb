"""What jobs and runs write, made without running any, as far as their readers look at it."""
