# From the first apply, before an image or a definition exists, to the second, to a new image and to no endpoint.
# At the end of this file, everything is destroyed from the full state; at the end of features.tftest.hcl, what a
# first apply makes. One file, because each apply takes a second.

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
  override_resource {
    target = aws_sqs_queue.this["undelivered"]
    values = { arn = "arn:aws:sqs:eu-central-1:123456789012:demo-undelivered" }
  }

  override_resource {
    target = aws_sqs_queue.this["failed"]
    values = { arn = "arn:aws:sqs:eu-central-1:123456789012:demo-failed" }
  }

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

  assert {
    condition     = aws_lambda_function_event_invoke_config.this["deployer"].destination_config[0].on_failure[0].destination == "arn:aws:sqs:eu-central-1:123456789012:demo-failed"
    error_message = "what the deployer gives up on goes to a queue"
  }

  assert {
    condition = alltrue([
      for config in [aws_cloudwatch_event_target.deployer.dead_letter_config[0], aws_scheduler_schedule.sweep.target[0].dead_letter_config[0]] :
      config.arn == "arn:aws:sqs:eu-central-1:123456789012:demo-undelivered"
    ])
    error_message = "what cannot be delivered to the deployer goes to another queue"
  }
}

run "the_same_again" {
  assert {
    condition     = aws_s3_bucket.this.id == run.first_apply.bucket && aws_lambda_function_url.invoker.function_url == run.first_apply.invoker_url
    error_message = "a second apply replaces nothing"
  }
}

run "second_apply" {
  variables {
    image_uri                           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file            = "tests/definitions/classification.json"
    pipeline_definition_regression_file = "tests/definitions/regression.json"
  }

  assert {
    condition     = aws_s3_bucket.this.id == run.first_apply.bucket && aws_lambda_function_url.invoker.function_url == run.first_apply.invoker_url
    error_message = "the second apply only adds; it replaces nothing"
  }

  assert {
    condition     = output.pipelines == { classification = "demo", regression = "demo-regression" }
    error_message = "one pipeline for each definition"
  }

  assert {
    condition     = alltrue([for family, pipeline in aws_sagemaker_pipeline.this : pipeline.pipeline_definition == file("tests/definitions/${family}.json")])
    error_message = "a pipeline is its definition, byte for byte"
  }

  assert {
    condition     = keys(aws_sagemaker_endpoint.this) == ["demo"] && output.endpoint_in_service
    error_message = "the endpoint has the pipeline's name"
  }

  assert {
    condition = (
      aws_sagemaker_model.this["demo"].primary_container[0].mode == "MultiModel"
      && aws_sagemaker_model.this["demo"].primary_container[0].model_data_url == "s3://demo-123456789012-eu-central-1/models/"
      && aws_sagemaker_model.this["demo"].enable_network_isolation
    )
    error_message = "many models, from the models prefix, in a container without network access"
  }

  assert {
    condition     = can(regex("^demo-[0-9a-f]{8}$", aws_sagemaker_model.this["demo"].name)) && can(regex("^demo-[0-9a-f]{8}$", aws_sagemaker_endpoint_configuration.this["demo"].name))
    error_message = "model and configuration are named by their generation"
  }

  assert {
    condition = (
      aws_sagemaker_endpoint.this["demo"].deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration[0].type == "ALL_AT_ONCE"
      && toset(aws_sagemaker_endpoint.this["demo"].deployment_config[0].auto_rollback_configuration[0].alarms[*].alarm_name) == toset(["demo-new-fleet-5xx", "demo-new-fleet-latency"])
    )
    error_message = "an update is blue/green, and two alarms of the new instances roll it back"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : startswith(alarm.alarm_name, "demo-")])
    error_message = "alarms are named after the pipeline"
  }

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset([
      "endpoint-5xx", "endpoint-disk", "endpoint-latency", "endpoint-memory",
      "function-deployer", "function-invoker", "function-retrainer", "invoker-url", "new-fleet-5xx", "new-fleet-latency", "pipeline-classification", "pipeline-regression",
      "queue-failed", "queue-undelivered",
    ])
    error_message = "everything that can fail has its alarm"
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.this :
      alarm.dimensions["EndpointName"] == "demo" && alarm.dimensions["VariantName"] == aws_sagemaker_endpoint_configuration.this["demo"].production_variants[0].variant_name
      if startswith(name, "endpoint-")
    ])
    error_message = "the endpoint's alarms watch this endpoint and its variant"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      anytrue([
        for metric in flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
          for row in widget.properties.metrics : join(" ", slice(row, 0, 2))
        ] if widget.type == "metric"]) : metric == "${alarm.namespace} ${alarm.metric_name}"
      ])
      if alarm.metric_name != "Url5xxCount"
    ])
    error_message = "the dashboard shows what the alarms watch"
  }

  assert {
    condition = (
      aws_appautoscaling_target.endpoint["demo"].resource_id == "endpoint/demo/variant/AllTraffic"
      && aws_appautoscaling_target.endpoint["demo"].min_capacity == 1
      && aws_appautoscaling_target.endpoint["demo"].max_capacity == 2
      && aws_appautoscaling_policy.endpoint["demo"].target_tracking_scaling_policy_configuration[0].target_value == 2000
      && aws_appautoscaling_policy.endpoint["demo"].target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type == "SageMakerVariantInvocationsPerInstance"
    )
    error_message = "the endpoint scales on invocations per instance"
  }
}

