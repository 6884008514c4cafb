# What people may do, as policies to attach to their roles. An operator runs notebooks 02, 03 and 05, in Studio
# or on a laptop, and 01 as a builder, too; an approver decides in 04 or in Studio. Nobody gets both by accident. A
# developer is an operator who also has a policy of their own, so that no policy grows with the number of people: IAM keeps at most 6,144
# characters of one (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).

locals {
  # What one may do with a pipeline, and the ARNs of pipelines with their executions.
  run_pipelines_actions = [
    "sagemaker:DescribePipeline",
    "sagemaker:DescribePipelineDefinitionForExecution",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:ListPipelineExecutions",
    "sagemaker:ListPipelineParametersForExecution",
    "sagemaker:RetryPipelineExecution",
    "sagemaker:StartPipelineExecution",
    "sagemaker:StopPipelineExecution",
  ]
  run_pipelines_resources = {
    for owner, names in merge({ terraform = values(local.pipeline_names) }, local.developer_pipeline_names) :
    owner => flatten([
      for name in names : [
        "${local.sagemaker_arn}:pipeline/${name}", "${local.sagemaker_arn}:pipeline/${name}/execution/*",
      ]
    ])
  }

  look_statements = [
    {
      Sid    = "List"
      Effect = "Allow"
      Action = [
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "logs:DescribeQueryDefinitions",
        "logs:GetQueryResults",
        "sagemaker:ListModelPackageGroups",
        "sagemaker:ListModelPackages",
        "sagemaker:ListPipelines",
      ]
      Resource = ["*"] # these actions take no resource
    },
    {
      Sid    = "SeeModels"
      Effect = "Allow"
      Action = [
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
      ]
      # Groups and packages, and nothing else that these actions take.
      Resource = concat(local.endpoint_arns, [replace(local.package_arns, "model-package/", "model-package*/")])
    },
    {
      # The parameter has Terraform's outputs, and so has the bucket.
      Sid    = "ReadBucketAndOutputs"
      Effect = "Allow"
      Action = ["s3:GetObject", "ssm:GetParameter"]
      Resource = concat(
        [for prefix in local.people_prefixes : "${local.bucket_arn}/${prefix}*"],
        ["arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter${local.outputs_parameter}"],
      )
    },
    local.list_bucket_statements.people,
    {
      Sid      = "ReadTheFunctionsLogs"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery"]
      Resource = [for function in values(local.functions) : "${local.logs_arn}:log-group:/aws/lambda/${function.name}:*"]
    },
    {
      Sid      = "AskModels"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
      Resource = [local.function_arns.invoker]
    },
  ]
}

locals {
  # What helpers/runs/tracking.py calls
  # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_sagemaker-mlflow.html).
  track_statements = flatten([
    for server in var.mlflow_tracking_server_arn[*] : [
      {
        Sid    = "RecordExecutions"
        Effect = "Allow"
        Action = [
          "sagemaker-mlflow:CreateExperiment",
          "sagemaker-mlflow:CreateRun",
          "sagemaker-mlflow:GetExperimentByName",
          "sagemaker-mlflow:GetRun",
          "sagemaker-mlflow:LogBatch",
          "sagemaker-mlflow:SearchRuns",
          "sagemaker-mlflow:SetTag",
          "sagemaker-mlflow:UpdateRun",
        ]
        Resource = [server]
      },
    ]
  ])
  # Tables, code, the page of all models and, with a tracking server, the reports of executions.
  brought_prefixes = concat(
    [local.prefixes.raw, local.prefixes.code, "${local.contract.monitoring_prefix}status/"],
    [for server in var.mlflow_tracking_server_arn[*] : "mlflow/"],
  )
}

locals {
  operator_statements = concat(local.look_statements, local.kms_statements, [
    {
      Sid      = "RunPipelines"
      Effect   = "Allow"
      Action   = local.run_pipelines_actions
      Resource = local.run_pipelines_resources.terraform
    },
    {
      Sid    = "FollowJobs"
      Effect = "Allow"
      Action = [
        "sagemaker:DescribeHyperParameterTuningJob",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
      ]
      Resource = ["${local.sagemaker_arn}:*-job/*"] # tuning, processing and training: what these actions take
    },
    {
      Sid      = "ReadTheLogs" # of jobs
      Effect   = "Allow"
      Action   = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"]
      Resource = ["${local.logs_arn}:log-group:/aws/sagemaker/*"]
    },
    {
      Sid      = "SeeQuotas" # for the forecast of a run
      Effect   = "Allow"
      Action   = ["servicequotas:ListServiceQuotas"]
      Resource = ["*"] # this action takes no resource
    },
    {
      Sid      = "BringTablesCodeAndStatus"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
      Resource = [for prefix in local.brought_prefixes : "${local.bucket_arn}/${prefix}*"]
    },
    {
      Sid      = "TellHowRunsEnd" # NOTIFY of `many-models run`
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = [local.topic_arn]
    },
    ],
    local.pull_image_statements,
    local.track_statements,
  )

  # Notebook 01, beside what an operator may.
  builder_statements = concat(local.push_image_statements, [
    {
      Sid      = "BuildTheImage"
      Effect   = "Allow"
      Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
      Resource = ["arn:${local.partition}:codebuild:${var.region}:${local.account_id}:project/${local.name}"]
    },
    {
      Sid      = "ReadTheBuildsLog"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"]
      Resource = ["${local.logs_arn}:log-group:${local.build_log_group}:*"]
    },
  ])
}

