"""The path from a request to its answer.

Read `listener` (HTTP), `dispatch` (calls the handlers, in the order that `cloud.py` lists), `handlers` (who
is let in, and what moto answers), `access` (what a role may do), `limits` (what AWS refuses and moto does
not), `operations` (AWS's name for a request; scope.json lists the supported ones), `calls` (which role did
what) and `json_operations` (SageMaker and CloudWatch Logs). Other handlers are with their services.
"""
