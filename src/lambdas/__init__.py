"""What runs in AWS Lambda: the deployer, the invoker, and the models map that they share."""
