# From a person's approval to the deployer: the registry's event, a sweep in case an event is lost, and a queue
# for each kind of failure.

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
