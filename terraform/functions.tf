# Deployer, invoker and retrainer: one zip, three handlers, each with its own role. Their names, handlers,
# limits and environments come from the contract. The invoker has a URL.

data "archive_file" "functions" {
  type             = "zip"
  output_path      = "${path.module}/build/functions.zip"
  output_file_mode = "0644"

  # File by file and by content, so that caches, other folders and local file modes do not affect the hash.
  dynamic "source" {
    for_each = local.functions_code

    content {
      filename = source.key
      content  = file("${path.module}/../${source.value}/${source.key}")
    }
  }
}

locals {
  # What the invoker shares with the model's server: how the rows of a request are found.
  shared_with_the_server = formatlist("tabular/%s.py", [
    "__init__", "data/__init__", "data/values/__init__", "data/values/cells", "data/values/names",
    "serving/__init__", "serving/rows/__init__", "serving/rows/errors", "serving/rows/keys",
    "serving/rows/lines", "serving/rows/media_types", "serving/rows/shapes",
  ])
  functions_code = merge(
    { for file in fileset("${path.module}/../src", "{contract,lambdas}/**/*.{json,py}") : file => "src" },
    { for file in local.shared_with_the_server : file => "container" },
  )

  function_environment = {
    BUCKET             = local.bucket_name
    PIPELINE_NAME      = local.name
    ENDPOINT_NAME      = local.endpoint_name
    ENDPOINTS          = tostring(var.endpoints)
    METRICS_BY_MODEL   = tostring(var.metrics_by_model)
    CAPTURE_RATE       = tostring(var.capture_rate)
    CAPTURE_LEAVES_OUT = jsonencode(var.capture_leaves_out)
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:The deployer's failures go to a queue, with their cause (events.tf); nobody calls the invoker asynchronously
  #checkov:skip=CKV_AWS_272:The zip is built here from this repository; there is no second party to sign it
  for_each = local.functions

  function_name = each.value.name
  role          = aws_iam_role.function[each.key].arn
  handler       = each.value.handler
  timeout       = each.value.timeout_seconds
  memory_size   = each.value.memory_mb

  runtime          = "python3.13"
  architectures    = ["arm64"]
  filename         = data.archive_file.functions.output_path
  source_code_hash = data.archive_file.functions.output_base64sha256
  kms_key_arn      = var.kms_key_arn

  reserved_concurrent_executions = var.reserved_concurrency[each.key]

  environment {
    variables = { for name in each.value.environment : name => local.function_environment[name] }
  }

  ephemeral_storage {
    size = each.value.disk_mb # the deployer checks an artifact on its disk before it copies it
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name                 = "${local.name}-${each.key}"
  description          = "Lambda: run ${each.value.name}"
  assume_role_policy   = local.trust_policies.lambda
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = each.key
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.function_statements[each.key], local.kms_statements, local.function_vpc_statements[each.key], [
      local.list_bucket_statements[each.key],
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.logs_arn}:log-group:/aws/lambda/${each.value.name}:*"]
      },
    ])
  })
}

locals {
  # Only models of this pipeline, no other target on the endpoints.
  ask_models_statement = {
    Sid       = "AskModels"
    Effect    = "Allow"
    Action    = ["sagemaker:InvokeEndpoint"]
    Resource  = local.endpoint_arns
    Condition = { StringLike = { "sagemaker:TargetModel" = ["${local.group_prefix}*"] } }
  }

  report_failures_statement = {
    Sid      = "ReportFailures"
    Effect   = "Allow"
    Action   = ["sqs:SendMessage"]
    Resource = [local.queue_arns.failed]
  }

  function_statements = {
    invoker = concat([
      local.ask_models_statement,
      {
        Sid      = "ReadTheMap"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [local.models_map_arn]
      },
    ], local.capture_statements)

    deployer = [
      local.ask_models_statement,
      {
        Sid      = "ListTheRegistry"
        Effect   = "Allow"
        Action   = ["sagemaker:ListModelPackageGroups", "sagemaker:ListModelPackages"]
        Resource = ["*"] # listing takes no resource; the results are filtered by name
      },
      {
        Sid      = "ReadPackages"
        Effect   = "Allow"
        Action   = ["sagemaker:DescribeModelPackage"]
        Resource = [local.package_arns]
      },
      {
        Sid    = "ReadArtifactsAndMap"
        Effect = "Allow"
        Action = ["s3:GetObject"]
        Resource = [
          for prefix in concat([local.prefixes.executions, local.prefixes.models], local.records) :
          "${local.bucket_arn}/${prefix}*"
        ]
      },
      {
        Sid    = "DepositArtifactsSwitchTheMapAndKeepRecords"
        Effect = "Allow"
        Action = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = [
          for prefix in concat([local.prefixes.models, local.contract.columns_prefix], local.records) :
          "${local.bucket_arn}/${prefix}*"
        ]
      },
      {
        # It never deletes: it tags, and the bucket's lifecycle rule deletes once nothing can need the artifact.
        Sid      = "RetireAndReviveArtifacts"
        Effect   = "Allow"
        Action   = ["s3:DeleteObjectTagging", "s3:GetObjectTagging", "s3:PutObjectTagging"]
        Resource = ["${local.bucket_arn}/${local.prefixes.models}*"]
      },
      local.report_failures_statement,
    ]

    retrainer = [
      {
        Sid    = "RunPipelines"
        Effect = "Allow"
        Action = ["sagemaker:DescribePipelineExecution", "sagemaker:StartPipelineExecution"]
        Resource = flatten([
          for name in values(local.pipeline_names) : [
            "${local.sagemaker_arn}:pipeline/${name}", "${local.sagemaker_arn}:pipeline/${name}/execution/*",
          ]
        ])
      },
      {
        Sid      = "KeepNotes"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${local.bucket_arn}/${local.contract.retraining_prefix}*"]
      },
      local.report_failures_statement,
    ]
  }
}

# The URL of all models: a function URL of the invoker.

resource "aws_lambda_function_url" "invoker" {
  function_name      = aws_lambda_function.this["invoker"].function_name
  authorization_type = var.invoker_url_auth
}

# URLs created since October 2025 need two grants: to call the URL, and to call the function through it. With
# AWS_IAM they go to this account, where a caller's own policy decides (see people.tf); with NONE, to everyone.
locals {
  invoker_caller = {
    AWS_IAM = "arn:${local.partition}:iam::${local.account_id}:root"
    NONE    = "*"
  }[var.invoker_url_auth]
}

resource "aws_lambda_permission" "invoker_url" {
  statement_id           = "call-the-url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this["invoker"].function_name
  principal              = local.invoker_caller
  function_url_auth_type = var.invoker_url_auth
}

resource "aws_lambda_permission" "invoker_function" {
  statement_id             = "call-the-function-through-the-url"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.this["invoker"].function_name
  principal                = local.invoker_caller
  invoked_via_function_url = true
}
