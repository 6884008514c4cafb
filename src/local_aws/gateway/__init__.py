"""A request's way to its answer.

Read `listener` (HTTP), `dispatch` (the handlers' order is in `cloud.py`), `handlers` (who is let in, and
what moto answers), `operations` (what it is in AWS's word, and scope.json: what there is), `calls` (which
role did what) and `json_operations` (SageMaker and CloudWatch Logs). Other handlers are with their
services.
"""
