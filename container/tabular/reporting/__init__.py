"""What people read of an evaluation: `page` (HTML) with `svg` plots, and SageMaker's model `card`."""