resource "aws_iam_policy" "operator" {
  count = local.trains ? 1 : 0

  name        = "${local.name}-operator"
  description = "Run the pipelines of ${local.name} and look at everything; approve nothing"
  path        = var.iam_path
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.operator_statements
  })
}

# Whoever builds the image is an operator who also has this. Apart, because a policy has 6,144 characters.
resource "aws_iam_policy" "builder" {
  count = local.trains ? 1 : 0

  name        = "${local.name}-builder"
  description = "Build the image of ${local.name}; attach it beside the operator's policy"
  path        = var.iam_path
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.builder_statements
  })
}

# Whoever scores tables by batch transform (`many-models score --env ...`) is an operator who also has this: the model and
# the job of one call, which have its name and live as long as it does, with the jobs' role and no other.
resource "aws_iam_policy" "scorer" {
  count = local.trains ? 1 : 0

  name        = "${local.name}-scorer"
  description = "Score tables with the models of ${local.name} by batch transform; attach it beside the operator's policy"
  path        = var.iam_path
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "KeepModelsToScoreWith"
        Effect   = "Allow"
        Action   = ["sagemaker:CreateModel", "sagemaker:DeleteModel"]
        Resource = ["${local.sagemaker_arn}:model/${local.name}-score-*"]
      },
      {
        Sid      = "RunTransformJobs"
        Effect   = "Allow"
        Action   = ["sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob"]
        Resource = ["${local.sagemaker_arn}:transform-job/${local.name}-score-*"]
      },
      {
        Sid      = "BringTablesToScore"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = ["${local.bucket_arn}/${local.prefixes.executions}scoring/*"]
      },
      {
        Sid       = "GiveThemTheJobsRole"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = [local.role_arns.jobs]
        Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
      },
    ]
  })
}

# A developer's own pipelines beside Terraform's, by exact name, with the jobs' role and no other.
resource "aws_iam_policy" "developer" {
  for_each = local.developer_pipeline_names

  name        = "${local.name}-developer-${each.key}"
  description = "Keep the own pipelines of ${each.key} beside those of ${local.name}; attach it beside the operator's policy"
  path        = var.iam_path
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "RunOwnPipelines"
        Effect   = "Allow"
        Action   = local.run_pipelines_actions
        Resource = local.run_pipelines_resources[each.key]
      },
      {
        Sid      = "KeepOwnPipelines"
        Effect   = "Allow"
        Action   = ["sagemaker:CreatePipeline", "sagemaker:DeletePipeline", "sagemaker:UpdatePipeline"]
        Resource = [for name in each.value : "${local.sagemaker_arn}:pipeline/${name}"]
      },
      {
        Sid       = "GiveOwnPipelinesTheJobsRole"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = [local.role_arns.jobs]
        Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_iam_policy" "approver" {
  name        = "${local.name}-approver"
  description = "Approve and reject model packages of ${local.name}, and see what comes of it"
  path        = var.iam_path
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.look_statements, local.kms_statements, [
      {
        Sid      = "Decide"
        Effect   = "Allow"
        Action   = ["sagemaker:UpdateModelPackage"]
        Resource = [local.package_arns]
        # Only to decide on a version.
        Condition = {
          StringEquals = { "sagemaker:ModelApprovalStatus" = ["Approved", "PendingManualApproval", "Rejected"] }
        }
      },
      {
        # Which versions a run has registered.
        Sid      = "SeeRuns"
        Effect   = "Allow"
        Action   = ["sagemaker:ListPipelineExecutionSteps", "sagemaker:ListPipelineExecutions"]
        Resource = local.run_pipelines_resources["terraform"]
      },
      {
        Sid      = "SweepNow"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [local.function_arns.deployer]
      },
    ])
  })
}

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
    Statement = concat(local.operator_statements, local.builder_statements, local.space_statements, local.notebook_job_statements)
  })
}

locals {
  # A person's own private spaces, as
  # https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl-admin-guide-permissions.html describes them.
  # SageMaker fills in the domain and the profile of the caller.
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
