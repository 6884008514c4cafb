"""What the jobs of a pipeline run.

- `algorithms`: those that compete, the project's and your own; `own_steps`: the Python file with yours.
- `job_source`: the code shipped with each job, in a tarball named by its contents.
"""
