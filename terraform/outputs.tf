# What the notebooks read, from a file (terraform output -json, written to environments/<environment>.outputs.json) or
# from where it is stored, at the end of this file. OUTPUTS in helpers/session/outputs.py names what they need.

locals {
  outputs = {
    account_id                 = local.account_id
    region                     = var.region
    bucket                     = aws_s3_bucket.this.id
    job_role_arn               = one(aws_iam_role.jobs[*].arn)
    image_uri                  = var.image_uri
    endpoint_name              = local.endpoint_name
    endpoints                  = var.endpoints
    endpoint_instance_type     = var.endpoint.instance_type
    deployer_function_name     = aws_lambda_function.this["deployer"].function_name
    invoker_function_name      = aws_lambda_function.this["invoker"].function_name
    invoker_url                = aws_lambda_function_url.invoker.function_url
    vpc                        = var.vpc
    studio_role_arn            = one(aws_iam_role.studio[*].arn)
    kms_key_arn                = var.kms_key_arn
    monitor_role_arn           = aws_iam_role.monitor.arn
    mlflow_tracking_server_arn = var.mlflow_tracking_server_arn
    promote_from               = one([for source in var.promote_from[*] : merge(source, { region = var.region, bucket = local.source_bucket })])
    pipeline_name              = local.name
    repository_url             = one(aws_ecr_repository.this[*].repository_url)
    build_project_name         = one(aws_codebuild_project.this[*].name)
    base_image                 = local.base_image
  }
}

output "account_id" {
  description = "The AWS account."
  value       = local.outputs.account_id
}

output "region" {
  description = "The AWS region."
  value       = local.outputs.region
}

output "bucket" {
  description = "The bucket for tables, code, executions and models."
  value       = local.outputs.bucket
}

output "job_role_arn" {
  description = "The role of pipelines and jobs; absent in an environment that does not train."
  value       = local.outputs.job_role_arn
}

output "endpoint_role_arn" {
  description = "The role of the endpoint."
  value       = aws_iam_role.endpoint.arn
}

output "image_uri" {
  description = "The image for jobs and endpoint; absent until it exists."
  value       = local.outputs.image_uri
}

output "endpoint_name" {
  description = "The first endpoint's name, whether or not it exists at the moment."
  value       = local.outputs.endpoint_name
}

output "endpoints" {
  description = "The number of endpoints over which the models are spread; those after the first are named like it, with --2, --3, ..."
  value       = local.outputs.endpoints
}

output "endpoint_instance_type" {
  description = "The instance type of the endpoints, from which `many-models status` computes what they cost."
  value       = local.outputs.endpoint_instance_type
}

output "deployer_function_name" {
  description = "The function that makes the endpoint serve what the registry says."
  value       = local.outputs.deployer_function_name
}

output "invoker_function_name" {
  description = "The function behind the URL."
  value       = local.outputs.invoker_function_name
}

output "invoker_url" {
  description = "The URL of all models."
  value       = local.outputs.invoker_url
}

output "vpc" {
  description = "The subnets and security groups in which notebook 02 places the jobs; absent without a VPC."
  value       = local.outputs.vpc
}

output "kms_key_arn" {
  description = "The key with which notebook 02 lets jobs encrypt what they write; absent without a key."
  value       = local.outputs.kms_key_arn
}

output "monitor_role_arn" {
  description = "The role of checks for drift."
  value       = local.outputs.monitor_role_arn
}

output "studio_role_arn" {
  description = "The role of SageMaker Studio's spaces and of notebook jobs; absent without `studio`."
  value       = local.outputs.studio_role_arn
}

output "mlflow_tracking_server_arn" {
  description = "The MLflow tracking server on which notebook 03 records executions; absent without one."
  value       = local.outputs.mlflow_tracking_server_arn
}

output "promote_from" {
  description = "The environment whose models `many-models promote` takes over; absent in an environment that trains."
  value       = local.outputs.promote_from
}

# What else operators need.

output "pipeline_name" {
  description = "The prefix of all names."
  value       = local.outputs.pipeline_name
}

output "endpoint_in_service" {
  description = "Whether the endpoint exists and is billed."
  value       = length(local.endpoints) > 0
}

output "repository_url" {
  description = "The ECR repository to push the image to; absent in an environment that does not train."
  value       = local.outputs.repository_url
}

output "build_project_name" {
  description = "The CodeBuild project that builds the image; absent in an environment that does not train."
  value       = local.outputs.build_project_name
}

output "base_image" {
  description = "The image that the project's image extends."
  value       = local.outputs.base_image
}

output "pipelines" {
  description = "The existing pipelines, by family."
  value       = { for family, pipeline in aws_sagemaker_pipeline.this : family => pipeline.pipeline_name }
}

output "policy_arns" {
  description = "The policies to attach to people's roles."
  value = {
    operator   = one(aws_iam_policy.operator[*].arn)
    builder    = one(aws_iam_policy.builder[*].arn)
    scorer     = one(aws_iam_policy.scorer[*].arn)
    promoter   = one(aws_iam_policy.promoter[*].arn)
    approver   = aws_iam_policy.approver.arn
    developers = { for developer, policy in aws_iam_policy.developer : developer => policy.arn }
  }
}

output "queue_urls" {
  description = "The queues where failed deployments wait for someone to look at them."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.url }
}

output "alarm_topic_arn" {
  description = "The topic to which alarms are published and, with NOTIFY, how runs end."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_url" {
  description = "The dashboard in CloudWatch."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${local.name}"
}

# The outputs once more, stored for whoever has no file of them: Studio, CI, notebook jobs, other machines.
# They are names and ARNs, no secrets. TERRAFORM_OUTPUTS: ssm:/<pipeline name>/outputs, or
# s3://<bucket>/deployments/outputs.json. Written as `terraform output -json` writes them.

locals {
  stored_outputs = jsonencode({ for name, value in local.outputs : name => { value = value } })
}

resource "aws_s3_object" "outputs" {
  bucket       = aws_s3_bucket.this.id
  key          = local.outputs_key
  content      = local.stored_outputs
  content_type = "application/json"
  kms_key_id   = var.kms_key_arn # null: as the bucket encrypts
}

resource "aws_ssm_parameter" "outputs" {
  #checkov:skip=CKV2_AWS_34:It has names and ARNs only, so reading it should need no key
  name        = local.outputs_parameter
  description = "What Terraform created for ${local.name}, for the notebooks"
  type        = "String"
  tier        = "Intelligent-Tiering" # free up to 4 KB
  value       = local.stored_outputs
}
