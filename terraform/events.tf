# What starts the functions: the registry's event when a person has approved or rejected a model, and schedules. There
# is a queue for each kind of failure.

resource "aws_cloudwatch_event_rule" "model_package_state" {
  name          = local.rule_name
  description   = "A model package of ${local.group_prefix}* was created, approved, rejected or set back"
  event_pattern = jsonencode(local.contract.event_pattern)
}

resource "aws_cloudwatch_event_target" "deployer" {
  rule = aws_cloudwatch_event_rule.model_package_state.name
  arn  = aws_lambda_function.this["deployer"].arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }

  dead_letter_config {
    arn = aws_sqs_queue.this["undelivered"].arn
  }
}

resource "aws_lambda_permission" "events" {
  statement_id   = "model-package-state"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this["deployer"].function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.model_package_state.arn
  source_account = local.account_id
}

# These two are invoked asynchronously; without the queue, nobody would hear that they gave up.
resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = toset(local.background_functions)

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.this["failed"].arn
    }
  }
}

# `undelivered`: EventBridge or a schedule could not deliver an event. `failed`: a function got it, tried three
# times and gave up. Both need a person to look; the sweep keeps retrying.
resource "aws_sqs_queue" "this" {
  for_each = local.queue_arns

  name                      = "${local.name}-${each.key}"
  message_retention_seconds = 1209600 # 14 days, the maximum
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.this["undelivered"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventsThatCouldNotBeDelivered"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.queue_arns.undelivered
      Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
    }]
  })
}

# The deployer's sweep over all groups, in case an event is lost.

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
    Statement = concat(local.kms_statements, flatten([for _ in local.drift_checks : concat(local.start_check_statements, [
      {
        Sid      = "TagChecks"
        Effect   = "Allow"
        Action   = ["sagemaker:AddTags"]
        Resource = [local.monitor_job_arns]
      },
      ])]), [
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
