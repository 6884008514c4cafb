"""The notebooks as files: one is run, then rendered as a page; all are stored, and cleaned for a commit."""
