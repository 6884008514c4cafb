# Before an image or a definition exists. At the end of this file, everything is destroyed from this state.

mock_provider "archive" {}

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment   = "test"
  region        = "eu-central-1"
  pipeline_name = "demo"
}

run "first_apply" {
  assert {
    condition     = length(aws_sagemaker_model.this) + length(aws_sagemaker_endpoint_configuration.this) + length(aws_sagemaker_endpoint.this) == 0
    error_message = "without an image there is no endpoint"
  }

  assert {
    condition     = length(aws_sagemaker_pipeline.this) == 0
    error_message = "without a definition there is no pipeline"
  }

  assert {
    condition     = length(aws_appautoscaling_target.endpoint) + length(aws_appautoscaling_policy.endpoint) == 0
    error_message = "there is nothing to scale"
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["function-deployer", "function-invoker", "function-retrainer", "invoker-url", "queue-failed", "queue-undelivered"]
    error_message = "alarms watch only what exists"
  }

  assert {
    condition     = aws_s3_bucket.this.bucket == "demo-123456789012-eu-central-1"
    error_message = "the bucket's name contains the account and the region"
  }

  assert {
    condition     = output.endpoint_name == "demo" && output.endpoint_in_service == false && output.image_uri == null && length(output.pipelines) == 0
    error_message = "the outputs say what does not exist yet"
  }
}

run "the_same_again" {
  assert {
    condition     = aws_s3_bucket.this.id == run.first_apply.bucket && aws_lambda_function_url.invoker.function_url == run.first_apply.invoker_url
    error_message = "a second apply replaces nothing"
  }
}
