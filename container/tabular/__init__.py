"""What runs inside SageMaker jobs and the multi-model endpoint: preprocess, train, refit, evaluate, serve."""
