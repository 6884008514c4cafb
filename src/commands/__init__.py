"""The command line `many-models`, for people and schedulers; its modules in reading order.

`__main__` defines the commands, and `endings` how they end. `run` runs the `notebooks`, one run at a time
because of `lock`; what a run tells is in `reporting`. `image` builds the container's image. `environment` is
for AWS.
"""
