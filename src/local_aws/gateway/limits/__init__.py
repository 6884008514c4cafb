"""What AWS refuses and moto does not, of requests to S3 and to the services that are only recorded.

A file for each service has the rules that AWS documents and botocore's models do not contain, with their
pages.
"""
