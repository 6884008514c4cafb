# Names and ARNs are built here instead of being read from resources, so that policies, alarms and the endpoint
# can refer to each other without a cycle, and a plan shows every policy in full.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  name       = var.pipeline_name
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition

  # What Terraform, the functions and local_aws agree on.
  contract = jsondecode(replace(
    file("${path.module}/../src/contract/contract.json"), "$${pipeline_name}", local.name
  ))
  prefixes = local.contract.prefixes
  # What the deployer records: which artifact serves each group, and every change to that.
  records = [local.contract.models_map_key, local.contract.ledger_prefix]
  # The folder of these records, of the retrainer's notes and of the outputs.
  deployments_prefix = "${dirname(local.contract.models_map_key)}/"
  outputs_key        = "${local.deployments_prefix}outputs.json"
  outputs_parameter  = "/${local.name}/outputs"

  # An environment without promote_from trains; one with it takes over models that another has trained.
  trains = var.promote_from == null

  functions = {
    for role, function in local.contract.functions : role => function if local.trains || role != "retrainer"
  }
  # Called by a schedule or an event, without anybody who waits for the answer.
  background_functions = [for role in keys(local.functions) : role if role != "invoker"]

  bucket_name   = "${local.name}-${local.account_id}-${var.region}"
  endpoint_name = local.name
  # As in src/contract/endpoints.py. No other environment's name contains two hyphens in a row either.
  endpoint_names = [
    for number in range(1, var.endpoints + 1) :
    number == 1 ? local.endpoint_name : "${local.endpoint_name}--${number}"
  ]
  variant_name = "AllTraffic"
  # The separator keeps environments apart: a pipeline name never contains two hyphens in a row.
  group_prefix = "${local.name}--"

  pipeline_names = {
    classification = local.name
    regression     = "${local.name}-regression"
  }
  developer_pipeline_names = {
    for developer in var.developers : developer => [for name in values(local.pipeline_names) : "${name}-${developer}"]
  }

  sagemaker_arn  = "arn:${local.partition}:sagemaker:${var.region}:${local.account_id}"
  alarms_arn     = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm"
  logs_arn       = "arn:${local.partition}:logs:${var.region}:${local.account_id}"
  bucket_arn     = "arn:${local.partition}:s3:::${local.bucket_name}"
  models_map_arn = "${local.bucket_arn}/${local.contract.models_map_key}"
  # For any number of endpoints, so that no policy changes with it.
  endpoint_arns = [for name in ["", "--*"] : "${local.sagemaker_arn}:endpoint/${local.endpoint_name}${name}"]
  group_arns    = "${local.sagemaker_arn}:model-package-group/${local.group_prefix}*"
  package_arns  = "${local.sagemaker_arn}:model-package/${local.group_prefix}*"

  # The image is where the models are trained: here, or in the environment that they are promoted from.
  registry_id     = coalesce(one(var.promote_from[*].account_id), local.account_id)
  repository_name = coalesce(one(var.promote_from[*].pipeline_name), local.name)
  repository_url  = "${local.registry_id}.dkr.ecr.${var.region}.${data.aws_partition.this.dns_suffix}/${local.repository_name}"
  repository_arn  = "arn:${local.partition}:ecr:${var.region}:${local.registry_id}:repository/${local.repository_name}"
  role_arns = {
    for role in ["jobs", "endpoint", "monitor", "studio"] :
    role => "arn:${local.partition}:iam::${local.account_id}:role${var.iam_path}${local.name}-${role}"
  }
  function_arns = {
    for role, function in local.functions :
    role => "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${function.name}"
  }
  topic_name = "${local.name}-alarms"
  topic_arn  = "arn:${local.partition}:sns:${var.region}:${local.account_id}:${local.topic_name}"
  rule_name  = "${local.name}-model-package-state"
  rule_arn   = "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${local.rule_name}"
  queue_arns = {
    for queue in ["undelivered", "failed"] :
    queue => "arn:${local.partition}:sqs:${var.region}:${local.account_id}:${local.name}-${queue}"
  }
}
