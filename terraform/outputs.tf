# What the notebooks read: terraform output -json, as environments/<environment>.outputs.json. helpers/session.py names them (OUTPUTS).

output "account_id" {
  description = "The AWS account."
  value       = local.account_id
}

output "region" {
  description = "The AWS region."
  value       = var.region
}

output "bucket" {
  description = "The bucket of tables, code, executions and models."
  value       = aws_s3_bucket.this.id
}

output "job_role_arn" {
  description = "The role of pipelines and jobs."
  value       = aws_iam_role.jobs.arn
}

output "image_uri" {
  description = "The image of jobs and endpoint; absent before there is one."
  value       = var.image_uri
}

output "endpoint_name" {
  description = "The endpoint, whether or not it is there at the moment."
  value       = local.endpoint_name
}

output "deployer_function_name" {
  description = "The function that makes what is served match the registry."
  value       = aws_lambda_function.this["deployer"].function_name
}

output "invoker_function_name" {
  description = "The function behind the URL."
  value       = aws_lambda_function.this["invoker"].function_name
}

output "invoker_url" {
  description = "Where all models answer."
  value       = aws_lambda_function_url.invoker.function_url
}

output "vpc" {
  description = "The subnets and security groups that notebook 02 names for the jobs; absent without a VPC."
  value       = var.vpc
}

# What operators need besides.

output "pipeline_name" {
  description = "What all names begin with."
  value       = local.name
}

output "endpoint_in_service" {
  description = "Whether the endpoint is there, and billed."
  value       = length(local.endpoints) > 0
}

output "repository_url" {
  description = "Where the image is pushed."
  value       = aws_ecr_repository.this.repository_url
}

output "build_project_name" {
  description = "The CodeBuild project that builds the image."
  value       = aws_codebuild_project.this.name
}

output "base_image" {
  description = "The image that the project's own extends."
  value       = local.base_image
}

output "pipelines" {
  description = "The pipelines that there are, by family."
  value       = { for family, pipeline in aws_sagemaker_pipeline.this : family => pipeline.pipeline_name }
}

output "policy_arns" {
  description = "The policies to attach to people's roles."
  value       = { operator = aws_iam_policy.operator.arn, approver = aws_iam_policy.approver.arn }
}

output "queue_urls" {
  description = "Where failed deployments wait for somebody to look."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.url }
}

output "alarm_topic_arn" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_url" {
  description = "The dashboard in CloudWatch."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${local.name}"
}
