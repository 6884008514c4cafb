"""SageMaker's processing, training and tuning jobs."""
