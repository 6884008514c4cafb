# The role of SageMaker Studio's spaces, to name as the execution role of a user profile or a domain. Whoever works there
# is an operator; an approver needs another profile. Notebook jobs (docs/operations/schedules) run with it, too.

resource "aws_iam_role" "studio" {
  count = var.studio && local.trains ? 1 : 0

  name                 = "${local.name}-studio"
  description          = "SageMaker Studio: run the notebooks of ${local.name} in a space or as jobs; approve nothing"
  assume_role_policy   = local.trust_policies.sagemaker
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "studio" {
  count = length(aws_iam_role.studio)

  name = "studio"
  role = aws_iam_role.studio[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.operator_statements, local.space_statements, local.notebook_job_statements)
  })
}

locals {
  # A person's own private spaces, as
  # https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl-admin-guide-permissions.html has it. SageMaker
  # fills in the domain and the profile of who asks.
  own_profile = "${local.sagemaker_arn}:user-profile/$${sagemaker:DomainId}/$${sagemaker:UserProfileName}"
  space_statements = [
    {
      Sid      = "OpenStudio"
      Effect   = "Allow"
      Action   = ["sagemaker:CreatePresignedDomainUrl"]
      Resource = [local.own_profile]
    },
    {
      Sid      = "ListStudio"
      Effect   = "Allow"
      Action   = [for what in ["Apps", "Domains", "Spaces", "UserProfiles"] : "sagemaker:List${what}"]
      Resource = ["*"] # these actions take no resource
    },
    {
      Sid      = "SeeStudio"
      Effect   = "Allow"
      Action   = [for what in ["App", "Domain", "Space", "UserProfile"] : "sagemaker:Describe${what}"]
      Resource = [for kind in ["app", "domain", "space", "user-profile"] : "${local.sagemaker_arn}:${kind}/*"]
    },
    {
      Sid    = "KeepOwnSpaces"
      Effect = "Allow"
      Action = [
        "sagemaker:CreateApp",
        "sagemaker:CreateSpace",
        "sagemaker:DeleteApp",
        "sagemaker:DeleteSpace",
        "sagemaker:UpdateSpace",
      ]
      Resource = [for kind in ["app", "space"] : "${local.sagemaker_arn}:${kind}/$${sagemaker:DomainId}/*"]
      Condition = {
        ArnLike      = { "sagemaker:OwnerUserProfileArn" = [local.own_profile] }
        StringEquals = { "sagemaker:SpaceSharingType" = ["Private"] }
      }
    },
    {
      Sid       = "TagSpaces"
      Effect    = "Allow"
      Action    = ["sagemaker:AddTags"]
      Resource  = [for kind in ["app", "space"] : "${local.sagemaker_arn}:${kind}/*"]
      Condition = { StringEquals = { "sagemaker:TaggingAction" = ["CreateApp", "CreateSpace"] } }
    },
  ]

  # docs/operations/schedules/notebook_job.py: a pipeline whose steps are training jobs of this role. Their inputs and outputs are
  # under code/, where an operator may write.
  notebook_pipeline_arn = "${local.sagemaker_arn}:pipeline/${local.name}-notebooks"
  notebook_job_statements = [
    {
      Sid    = "KeepNotebookJobs"
      Effect = "Allow"
      Action = concat(
        local.run_pipelines_actions,
        ["sagemaker:CreatePipeline", "sagemaker:DeletePipeline", "sagemaker:UpdatePipeline"],
      )
      Resource = [local.notebook_pipeline_arn, "${local.notebook_pipeline_arn}/execution/*"]
    },
    {
      Sid      = "RunNotebookJobs"
      Effect   = "Allow"
      Action   = ["sagemaker:AddTags", "sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"]
      Resource = ["${local.sagemaker_arn}:training-job/pipelines-*"]
    },
    {
      Sid       = "GiveNotebookJobsThisRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [local.role_arns.studio]
      Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
    },
    {
      # In an account of AWS, another one in each region.
      Sid      = "PullStudiosImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = ["arn:${local.partition}:ecr:${var.region}:*:repository/sagemaker-distribution-prod"]
    },
    {
      Sid    = "WriteNotebookJobsLogs"
      Effect = "Allow"
      Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = [
        "${local.logs_arn}:log-group:/aws/sagemaker/TrainingJobs",
        "${local.logs_arn}:log-group:/aws/sagemaker/TrainingJobs:*",
      ]
    },
  ]
}
