"""SageMaker Pipelines: definitions, executions, steps."""
