# An environment that others rely on: at least two instances, in two availability zones, and someone to notify.
environment   = "prod"
region        = "eu-central-1"
pipeline_name = "many-models-prod"

# Once notebook 01 has built the image and notebook 02 has written the definitions:
# image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/many-models-prod@sha256:..."
# pipeline_definition_file = "environments/prod.pipeline.json"
# pipeline_definition_regression_file = "environments/prod.pipeline-regression.json"

# To serve what another environment trains, instead of training here (docs/models/promotion.md), with image_uri as there and
# without definitions and retraining:
# promote_from = {
#   account_id    = "111111111111"
#   pipeline_name = "many-models"
#   kms_key_arn   = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
# }

endpoint = {
  min_instances = 2
  max_instances = 6
}

alarm_email        = "models@example.com"
monthly_budget_usd = 500

# Once a definition exists; notebook 03 uploads tables to where the retrainer looks for them.
# retraining = {
#   breast-cancer = {
#     target     = "diagnosis"
#     expression = "cron(0 3 ? * MON *)"
#   }
# }
