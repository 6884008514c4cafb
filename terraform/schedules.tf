# What starts by the clock: the deployer's sweep over all groups, and retraining.

resource "aws_scheduler_schedule" "sweep" {
  name                = "${local.name}-sweep"
  description         = "Make what is served match the registry, whatever became of its events"
  schedule_expression = "rate(15 minutes)"
  kms_key_arn         = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.function_arns.deployer
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({}) # no group named: all of them

    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 2
    }

    dead_letter_config {
      arn = aws_sqs_queue.this["undelivered"].arn
    }
  }
}

resource "aws_scheduler_schedule" "retraining" {
  for_each = {
    for dataset, schedule in var.retraining : dataset => schedule
    if contains(keys(local.definition_files), schedule.family)
  }

  name                         = "${local.name}-retrain-${each.key}"
  description                  = "Run ${local.pipeline_names[each.value.family]} on ${each.key}; a person approves"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }

  target {
    arn      = aws_sagemaker_pipeline.this[each.value.family].arn
    role_arn = aws_iam_role.scheduler.arn

    sagemaker_pipeline_parameters {
      dynamic "pipeline_parameter" {
        for_each = merge(each.value.parameters, {
          DatasetName  = each.key
          InputDataUri = each.value.input_uri
          TargetColumn = each.value.target
        })

        content {
          name  = pipeline_parameter.key
          value = pipeline_parameter.value
        }
      }
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }

    dead_letter_config {
      arn = aws_sqs_queue.this["undelivered"].arn
    }
  }
}

check "retraining_has_a_pipeline" {
  assert {
    condition = alltrue([
      for schedule in values(var.retraining) : contains(keys(local.definition_files), schedule.family)
    ])
    error_message = "retraining names a data set of a family that has no definition file yet: nothing will start it."
  }
}

resource "aws_iam_role" "scheduler" {
  name               = "${local.name}-scheduler"
  description        = "EventBridge Scheduler: start the deployer and the pipelines"
  assume_role_policy = local.trust_policies.scheduler
}

resource "aws_iam_role_policy" "scheduler" {
  name = "scheduler"
  role = aws_iam_role.scheduler.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.kms_statements, [
      {
        Sid      = "Sweep"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [local.function_arns.deployer]
      },
      {
        Sid      = "Retrain"
        Effect   = "Allow"
        Action   = ["sagemaker:StartPipelineExecution"]
        Resource = [for name in values(local.pipeline_names) : "${local.sagemaker_arn}:pipeline/${name}"]
      },
      {
        Sid      = "ReportWhatCouldNotStart"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [local.queue_arns.undelivered]
      },
    ])
  })
}
