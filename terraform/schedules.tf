# What runs on a schedule: the deployer's sweep over all groups, and the retrainer.

resource "aws_scheduler_schedule" "sweep" {
  name                = "${local.name}-sweep"
  description         = "Make the endpoint serve what the registry says, even if an event was lost"
  schedule_expression = "rate(15 minutes)"
  kms_key_arn         = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.function_arns.deployer
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({}) # no group means all of them

    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 2
    }

    dead_letter_config {
      arn = aws_sqs_queue.this["undelivered"].arn
    }
  }
}

# The retrainer takes the newest table of the data set, and starts nothing if that table was already used.
resource "aws_scheduler_schedule" "retraining" {
  for_each = {
    for dataset, schedule in var.retraining : dataset => schedule
    if contains(keys(local.definition_files), schedule.family)
  }

  name                         = "${local.name}-retrain-${each.key}"
  description                  = "Retrain ${each.key} if there is a new table; a person approves"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }

  target {
    arn      = local.function_arns.retrainer
    role_arn = aws_iam_role.scheduler.arn
    input = jsonencode({
      dataset    = each.key
      target     = each.value.target
      family     = each.value.family
      parameters = each.value.parameters
    })

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
    error_message = "retraining names a data set whose family has no definition file yet, so nothing will start it."
  }
}

resource "aws_iam_role" "scheduler" {
  name                 = "${local.name}-scheduler"
  description          = "EventBridge Scheduler: start the deployer and the retrainer"
  assume_role_policy   = local.trust_policies.scheduler
  path                 = var.iam_path
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "scheduler" {
  name = "scheduler"
  role = aws_iam_role.scheduler.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.kms_statements, [
      {
        Sid      = "SweepAndRetrain"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [for role in local.background_functions : local.function_arns[role]]
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
