# Promotion: a model that one environment trains, and another registers, approves and serves, in another account or in
# the same one. The environment that serves reads and copies; the one that trains can write nothing there.
# docs/models/promotion.md says why, and how to promote.

# Where models are trained: what the accounts in promote_to may read, and nothing else.

locals {
  promoted_to = flatten([
    for to in var.promote_to[*] : [for id in to.account_ids : "arn:${local.partition}:iam::${id}:root"]
  ])

  promotion_bucket_statements = [
    for principals in [local.promoted_to] : {
      Sid       = "PromotedToReadModelsAndEvaluations"
      Effect    = "Allow"
      Principal = { AWS = principals }
      Action    = "s3:GetObject"
      Resource  = [for prefix in local.contract.promoted_prefixes : "${local.bucket_arn}/${prefix}*"]
    } if length(principals) > 0
  ]
}

# https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html, "Deploy a Model Version from a Different
# Account". The pipeline creates a group with its first version, so a data set can be named here only after that.
resource "aws_sagemaker_model_package_group_policy" "promotion" {
  for_each = toset(flatten(var.promote_to[*].datasets))

  model_package_group_name = "${local.group_prefix}${each.key}"
  resource_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "PromotedToReadVersions"
        Effect    = "Allow"
        Principal = { AWS = local.promoted_to }
        Action    = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
        Resource = [
          "${local.sagemaker_arn}:model-package-group/${local.group_prefix}${each.key}",
          "${local.sagemaker_arn}:model-package/${local.group_prefix}${each.key}/*",
        ]
      },
    ]
  })
}

# The endpoint there pulls the image from here.
resource "aws_ecr_repository_policy" "promotion" {
  for_each = toset(length(local.promoted_to) > 0 ? [local.name] : [])

  repository = aws_ecr_repository.this[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PromotedToPull"
      Effect    = "Allow"
      Principal = { AWS = local.promoted_to }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }]
  })
}

resource "aws_kms_grant" "promotion" {
  for_each = toset(local.promoted_to)

  name              = "${local.name}-promotion"
  key_id            = var.kms_key_arn
  grantee_principal = each.key
  operations        = ["Decrypt"]
}

# Where models are served: who may take them over. The approver, who decides on them, needs nothing in the other account.

locals {
  source_name          = one(var.promote_from[*].pipeline_name)
  source_bucket        = one([for from in var.promote_from[*] : "${from.pipeline_name}-${from.account_id}-${var.region}"])
  source_sagemaker_arn = one([for from in var.promote_from[*] : "arn:${local.partition}:sagemaker:${var.region}:${from.account_id}"])
}

resource "aws_iam_policy" "promoter" {
  count = local.trains ? 0 : 1

  name        = "${local.name}-promoter"
  path        = var.iam_path
  description = "Take over models that ${local.source_name} trained, for an approver of ${local.name} to decide on; approve nothing"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.look_statements, local.kms_statements, local.pull_image_statements, [
      {
        Sid      = "ReadTheVersionsTrainedThere"
        Effect   = "Allow"
        Action   = ["sagemaker:DescribeModelPackage"]
        Resource = ["${local.source_sagemaker_arn}:model-package/${local.source_name}--*"]
      },
      {
        Sid      = "ReadTheirModelsAndEvaluations"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for prefix in local.contract.promoted_prefixes : "arn:${local.partition}:s3:::${local.source_bucket}/${prefix}*"]
      },
      {
        Sid       = "DecryptThem"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [var.promote_from.kms_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.${data.aws_partition.this.dns_suffix}" } }
      },
      {
        Sid      = "KeepCopies"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = [for prefix in local.contract.promoted_prefixes : "${local.bucket_arn}/${prefix}*"]
      },
      {
        Sid      = "KeepGroups"
        Effect   = "Allow"
        Action   = ["sagemaker:CreateModelPackageGroup"]
        Resource = [local.group_arns]
      },
      local.register_statement,
    ])
  })
}
