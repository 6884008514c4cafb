# The pipelines, from the definitions that notebook 02 compiles, and the role of their jobs.
#
# A definition names its code by the tarball's SHA-256 (code/<sha256>/source.tar.gz), which notebook 02 uploads
# before it compiles. Terraform owns the bucket and its permissions, not the object. If it owned the object, new
# code would delete the old tarball, which running executions, developers' pipelines and registered packages still
# name.
# Either way, the same file gives the same plan on every machine.

locals {
  definition_files = {
    for family, file in {
      classification = var.pipeline_definition_file
      regression     = var.pipeline_definition_regression_file
    } : family => file if file != null
  }
}

resource "aws_sagemaker_pipeline" "this" {
  for_each = local.definition_files

  pipeline_name         = local.pipeline_names[each.key]
  pipeline_display_name = local.pipeline_names[each.key]
  role_arn              = aws_iam_role.jobs[0].arn
  pipeline_definition   = file(each.value)

  lifecycle {
    precondition {
      condition = (strcontains(file(each.value), local.role_arns.jobs)
      && strcontains(file(each.value), "s3://${local.bucket_name}/"))
      error_message = "${each.value} was compiled for another environment: it does not contain ${local.role_arns.jobs} and ${local.bucket_name}. Run notebook 02 with this environment's outputs."
    }

    precondition {
      condition     = var.image_uri == null || strcontains(file(each.value), coalesce(var.image_uri, "-"))
      error_message = "${each.value} was compiled with another image than image_uri. `many-models up` compiles it again; README.md says how to do it by hand."
    }

    precondition {
      condition     = var.kms_key_arn == null || strcontains(file(each.value), coalesce(var.kms_key_arn, "-"))
      error_message = "${each.value} was compiled without kms_key_arn, so its jobs would encrypt with AWS's own key. `many-models up` compiles it again; README.md says how to do it by hand."
    }

    precondition {
      condition = alltrue([
        for id in flatten([for vpc in var.vpc[*] : [vpc.subnet_ids, vpc.security_group_ids]]) :
        strcontains(file(each.value), id)
      ])
      error_message = "${each.value} was compiled without vpc, so its jobs would run outside it. `many-models up` compiles it again; README.md says how to do it by hand."
    }
  }

  depends_on = [aws_iam_role_policy.jobs]
}

resource "aws_iam_role" "jobs" {
  count = local.trains ? 1 : 0

  name                 = "${local.name}-jobs"
  description          = "SageMaker: run the pipelines and their jobs"
  assume_role_policy   = local.trust_policies.sagemaker
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "jobs" {
  count = local.trains ? 1 : 0

  name = "jobs"
  role = aws_iam_role.jobs[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image_statements, local.kms_statements, local.kms_output_statements, local.vpc_statements, [
      local.put_metrics_statement,
      local.list_bucket_statements.jobs,
      # What the pipeline needs from SageMaker. SageMaker names jobs `pipelines-<execution>-<step>-...`, a tuning
      # job `<execution>-<step>-...`, and the trials after their tuning job.
      {
        Sid    = "RunJobs"
        Effect = "Allow"
        Action = [
          "sagemaker:CreateProcessingJob",
          "sagemaker:CreateTrainingJob",
          "sagemaker:DescribeProcessingJob",
          "sagemaker:StopProcessingJob",
          "sagemaker:StopTrainingJob",
        ]
        Resource = [for kind in ["processing-job", "training-job"] : "${local.sagemaker_arn}:${kind}/pipelines-*"]
      },
      {
        Sid    = "RunTuning"
        Effect = "Allow"
        Action = [
          "sagemaker:CreateHyperParameterTuningJob",
          "sagemaker:DescribeHyperParameterTuningJob",
          "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
          "sagemaker:StopHyperParameterTuningJob",
        ]
        Resource = ["${local.sagemaker_arn}:hyper-parameter-tuning-job/*"]
      },
      {
        # RefitBestModel reads the winning trial's hyperparameters.
        Sid      = "ReadTrials"
        Effect   = "Allow"
        Action   = ["sagemaker:DescribeTrainingJob"]
        Resource = ["${local.sagemaker_arn}:training-job/*"]
      },
      {
        # SageMaker tags everything a pipeline creates with the execution that created it.
        Sid    = "TagWhatItMakes"
        Effect = "Allow"
        Action = ["sagemaker:AddTags"]
        Resource = [
          "${local.sagemaker_arn}:processing-job/pipelines-*",
          "${local.sagemaker_arn}:training-job/*",
          "${local.sagemaker_arn}:hyper-parameter-tuning-job/*",
          local.group_arns,
          local.package_arns,
        ]
      },
      {
        Sid       = "GiveJobsThisRole"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = [local.role_arns.jobs]
        Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
      },
      {
        Sid      = "KeepGroups"
        Effect   = "Allow"
        Action   = ["sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup"]
        Resource = [local.group_arns]
      },
      local.register_statement,
      {
        Sid      = "SeePackages"
        Effect   = "Allow"
        Action   = ["sagemaker:DescribeModelPackage"]
        Resource = [local.package_arns]
      },
      # What the jobs need in the bucket. EvaluateBestModel reads the models map and the model in service.
      {
        Sid    = "ReadInputs"
        Effect = "Allow"
        Action = ["s3:GetObject"]
        Resource = concat(
          [for prefix in values(local.prefixes) : "${local.bucket_arn}/${prefix}*"], [local.models_map_arn]
        )
      },
      {
        Sid      = "WriteOutputs"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = ["${local.bucket_arn}/${local.prefixes.executions}*"]
      },
      {
        # These groups belong to the account; SageMaker creates them with the first job.
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = flatten([
          for kind in ["ProcessingJobs", "TrainingJobs", "TransformJobs"] : [ # the last for `many-models score`
            "${local.logs_arn}:log-group:/aws/sagemaker/${kind}",
            "${local.logs_arn}:log-group:/aws/sagemaker/${kind}:*",
          ]
        ])
      },
    ])
  })
}