run "new_image" {
  variables {
    image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:2"
  }

  assert {
    condition     = aws_sagemaker_endpoint.this["demo"].endpoint_config_name == aws_sagemaker_endpoint_configuration.this["demo"].name && aws_sagemaker_endpoint_configuration.this["demo"].production_variants[0].model_name == aws_sagemaker_model.this["demo"].name
    error_message = "the endpoint uses the new configuration and the new model"
  }
}

run "two_endpoints" {
  variables {
    endpoints = 2
    image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:2"
  }

  assert {
    condition     = toset(keys(aws_sagemaker_endpoint.this)) == toset(["demo", "demo--2"]) && output.endpoint_name == "demo"
    error_message = "a second endpoint is added, and the first one stays as it is"
  }

  assert {
    condition = alltrue([
      for name in ["demo", "demo--2"] :
      aws_sagemaker_endpoint.this[name].endpoint_config_name == aws_sagemaker_endpoint_configuration.this[name].name
      && can(regex("^${name}-[0-9a-f]{8}$", aws_sagemaker_endpoint_configuration.this[name].name))
      && aws_sagemaker_model.this[name].primary_container[0].model_data_url == "s3://demo-123456789012-eu-central-1/models/"
      && aws_appautoscaling_policy.endpoint[name].resource_id == "endpoint/${name}/variant/AllTraffic"
    ])
    error_message = "each has a configuration and scaling of its own, and all read the same models"
  }

  assert {
    condition = toset(aws_sagemaker_endpoint.this["demo--2"].deployment_config[0].auto_rollback_configuration[0].alarms[*].alarm_name) == toset([
      "demo-new-fleet-5xx--2", "demo-new-fleet-latency--2",
    ])
    error_message = "each is rolled back by alarms of its own"
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.this :
      alarm.dimensions["EndpointName"] == (endswith(name, "--2") ? "demo--2" : "demo")
      if startswith(name, "endpoint-") || startswith(name, "new-fleet-")
    ]) && length([for name in keys(aws_cloudwatch_metric_alarm.this) : name if endswith(name, "--2")]) == 6
    error_message = "each has the same alarms"
  }

  assert {
    condition     = toset(aws_cloudwatch_log_group.endpoint[*].name) == toset(["/aws/sagemaker/Endpoints/demo", "/aws/sagemaker/Endpoints/demo--2"])
    error_message = "each has a log"
  }

  assert {
    condition     = aws_lambda_function.this["deployer"].environment[0].variables["ENDPOINTS"] == "2" && output.endpoints == 2
    error_message = "functions and notebooks know how many there are"
  }
}

run "endpoint_switched_off" {
  variables {
    image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file = "tests/definitions/classification.json"
    endpoint_enabled         = false
  }

  assert {
    condition     = length(aws_sagemaker_model.this) + length(aws_sagemaker_endpoint_configuration.this) + length(aws_sagemaker_endpoint.this) + length(aws_appautoscaling_target.endpoint) == 0
    error_message = "nothing of the endpoint is left to pay for"
  }

  assert {
    condition     = output.pipelines == { classification = "demo" } && aws_s3_bucket.this.id == run.first_apply.bucket
    error_message = "pipelines, registry and bucket stay"
  }

  assert {
    condition     = output.endpoint_name == "demo" && aws_lambda_function.this["invoker"].environment[0].variables["ENDPOINT_NAME"] == "demo"
    error_message = "the name stays too, so that switching it on again changes nothing else"
  }
}

run "all_of_it_again" {
  variables {
    image_uri                           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file            = "tests/definitions/classification.json"
    pipeline_definition_regression_file = "tests/definitions/regression.json"
  }

  assert {
    condition     = output.endpoint_in_service
    error_message = "it can be switched on again"
  }
}
