# One multi-model endpoint for all models, or as many as `endpoints` says. They exist from the second apply on, when
# there is an image; `endpoint_enabled = false` deletes them and ends their bill, and leaves registry, models and map.
# All of them read the same folder of models, with the same role.

locals {
  endpoints = var.endpoint_enabled && var.image_uri != null ? toset(local.endpoint_names) : toset([])

  # Model and configuration cannot be changed, only replaced.
  model = {
    image             = var.image_uri
    models            = "s3://${local.bucket_name}/${local.prefixes.models}"
    role              = local.role_arns.endpoint
    network_isolation = true
    vpc               = var.vpc
    environment       = length(var.serve_pickles) == 0 ? {} : { SERVE_PICKLES = join(",", sort(var.serve_pickles)) }
  }
  endpoint_configuration = {
    variant       = local.variant_name
    instance_type = var.endpoint.instance_type
    instances     = var.endpoint.min_instances
    kms_key_arn   = var.kms_key_arn
  }
}

# Every change gets model and configuration new names, even a change back to what there was before. So the new ones can
# be created while the endpoint still uses the old ones, which stay as long as they serve.
resource "terraform_data" "generation" {
  triggers_replace = [local.model, local.endpoint_configuration]
}

locals {
  generations = { for name in local.endpoints : name => "${name}-${substr(terraform_data.generation.id, 0, 8)}" }
}

resource "aws_sagemaker_model" "this" {
  for_each = local.endpoints

  name               = local.generations[each.key]
  execution_role_arn = aws_iam_role.endpoint.arn
  # The server reads what SageMaker puts on its disk, and makes no network calls.
  enable_network_isolation = local.model.network_isolation

  primary_container {
    image          = local.model.image
    mode           = "MultiModel"
    model_data_url = local.model.models
    environment    = local.model.environment

    multi_model_config {
      model_cache_setting = "Enabled"
    }
  }

  dynamic "vpc_config" {
    for_each = local.model.vpc[*]

    content {
      subnets            = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = split("@", split(":", local.model.image)[0])[0] == local.repository_url
      error_message = "image_uri is not in ${local.repository_url}, the only repository the roles may pull from."
    }
  }

  # SageMaker checks the role when it creates the model.
  depends_on = [aws_iam_role_policy.endpoint]
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  for_each = local.endpoints

  name        = local.generations[each.key]
  kms_key_arn = local.endpoint_configuration.kms_key_arn

  production_variants {
    variant_name           = local.endpoint_configuration.variant
    model_name             = aws_sagemaker_model.this[each.key].name
    instance_type          = local.endpoint_configuration.instance_type
    initial_instance_count = local.endpoint_configuration.instances
    initial_variant_weight = 1
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint" "this" {
  for_each = local.endpoints

  name                 = each.key
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this[each.key].name

  # New instances start beside the old ones; traffic moves at once or in parts, and all of it moves back if an alarm
  # goes off. There are min_instances of them, with no model in memory; instances that scaling had added return with
  # the load. Multi-model endpoints are not excluded from this
  # (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
  deployment_config {
    blue_green_update_policy {
      maximum_execution_timeout_in_seconds = var.endpoint_update.timeout_seconds
      termination_wait_in_seconds          = var.endpoint_update.termination_wait_seconds

      traffic_routing_configuration {
        type                     = var.endpoint_update.routing
        wait_interval_in_seconds = var.endpoint_update.wait_seconds

        dynamic "canary_size" {
          for_each = var.endpoint_update.routing == "CANARY" ? var.endpoint_update.size[*] : []

          content {
            type  = canary_size.value.type
            value = canary_size.value.value
          }
        }

        dynamic "linear_step_size" {
          for_each = var.endpoint_update.routing == "LINEAR" ? var.endpoint_update.size[*] : []

          content {
            type  = linear_step_size.value.type
            value = linear_step_size.value.value
          }
        }
      }
    }

    auto_rollback_configuration {
      dynamic "alarms" {
        for_each = local.rollback_alarms

        content {
          alarm_name = aws_cloudwatch_metric_alarm.this["${alarms.value}${trimprefix(each.key, local.endpoint_name)}"].alarm_name
        }
      }
    }
  }

  lifecycle {
    # Where an update is rolled back, the endpoint is InService again, with its previous configuration, and the
    # provider reports success (hashicorp/terraform-provider-aws #46663, #48997). Without this, Terraform would go
    # on and delete the model and the configuration that serve.
    postcondition {
      condition     = self.endpoint_config_name == aws_sagemaker_endpoint_configuration.this[each.key].name
      error_message = "SageMaker rolled the update of the endpoint ${each.key} back: ${self.endpoint_config_name} serves and is kept, ${local.generations[each.key]} does not. `aws sagemaker describe-endpoint --endpoint-name ${each.key}` and the alarms say why; README.md says what to do."
    }
  }

  depends_on = [aws_cloudwatch_log_group.endpoint]
}

# Invocations per instance, which is what AWS recommends for multi-model endpoints.
resource "aws_appautoscaling_target" "endpoint" {
  for_each = local.endpoints

  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.this[each.key].name}/variant/${local.variant_name}"
  min_capacity       = var.endpoint.min_instances
  max_capacity       = var.endpoint.max_instances

  # SageMaker does not change the instance type of a variant that is registered for scaling. So the target goes before
  # the new configuration is created, and comes back after the endpoint has been updated
  # (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html,
  # hashicorp/terraform-provider-aws #14337). Its policies go with it.
  lifecycle {
    replace_triggered_by = [aws_sagemaker_endpoint_configuration.this[each.key].production_variants[0].instance_type]
  }
}

resource "aws_appautoscaling_policy" "endpoint" {
  for_each = local.endpoints

  name               = "${local.name}-invocations"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.endpoint[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.endpoint[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.endpoint[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.endpoint.invocations_per_instance
    scale_in_cooldown  = 600
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.endpoint[each.key]]
  }
}

# Stays when endpoint_enabled is false, so that the log can still be read.
resource "aws_cloudwatch_log_group" "endpoint" {
  count = var.endpoints # Terraform moves what was there without a number to number 0 by itself

  name              = "/aws/sagemaker/Endpoints/${local.endpoint_names[count.index]}"
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "endpoint" {
  name                 = "${local.name}-endpoint"
  description          = "SageMaker: fetch image and models, and write logs, for the endpoints"
  assume_role_policy   = local.trust_policies.sagemaker
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "endpoint" {
  name = "endpoint"
  role = aws_iam_role.endpoint.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image_statements, local.kms_statements, local.vpc_statements, [
      local.put_metrics_statement,
      local.list_bucket_statements.endpoint,
      {
        # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        Sid    = "SeeWhetherToRollBack"
        Effect = "Allow"
        Action = ["cloudwatch:DescribeAlarms"]
        Resource = flatten([
          for name in local.rollback_alarms : [for more in ["", "--*"] : "${local.alarms_arn}:${local.name}-${name}${more}"]
        ])
      },
      {
        Sid      = "FetchModels"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.bucket_arn}/${local.prefixes.models}*"]
      },
      {
        Sid    = "WriteTheLog"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [
          for more in ["", "--*"] : "${local.logs_arn}:log-group:/aws/sagemaker/Endpoints/${local.endpoint_name}${more}:*"
        ]
      },
      ],
      [
        for key in var.kms_key_arn[*] : {
          Sid       = "EncryptTheInstancesDisks"
          Effect    = "Allow"
          Action    = ["kms:CreateGrant"]
          Resource  = [key]
          Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
        }
      ],
    )
  })
}
