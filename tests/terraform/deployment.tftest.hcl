# Deployment: the event, the sweep and the bucket. Where failures go is in applies.tftest.hcl.

mock_provider "archive" {}

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment   = "test"
  region        = "eu-central-1"
  pipeline_name = "demo"
}

run "plan" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.model_package_state.event_pattern).detail.ModelPackageGroupName == [{ prefix = "demo--" }]
    error_message = "only this pipeline's groups match: demo-staging--x must not"
  }

  assert {
    condition     = aws_cloudwatch_event_target.deployer.retry_policy[0].maximum_retry_attempts > 0
    error_message = "an event is delivered again if the function cannot take it"
  }

  assert {
    condition     = aws_lambda_permission.events.principal == "events.amazonaws.com" && aws_lambda_permission.events.source_account == "123456789012"
    error_message = "only this account's events may start the deployer"
  }

  assert {
    condition     = one(jsondecode(aws_sqs_queue_policy.undelivered.policy).Statement).Condition.ArnEquals["aws:SourceArn"] == "arn:aws:events:eu-central-1:123456789012:rule/demo-model-package-state"
    error_message = "only the rule may write to the queue"
  }

  assert {
    condition     = aws_scheduler_schedule.sweep.schedule_expression == "rate(15 minutes)" && aws_scheduler_schedule.sweep.target[0].input == "{}"
    error_message = "the sweep covers all groups; Scheduler's own payload has a string for `detail`"
  }

  assert {
    condition = alltrue([
      for role, function in jsondecode(file("../src/contract/contract.json")).functions :
      aws_lambda_function.this[role].handler == function.handler
      && aws_lambda_function.this[role].timeout == function.timeout_seconds
      && aws_lambda_function.this[role].memory_size == function.memory_mb
      && aws_lambda_function.this[role].ephemeral_storage[0].size == function.disk_mb
      && aws_lambda_function.this[role].function_name == "demo-${role}"
      && toset(keys(aws_lambda_function.this[role].environment[0].variables)) == toset(function.environment)
    ])
    error_message = "the functions match the contract"
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : function.runtime == "python3.13" && function.architectures == tolist(["arm64"]) && function.logging_config[0].log_format == "JSON"])
    error_message = "python3.13 on arm64, JSON logs"
  }

  assert {
    condition     = length(data.archive_file.functions.source) == length(fileset("../src", "{contract,lambdas}/**/*.{json,py}")) + length(local.shared_with_the_server) && alltrue([for file in data.archive_file.functions.source : !strcontains(file.filename, "__pycache__")])
    error_message = "the zip contains the package and no caches"
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.this : queue.sqs_managed_sse_enabled && queue.message_retention_seconds == 1209600])
    error_message = "failures are kept for 14 days, encrypted"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy
      && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
      && aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    )
    error_message = "private and versioned"
  }

  assert {
    condition     = one(jsondecode(aws_s3_bucket_policy.this.policy).Statement).Effect == "Deny" && one(jsondecode(aws_s3_bucket_policy.this.policy).Statement).Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "TLS only"
  }

  assert {
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule.expiration[0].days if rule.id != "leftovers" } == {
      retired-models  = 14
      intermediates-0 = 60
      intermediates-1 = 60
      intermediates-2 = 60
      captured-0      = 30
      captured-1      = 30
    }
    error_message = "retired models and intermediates expire"
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].filter[0].and[0].tags == tomap({ retired = "true" }) && aws_s3_bucket_lifecycle_configuration.this.rule[0].filter[0].and[0].prefix == "models/"
    error_message = "only models that the deployer has retired expire"
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.filter[0].prefix if startswith(rule.id, "intermediates")] == [
      "executions/PreprocessData/train/", "executions/TuningWithCrossValidation/", "executions/SearchAndRefit/checkpoints/",
    ]
    error_message = "the model, evaluation and held-out rows that a registered package names never expire"
  }

  assert {
    condition     = aws_ecr_repository.this[0].image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this[0].image_scanning_configuration[0].scan_on_push
    error_message = "a tag always means the same image, and it is scanned"
  }

  assert {
    condition     = one(jsondecode(aws_ecr_lifecycle_policy.this[0].policy).rules).selection.tagStatus == "untagged"
    error_message = "what a package, a configuration or a definition may name never expires"
  }
}
