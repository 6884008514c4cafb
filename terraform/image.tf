# The image for jobs and endpoint: where it is stored, and what builds it for people without Docker.

resource "aws_ecr_repository" "this" {
  count = local.trains ? 1 : 0

  name                 = local.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn # null: the account's key for ECR
  }
}

# An image that has its tag never expires: a registered package, an endpoint's configuration or a definition may name it
# by its digest for as long as they exist, and ECR does not know. What layers have in common is stored once.
resource "aws_ecr_lifecycle_policy" "this" {
  count = local.trains ? 1 : 0

  repository = aws_ecr_repository.this[0].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Leftovers of pushes"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}

# The base image is AWS's own, in an account that differs by region.
data "aws_sagemaker_prebuilt_ecr_image" "base" {
  repository_name = "sagemaker-scikit-learn"
  image_tag       = var.base_image_tag
}

locals {
  base_image = data.aws_sagemaker_prebuilt_ecr_image.base.registry_path
  base_repository_arn = join("", [
    "arn:${local.partition}:ecr:${var.region}:${data.aws_sagemaker_prebuilt_ecr_image.base.registry_id}",
    ":repository/sagemaker-scikit-learn",
  ])
  build_log_group = "/aws/codebuild/${local.name}"

  # For whoever builds the image, beside pulling it: CodeBuild, people with Docker, and CI.
  push_image_statements = [
    {
      Sid      = "PushTheImage"
      Effect   = "Allow"
      Resource = [local.repository_arn]
      Action = [
        "ecr:CompleteLayerUpload",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ]
    },
    {
      Sid      = "PullTheBaseImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [local.base_repository_arn]
    },
  ]
}

# To start a build, notebook 01 uploads container/ as a zip under code/, and passes the zip as the source, the tag
# as IMAGE_TAG and the base image as BASE_IMAGE, by its digest because the tag depends on it.
resource "aws_codebuild_project" "this" {
  #checkov:skip=CKV_AWS_316:docker build needs a Docker daemon, which needs privileged mode
  count = local.trains ? 1 : 0

  name           = local.name
  description    = "Builds container/ and pushes it to ${local.name}"
  service_role   = aws_iam_role.build[0].arn
  build_timeout  = 60
  encryption_key = var.kms_key_arn

  artifacts {
    type = "NO_ARTIFACTS"
  }

  source {
    type     = "S3"
    location = "${local.bucket_name}/${local.prefixes.code}container.zip" # each build names its own
    buildspec = yamlencode({
      version = "0.2"
      phases = {
        build = {
          commands = [
            "test -n \"$IMAGE_TAG\"",
            "aws ecr get-login-password | docker login --username AWS --password-stdin \"$${REPOSITORY%%/*}\"",
            "aws ecr get-login-password | docker login --username AWS --password-stdin \"$${BASE_IMAGE%%/*}\"",
            # SageMaker only runs images with Docker's own media types; see src/helpers/image/docker.py.
            "PLAIN=''; if docker buildx version; then PLAIN='--provenance=false --sbom=false --output type=image,oci-mediatypes=false'; fi",
            "docker build $PLAIN --platform linux/amd64 --build-arg \"BASE_IMAGE=$BASE_IMAGE\" --tag \"$REPOSITORY:$IMAGE_TAG\" .",
            "docker push \"$REPOSITORY:$IMAGE_TAG\"",
          ]
        }
      }
    })
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_MEDIUM"
    image           = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    privileged_mode = true

    environment_variable {
      name  = "REPOSITORY"
      value = aws_ecr_repository.this[0].repository_url
    }

    environment_variable {
      name  = "BASE_IMAGE"
      value = local.base_image
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build[0].name
    }
  }
}

resource "aws_cloudwatch_log_group" "build" {
  count = local.trains ? 1 : 0

  name              = local.build_log_group
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "build" {
  count = local.trains ? 1 : 0

  name                 = "${local.name}-build"
  description          = "CodeBuild: read the zip of container/, push the image"
  assume_role_policy   = local.trust_policies.codebuild
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "build" {
  count = local.trains ? 1 : 0

  name = "build"
  role = aws_iam_role.build[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image_statements, local.push_image_statements, local.kms_statements, [
      {
        Sid      = "ReadTheZip"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["${local.bucket_arn}/${local.prefixes.code}*"]
      },
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.logs_arn}:log-group:${local.build_log_group}:*"]
      },
    ])
  })
}
