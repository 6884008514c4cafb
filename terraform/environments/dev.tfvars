# A small environment for trying things out; `terraform destroy` removes it completely.
environment   = "dev"
region        = "eu-central-1"
pipeline_name = "many-models"

# Once notebook 01 has built the image and notebook 02 has written the definitions:
# image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/many-models@sha256:..."
# pipeline_definition_file = "environments/dev.pipeline.json"
# pipeline_definition_regression_file = "environments/dev.pipeline-regression.json"

# To let another account take models over, which needs a key of your own (docs/models/promotion.md):
# kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
# promote_to = {
#   account_ids = ["222222222222"]
#   datasets    = ["breast-cancer"]
# }

developers     = ["ana"]
force_destroy  = true
retention_days = { logs = 30 }
