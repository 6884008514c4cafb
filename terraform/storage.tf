# One bucket for the raw tables, the code of jobs, the outputs of executions, the served models and the models map.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs need a second bucket; whether to log data events in CloudTrail is up to the account
  #checkov:skip=CKV_AWS_144:Models can be trained again from the raw tables; no copy in another region is needed
  #checkov:skip=CKV2_AWS_62:No object starts anything; the registry's events and the schedules do
  bucket        = local.bucket_name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn # null: the account's key for S3
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.promotion_bucket_statements, [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  # What is captured of requests, and what the stream could not store.
  captured = [local.contract.captured_prefix, split("!", local.contract.capture.error_prefix)[0]]

  # What only the steps of one execution need. Everything else in an execution stays, because a registered package
  # always refers to it: the model (a rollback copies it again), its evaluation and the held-out rows. The step
  # comes before the execution's id in these keys, because a lifecycle rule sees only prefixes.
  intermediates = [
    for folder in ["PreprocessData/train/", "TuningWithCrossValidation/", "SearchAndRefit/checkpoints/"] :
    "${local.prefixes.executions}${folder}"
  ]

  expiring = merge(
    { for index, prefix in local.intermediates :
      "intermediates-${index}" => { prefix = prefix, days = var.retention_days.intermediates }
    },
    { for index, prefix in local.captured :
      "captured-${index}" => { prefix = prefix, days = var.retention_days.captured }
    },
  )
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # The rule cannot see the models map. It deletes what the deployer tagged after switching to another version;
  # the deployer removes the tag when that version comes back.
  rule {
    id     = "retired-models"
    status = "Enabled"

    filter {
      and {
        prefix = local.prefixes.models
        tags   = { retired = "true" }
      }
    }

    expiration {
      days = var.retention_days.retired_models
    }
  }

  dynamic "rule" {
    for_each = local.expiring

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      expiration {
        days = rule.value.days
      }
    }
  }

  rule {
    id     = "leftovers"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = var.retention_days.noncurrent_versions
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
