# One bucket: raw tables, the code of jobs, what executions make, the served models and the models map.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs need a second bucket; CloudTrail data events are the account's to switch on
  #checkov:skip=CKV_AWS_144:What is served can be made anew from the raw tables; no copy in another region
  #checkov:skip=CKV2_AWS_62:Nothing starts by an object; the registry's events and schedules do
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
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  # What only the steps of one execution need. Everything else of an execution stays, because a registered
  # package names it for ever: the model (a rollback copies it anew), its evaluation and the held-out rows.
  # That is why the step comes before the execution's id in these keys: a lifecycle rule sees prefixes only.
  intermediates = [for folder in ["PreprocessData/train/", "TuningWithCrossValidation/"] :
  "${local.prefixes.executions}${folder}"]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # The rule cannot see the models map: it takes what the deployer has tagged after it switched to another
  # version, and the deployer takes the tag off again when that version comes back.
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
    for_each = local.intermediates

    content {
      id     = "intermediates-${rule.key}"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = var.retention_days.intermediates
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
