"""The notebooks as files: one is run, all are stored with what they show, and cleaned for a commit."""
