# What watches the models: the stream of captured requests to the bucket, and the check for drift that reads them.

locals {
  capture     = local.contract.capture
  capture_arn = "arn:${local.partition}:firehose:${var.region}:${local.account_id}:deliverystream/${local.capture.stream}"
  captures    = toset(var.capture_rate > 0 ? ["capture"] : [])

  # The invoker's, only if there is a stream. The columns of models say where the cells are that it leaves out.
  capture_statements = flatten([
    for _ in local.captures : [
      {
        Sid      = "SendCapturedRequests"
        Effect   = "Allow"
        Action   = ["firehose:PutRecordBatch"]
        Resource = [local.capture_arn]
      },
      {
        Sid      = "ReadTheColumnsOfModels"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.bucket_arn}/${local.contract.columns_prefix}*"]
      },
    ]
  ])
}

# Firehose sorts the lines into folders by group, version and day, which it finds in each line.
# https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
resource "aws_kinesis_firehose_delivery_stream" "capture" {
  #checkov:skip=CKV_AWS_241:It is encrypted with kms_key_arn, and with a key of AWS's own where there is none, as everything here
  for_each = local.captures

  name        = local.capture.stream
  destination = "extended_s3"

  server_side_encryption {
    enabled  = true
    key_type = var.kms_key_arn == null ? "AWS_OWNED_CMK" : "CUSTOMER_MANAGED_CMK"
    key_arn  = var.kms_key_arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.capture[each.key].arn
    bucket_arn          = local.bucket_arn
    prefix              = local.capture.prefix
    error_output_prefix = local.capture.error_prefix
    file_extension      = local.capture.file_extension
    compression_format  = "GZIP"
    buffering_interval  = local.capture.buffer_seconds
    buffering_size      = local.capture.buffer_mb

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "MetadataExtraction"

        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = local.capture.partition_keys
        }

        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
      }
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.capture[each.key].name
      log_stream_name = aws_cloudwatch_log_stream.capture[each.key].name
    }
  }

  depends_on = [aws_iam_role_policy.capture]
}

resource "aws_cloudwatch_log_group" "capture" {
  for_each = local.captures

  name              = "/aws/kinesisfirehose/${local.capture.stream}"
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_stream" "capture" {
  for_each = local.captures

  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.capture[each.key].name
}

resource "aws_iam_role" "capture" {
  for_each = local.captures

  name                 = local.capture.stream
  description          = "Firehose: store captured requests of ${local.name}"
  assume_role_policy   = local.trust_policies.firehose
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

# https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
resource "aws_iam_role_policy" "capture" {
  for_each = local.captures

  name = each.key
  role = aws_iam_role.capture[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.kms_statements, [
      {
        Sid      = "StoreCapturedRequests"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = [for prefix in local.captured : "${local.bucket_arn}/${prefix}*"]
      },
      {
        Sid      = "SeeTheBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = [local.bucket_arn]
      },
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:PutLogEvents"]
        Resource = ["${local.logs_arn}:log-group:/aws/kinesisfirehose/${local.capture.stream}:*"]
      },
    ])
  })
}

# The check for drift: a processing job that a schedule starts, or a person with the policy `monitor`.

locals {
  # SageMaker's names of jobs have at most 63 characters, of which the schedule's id may take 36.
  monitor_job_prefix = "${trimsuffix(substr(local.name, 0, 17), "-")}-monitor-"
  monitor_job_arns   = "${local.sagemaker_arn}:processing-job/${local.monitor_job_prefix}*"
  monitoring_arn     = "${local.bucket_arn}/${local.contract.monitoring_prefix}"
  on_drift_key       = "${local.contract.monitoring_prefix}on-drift.json"

  drift_checks = { for check in var.drift_check[*] : "drift" => check if var.image_uri != null }
  # What the retrainer is called with, for the data sets that are retrained when their model has drifted.
  on_drift = {
    for dataset, schedule in var.retraining : dataset => {
      dataset    = dataset
      target     = schedule.target
      family     = schedule.family
      parameters = schedule.parameters
    } if schedule.on_drift && contains(keys(local.definition_files), schedule.family)
  }

  # The same as helpers/monitoring/reports.py gives, and whom the check tells.
  monitor_arguments = concat(
    ["--pipeline-name", local.name],
    flatten([
      for name, key in {
        models-map = local.contract.models_map_key
        captured   = local.contract.captured_prefix
        labels     = local.contract.labels_prefix
        monitoring = local.contract.monitoring_prefix
      } : ["--${name}-uri", "s3://${local.bucket_name}/${key}"]
    ]),
    [for check in values(local.drift_checks) : "--window"], [for check in values(local.drift_checks) : check.window],
    ["--metrics-namespace", local.contract.metrics_namespace, "--topic-arn", local.topic_arn],
    length(local.on_drift) == 0 ? [] : [
      "--retrainer", local.contract.functions.retrainer.name,
      "--on-drift-uri", "s3://${local.bucket_name}/${local.on_drift_key}",
    ],
  )

  start_check_statements = [
    {
      Sid      = "StartChecks"
      Effect   = "Allow"
      Action   = ["sagemaker:CreateProcessingJob"]
      Resource = [local.monitor_job_arns]
    },
    {
      Sid       = "GiveChecksTheirRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [local.role_arns.monitor]
      Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
    },
  ]
}

