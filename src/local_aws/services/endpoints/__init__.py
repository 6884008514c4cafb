"""SageMaker's endpoints, and the processes that serve."""
