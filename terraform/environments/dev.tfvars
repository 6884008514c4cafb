# A small environment for trying things out; `terraform destroy` removes it completely.
environment   = "dev"
region        = "eu-central-1"
pipeline_name = "many-models"

# Once notebook 01 has built the image and notebook 02 has written the definitions:
# image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/many-models@sha256:..."
# pipeline_definition_file = "environments/dev.pipeline.json"
# pipeline_definition_regression_file = "environments/dev.pipeline-regression.json"

developers     = ["ana"]
force_destroy  = true
retention_days = { logs = 30 }