# A universal target calls an operation of AWS with the input as its request
# (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html).
resource "aws_scheduler_schedule" "drift" {
  for_each = local.drift_checks

  name                         = "${local.name}-drift"
  description                  = "Compare what all models in service are asked with their training"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }

  target {
    arn      = "arn:${local.partition}:scheduler:::aws-sdk:sagemaker:createProcessingJob"
    role_arn = aws_iam_role.scheduler.arn
    # jsonencode would escape the brackets of what the schedule replaces by the id of its call.
    input = replace(replace(jsonencode(merge(
      {
        ProcessingJobName = "${local.monitor_job_prefix}<aws.scheduler.execution-id>"
        RoleArn           = local.role_arns.monitor
        AppSpecification = {
          ImageUri            = var.image_uri
          ContainerEntrypoint = ["process", "tabular.jobs.monitor"]
          ContainerArguments  = local.monitor_arguments
        }
        ProcessingResources = {
          ClusterConfig = { InstanceType = each.value.instance_type, InstanceCount = 1, VolumeSizeInGB = 10 }
        }
        StoppingCondition = { MaxRuntimeInSeconds = 3600 }
        Tags              = [{ Key = "Pipeline", Value = local.name }]
      },
      { for vpc in var.vpc[*] : "NetworkConfig" => {
        VpcConfig = { SecurityGroupIds = sort(vpc.security_group_ids), Subnets = sort(vpc.subnet_ids) }
      } },
    )), "\\u003c", "<"), "\\u003e", ">")

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }

    dead_letter_config {
      arn = aws_sqs_queue.this["undelivered"].arn
    }
  }
}

resource "aws_s3_object" "on_drift" {
  count = length(local.on_drift) > 0 ? 1 : 0

  bucket       = aws_s3_bucket.this.id
  key          = local.on_drift_key
  content      = jsonencode(local.on_drift)
  content_type = "application/json"
}

resource "aws_iam_role" "monitor" {
  name                 = "${local.name}-monitor"
  description          = "SageMaker: check the models of ${local.name} for drift"
  assume_role_policy   = local.trust_policies.sagemaker
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "monitor" {
  name = "monitor"
  role = aws_iam_role.monitor.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image_statements, local.kms_statements, local.vpc_statements, [
      local.put_metrics_statement,
      local.list_bucket_statements.monitor,
      {
        Sid       = "PutOwnMetrics"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"] # takes no resource; the namespace limits it
        Condition = { StringEquals = { "cloudwatch:namespace" = local.contract.metrics_namespace } }
      },
      {
        Sid    = "ReadWhatIsCompared"
        Effect = "Allow"
        Action = ["s3:GetObject"]
        Resource = concat([local.models_map_arn, "${local.bucket_arn}/${local.prefixes.models}*.baseline.json.gz"], [
          for prefix in [local.contract.captured_prefix, local.contract.labels_prefix, local.contract.monitoring_prefix] :
          "${local.bucket_arn}/${prefix}*"
        ])
      },
      {
        Sid      = "WriteReports"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [for key in ["reports/*", "latest.json", "retrained.json"] : "${local.monitoring_arn}${key}"]
      },
      {
        Sid      = "NameDriftedModels"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [local.topic_arn]
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [
          "${local.logs_arn}:log-group:/aws/sagemaker/ProcessingJobs",
          "${local.logs_arn}:log-group:/aws/sagemaker/ProcessingJobs:*",
        ]
      },
      ], local.trains && anytrue(values(var.retraining)[*].on_drift) ? [{
        Sid      = "RetrainOnDrift"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [local.function_arns.retrainer]
    }] : [])
  })
}

# For people beside the operator's policy: start a check, bring labels, and note what was retrained.
resource "aws_iam_policy" "monitor" {
  name        = "${local.name}-monitor"
  description = "Check the models of ${local.name} for drift, and bring late labels"
  path        = var.iam_path
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.start_check_statements, [
      {
        Sid      = "BringLabelsAndNoteRetrainings"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${local.bucket_arn}/${local.contract.labels_prefix}*", "${local.monitoring_arn}retrained.json"]
      },
    ])
  })
}
