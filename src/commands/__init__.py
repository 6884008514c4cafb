"""What a person or a scheduler types: the command line `many-models`, in reading order.

`__main__` says how each command is typed and `endings` how it ends. The notebooks: `run` by way of
`papermill_engine`, one at a time by `lock`, and `store_outputs`. The container's `image`. AWS: `environment`.
"""
