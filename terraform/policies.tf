# Statements that several roles share. Each role and its own statements are defined beside what uses them.

locals {
  # Jobs and endpoint pull only this project's image.
  pull_image_statements = [
    {
      Sid      = "LogInToTheRegistry"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"] # takes no resource
    },
    {
      Sid      = "PullTheImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [local.repository_arn]
    },
  ]

  # Only an approver approves: neither a pipeline nor a promotion can register a version that is already approved.
  register_statement = {
    Sid       = "RegisterForApproval"
    Effect    = "Allow"
    Action    = ["sagemaker:CreateModelPackage"]
    Resource  = [local.group_arns, local.package_arns]
    Condition = { StringEquals = { "sagemaker:ModelApprovalStatus" = "PendingManualApproval" } }
  }

  put_metrics_statement = {
    Sid       = "PutMetrics"
    Effect    = "Allow"
    Action    = ["cloudwatch:PutMetricData"]
    Resource  = ["*"] # takes no resource; the namespace limits it
    Condition = { StringLike = { "cloudwatch:namespace" = ["/aws/sagemaker/*", "AWS/SageMaker*"] } }
  }

  # Needed by every role that reads or writes the bucket if kms_key_arn encrypts it.
  kms_statements = [
    for key in var.kms_key_arn[*] : {
      Sid      = "UseTheKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      Resource = [key]
    }
  ]

  # Needed beside that by the jobs, which name the key for what they write
  # (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html).
  kms_output_statements = [
    for key in var.kms_key_arn[*] : {
      Sid      = "EncryptOutputs"
      Effect   = "Allow"
      Action   = ["kms:Encrypt"]
      Resource = [key]
    }
  ]

  # Network interfaces, needed by every role whose containers run in a VPC.
  vpc_statements = flatten([
    for vpc in var.vpc[*] : [
      {
        Sid    = "OwnNetworkInterfaces"
        Effect = "Allow"
        Action = [
          "ec2:AssignPrivateIpAddresses",
          "ec2:CreateNetworkInterface",
          "ec2:CreateNetworkInterfacePermission",
          "ec2:DeleteNetworkInterface",
          "ec2:DeleteNetworkInterfacePermission",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = [
          for resource in concat(
            ["network-interface/*"],
            [for id in vpc.subnet_ids : "subnet/${id}"],
            [for id in vpc.security_group_ids : "security-group/${id}"],
          ) : "arn:${local.partition}:ec2:${var.region}:${local.account_id}:${resource}"
        ]
      },
      {
        Sid    = "SeeTheNetwork"
        Effect = "Allow"
        Action = [
          "ec2:DescribeDhcpOptions",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
        ]
        Resource = ["*"] # these actions take no resource
      },
    ]
  ])

  # The same for functions. Before Lambda creates one, it asks whether its role may do this with any network interface
  # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, hashicorp/terraform-provider-aws #20698), so
  # the resource must be *. Lambda may use the role for this; the function's own code may not.
  function_vpc_statements = {
    for role, arn in local.function_arns : role => flatten([
      for vpc in var.vpc[*] : [
        {
          Sid      = "LambdasNetworkInterfaces"
          Effect   = "Allow"
          Action   = local.function_vpc_actions
          Resource = ["*"]
        },
        {
          Sid       = "NoneForTheCode"
          Effect    = "Deny"
          Action    = local.function_vpc_actions
          Resource  = ["*"]
          Condition = { ArnEquals = { "lambda:SourceFunctionArn" = [arn] } }
        },
      ]
    ])
  }
  function_vpc_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]

  # Without ListBucket, S3 answers 403 for a key that does not exist, and the code expects 404 for "not yet". A
  # request for one object has no prefix, so the condition must not require one.
  all_prefixes    = concat(values(local.prefixes), local.records)
  people_prefixes = concat(values(local.prefixes), [local.deployments_prefix, local.contract.monitoring_prefix])
  listed_prefixes = {
    jobs      = local.all_prefixes
    endpoint  = [local.prefixes.models]
    deployer  = concat([local.prefixes.executions, local.prefixes.models], local.records)
    invoker   = [local.contract.models_map_key, local.contract.columns_prefix]
    retrainer = [local.prefixes.raw, local.contract.retraining_prefix]
    monitor = [
      local.contract.models_map_key, local.prefixes.models, local.contract.captured_prefix,
      local.contract.labels_prefix, local.contract.monitoring_prefix,
    ]
    people = local.people_prefixes
  }
  list_bucket_statements = {
    for role, prefixes in local.listed_prefixes : role => {
      Sid       = "ListTheBucket"
      Effect    = "Allow"
      Action    = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource  = [local.bucket_arn]
      Condition = { StringLikeIfExists = { "s3:prefix" = [for prefix in prefixes : "${prefix}*"] } }
    }
  }

  # A service may assume a role only for this account.
  trust_policies = {
    for service in ["codebuild", "firehose", "lambda", "sagemaker", "scheduler"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [merge(
        {
          Effect    = "Allow"
          Principal = { Service = "${service}.amazonaws.com" }
          Action    = "sts:AssumeRole"
        },
        # Lambda does not say which account it acts for, and Firehose says it as an external id
        # (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role).
        {
          for name, value in {
            Condition = {
              StringEquals = { (service == "firehose" ? "sts:ExternalId" : "aws:SourceAccount") = local.account_id }
            }
          } : name => value if service != "lambda"
        },
      )]
    })
  }
}
