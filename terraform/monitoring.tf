# What is kept of requests to watch the models by: the stream from the invoker to captured/ of the bucket.

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
