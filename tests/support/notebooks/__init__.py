"""The notebooks: run as people run them, with answers to what they ask, and opened in JupyterLab."""
