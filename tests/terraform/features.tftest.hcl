# The optional features, and what each adds. A run asks for as many as it can, because each takes half a second.

mock_provider "archive" {}

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment   = "test"
  region        = "eu-central-1"
  pipeline_name = "demo"
}

run "by_default" {
  command = plan

  assert {
    condition     = length(aws_sns_topic_subscription.alarms) + length(aws_budgets_budget.this) + length(aws_scheduler_schedule.retraining) == 0
    error_message = "no mail, no budget, no retraining unless asked for"
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : length(function.vpc_config) == 0 && function.kms_key_arn == null && function.reserved_concurrent_executions == null])
    error_message = "no VPC, key or reserved concurrency unless asked for"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.jobs[0].policy, "ec2:") && !strcontains(aws_iam_role_policy.jobs[0].policy, "kms:")
    error_message = "no permissions for what does not exist"
  }

  assert {
    condition     = aws_lambda_function_url.invoker.authorization_type == "AWS_IAM"
    error_message = "the URL requires a signature"
  }

  assert {
    condition = alltrue([
      for grant in [aws_lambda_permission.invoker_url, aws_lambda_permission.invoker_function] :
      grant.principal == "arn:aws:iam::123456789012:root"
    ])
    error_message = "nobody outside the account may call it"
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy && !aws_ecr_repository.this[0].force_delete
    error_message = "what is not empty is not destroyed"
  }

  assert {
    condition     = aws_lambda_function.this["invoker"].environment[0].variables["METRICS_BY_MODEL"] == "false"
    error_message = "CloudWatch bills a metric of each model, so nobody gets them unasked"
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_query_definition.this : query.log_group_names == tolist(["/aws/lambda/demo-invoker"])
    ])
    error_message = "the saved queries read the invoker's log"
  }

  assert {
    condition = (
      !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "ModelPackageGroupName")
      && [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.query if widget.type == "log"]
      == [for name in ["by-model", "errors"] : "SOURCE '/aws/lambda/demo-invoker' | ${aws_cloudwatch_query_definition.this[name].query_string}"]
    )
    error_message = "the dashboard shows the models from the log"
  }

  assert {
    condition = (
      aws_lambda_function.this["invoker"].environment[0].variables["CAPTURE_RATE"] == "0"
      && length(aws_kinesis_firehose_delivery_stream.capture) + length(aws_iam_role.capture) == 0
      && !strcontains(aws_iam_role_policy.function["invoker"].policy, "firehose:")
    )
    error_message = "what people send is stored for those alone who ask for it"
  }
}

run "what_needs_no_image" {
  command = plan

  variables {
    invoker_url_auth     = "NONE"
    alarm_email          = "ana@example.com"
    monthly_budget_usd   = 20
    developers           = ["ana"]
    metrics_by_model     = true
    reserved_concurrency = { invoker = 50 }
    capture_rate         = 0.25
    capture_leaves_out   = { "*" = ["name"], wine = ["proline"] }
    kms_key_arn          = "arn:aws:kms:eu-central-1:123456789012:key/k"
  }

  assert {
    condition     = aws_lambda_function_url.invoker.authorization_type == "NONE"
    error_message = "NONE was asked for"
  }

  assert {
    condition = (
      aws_lambda_permission.invoker_url.action == "lambda:InvokeFunctionUrl"
      && aws_lambda_permission.invoker_url.function_url_auth_type == "NONE"
      && aws_lambda_permission.invoker_url.principal == "*"
      && aws_lambda_permission.invoker_function.action == "lambda:InvokeFunction"
      && aws_lambda_permission.invoker_function.invoked_via_function_url
      && aws_lambda_permission.invoker_function.principal == "*"
    )
    error_message = "a new URL needs both grants, the second through the URL only"
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.alarms) == ["ana@example.com"]
    error_message = "alarms are sent by e-mail"
  }

  assert {
    condition     = aws_budgets_budget.this["demo"].limit_amount == "20"
    error_message = "the budget is what was asked for"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.developer["ana"].policy).Statement : statement.Resource
      if contains(statement.Action, "sagemaker:CreatePipeline")
      ] == [[
        "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/demo-ana",
        "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/demo-regression-ana",
    ]]
    error_message = "a developer may change pipelines with exactly these names, not Terraform's"
  }

  assert {
    condition     = aws_lambda_function.this["invoker"].environment[0].variables["METRICS_BY_MODEL"] == "true"
    error_message = "the invoker is told"
  }

  assert {
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.title
      if widget.type == "metric" && strcontains(jsonencode(widget), "ModelPackageGroupName")
    ] == ["Requests, by model", "Latency of the URL, by model (p90, ms)"]
    error_message = "the dashboard shows the metrics of each model"
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [widget.x, widget.y]])) == length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets)
    error_message = "no two widgets are at the same place"
  }

  assert {
    condition     = aws_lambda_function.this["invoker"].reserved_concurrent_executions == 50 && aws_lambda_function.this["deployer"].reserved_concurrent_executions == null
    error_message = "only the named function has reserved concurrency"
  }

  assert {
    condition = (
      aws_lambda_function.this["invoker"].environment[0].variables["CAPTURE_RATE"] == "0.25"
      && jsondecode(aws_lambda_function.this["invoker"].environment[0].variables["CAPTURE_LEAVES_OUT"]) == { "*" = ["name"], wine = ["proline"] }
    )
    error_message = "the invoker is told"
  }

  assert {
    condition = (
      aws_kinesis_firehose_delivery_stream.capture["capture"].extended_s3_configuration[0].dynamic_partitioning_configuration[0].enabled
      && aws_kinesis_firehose_delivery_stream.capture["capture"].extended_s3_configuration[0].buffering_size >= 64
      && startswith(aws_kinesis_firehose_delivery_stream.capture["capture"].extended_s3_configuration[0].prefix, "captured/")
    )
    error_message = "lines are sorted into folders, which Firehose does with buffers of at least 64 MB"
  }

  assert {
    condition = (
      aws_kinesis_firehose_delivery_stream.capture["capture"].server_side_encryption[0].key_type == "CUSTOMER_MANAGED_CMK"
      && aws_cloudwatch_log_group.capture["capture"].kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/k"
    )
    error_message = "with the environment's own key"
  }
}

run "retraining_and_traffic_in_steps" {
  command = plan

  variables {
    image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file = "tests/definitions/classification.json"
    endpoint                 = { min_instances = 3, max_instances = 4 }
    endpoint_update          = { routing = "LINEAR", size = { type = "INSTANCE_COUNT", value = 1 }, wait_seconds = 600 }
    drift_check              = { expression = "rate(1 day)" }
    retraining = {
      iris = {
        target     = "class"
        expression = "rate(7 days)"
        parameters = { MaxTuningJobs = "12" }
      }
      wine  = { target = "cultivar", expression = "cron(0 3 ? * MON *)", on_drift = true }
      churn = { target = "left", expression = "cron(0 3 ? * MON *)" }
    }
  }

  assert {
    condition     = aws_scheduler_schedule.retraining["iris"].target[0].arn == "arn:aws:lambda:eu-central-1:123456789012:function:demo-retrainer"
    error_message = "the retrainer finds the newest table"
  }

  assert {
    condition = jsondecode(aws_scheduler_schedule.retraining["iris"].target[0].input) == {
      dataset    = "iris"
      target     = "class"
      family     = "classification"
      parameters = { MaxTuningJobs = "12" }
    }
    error_message = "a schedule says what to train and leaves the rest to the pipeline's defaults"
  }

  assert {
    condition = (
      keys(jsondecode(aws_s3_object.on_drift[0].content)) == ["wine"]
      && jsondecode(aws_s3_object.on_drift[0].content).wine == { dataset = "wine", target = "cultivar", family = "classification", parameters = {} }
      && contains(local.monitor_arguments, "demo-retrainer")
    )
    error_message = "the check calls the retrainer as the schedule does, for those data sets alone that ask for it"
  }

  assert {
    condition = [
      for policy in aws_sagemaker_endpoint.this["demo"].deployment_config[0].blue_green_update_policy :
      [for traffic in policy.traffic_routing_configuration : [
        policy.maximum_execution_timeout_in_seconds, policy.termination_wait_in_seconds, traffic.wait_interval_in_seconds,
        traffic.type, traffic.linear_step_size[0].type, traffic.linear_step_size[0].value, length(traffic.canary_size),
      ]]
    ] == [[[3600, 300, 600, "LINEAR", "INSTANCE_COUNT", 1, 0]]]
    error_message = "an instance at a time, ten minutes apart"
  }
}

run "retraining_without_a_pipeline" {
  command = plan

  variables {
    retraining = {
      wine = { target = "class", expression = "rate(7 days)" }
    }
  }

  assert {
    condition     = length(aws_scheduler_schedule.retraining) == 0
    error_message = "there is nothing to start yet"
  }

  expect_failures = [check.retraining_has_a_pipeline]
}

run "no_check_for_drift_unasked" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
  }

  assert {
    condition = (
      length(aws_scheduler_schedule.drift) + length(aws_s3_object.on_drift) == 0
      && !strcontains(aws_iam_role_policy.scheduler.policy, "CreateProcessingJob")
      && !contains(keys(aws_cloudwatch_metric_alarm.this), "drift")
    )
    error_message = "people may start a check, but nothing starts one by itself"
  }
}

run "a_check_for_drift" {
  command = plan

  variables {
    pipeline_name = "a-name-of-as-many-as-32-characte"
    image_uri     = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/a-name-of-as-many-as-32-characte:1"
    drift_check   = { expression = "rate(1 day)", window = "24h" }
  }

  assert {
    condition     = aws_scheduler_schedule.drift["drift"].target[0].arn == "arn:aws:scheduler:::aws-sdk:sagemaker:createProcessingJob"
    error_message = "the schedule calls SageMaker itself"
  }

  assert {
    condition = (
      endswith(jsondecode(aws_scheduler_schedule.drift["drift"].target[0].input).ProcessingJobName, "-monitor-<aws.scheduler.execution-id>")
      && strcontains(aws_scheduler_schedule.drift["drift"].target[0].input, "<aws.scheduler.execution-id>")
      && length(jsondecode(aws_scheduler_schedule.drift["drift"].target[0].input).ProcessingJobName) - length("<aws.scheduler.execution-id>") + 36 <= 63
    )
    error_message = "the id of the call makes the job's name unique, within 63 characters, and is written as the schedule reads it"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["drift"].metric_name == "DriftedModels" && aws_cloudwatch_metric_alarm.this["drift"].namespace == "ManyModels"
    error_message = "somebody hears of drift"
  }

  assert {
    condition     = length(aws_s3_object.on_drift) == 0 && !contains(local.monitor_arguments, "--retrainer")
    error_message = "drift alone retrains nothing"
  }
}

# All optional features at once, applied, then removed.

run "with_everything" {
  variables {
    image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file = "tests/definitions/in_a_network.json"
    alarm_email              = "ana@example.com"
    monthly_budget_usd       = 20
    developers               = ["ana"]
    kms_key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/k"
    retraining               = { wine = { target = "class", expression = "rate(7 days)" } }
    endpoint                 = { min_instances = 2 }
    endpoint_update          = { routing = "CANARY", size = { value = 50 } }

    vpc = {
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
    }
  }

  assert {
    condition = alltrue([
      for made in [
        aws_sns_topic_subscription.alarms, aws_budgets_budget.this, aws_scheduler_schedule.retraining,
        aws_sagemaker_pipeline.this, aws_sagemaker_endpoint.this, aws_appautoscaling_policy.endpoint,
      ] : length(made) == 1
    ])
    error_message = "everything that was asked for exists"
  }

  assert {
    condition = [
      for traffic in aws_sagemaker_endpoint.this["demo"].deployment_config[0].blue_green_update_policy[0].traffic_routing_configuration :
      [traffic.type, traffic.canary_size[0].type, traffic.canary_size[0].value, length(traffic.linear_step_size)]
    ] == [["CANARY", "CAPACITY_PERCENT", 50, 0]]
    error_message = "half of the new instances get traffic first"
  }

  assert {
    condition = {
      for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name => alarm.dimensions["EndpointConfigName"]
      if contains(one(aws_sagemaker_endpoint.this["demo"].deployment_config[0].auto_rollback_configuration).alarms[*].alarm_name, alarm.alarm_name)
      } == {
      for name in ["demo-new-fleet-5xx", "demo-new-fleet-latency"] : name => aws_sagemaker_endpoint_configuration.this["demo"].name
    }
    error_message = "alarms of the new instances alone roll the update back"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.endpoint.policy).Statement : statement.Resource
      if contains(statement.Action, "cloudwatch:DescribeAlarms")
    ]) == [for name in ["5xx", "5xx--*", "latency", "latency--*"] : "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:demo-new-fleet-${name}"]
    error_message = "SageMaker may see these alarms"
  }

  assert {
    condition     = toset(output.vpc.subnet_ids) == toset(["subnet-1", "subnet-2"]) && toset(output.vpc.security_group_ids) == toset(["sg-1"])
    error_message = "notebook 02 reads where jobs must run"
  }

  assert {
    condition = alltrue([
      for key in concat(
        [one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id],
        [aws_ecr_repository.this[0].encryption_configuration[0].kms_key, aws_codebuild_project.this[0].encryption_key],
        [aws_sns_topic.alarms.kms_master_key_id, aws_sagemaker_endpoint_configuration.this["demo"].kms_key_arn],
        [aws_scheduler_schedule.sweep.kms_key_arn, aws_scheduler_schedule.retraining["wine"].kms_key_arn],
        [aws_cloudwatch_log_group.build[0].kms_key_id, aws_cloudwatch_log_group.endpoint[0].kms_key_id],
        values(aws_cloudwatch_log_group.function)[*].kms_key_id,
        values(aws_lambda_function.this)[*].kms_key_arn,
      ) : key == "arn:aws:kms:eu-central-1:123456789012:key/k"
    ])
    error_message = "the key encrypts everything that takes one"
  }

  assert {
    condition = alltrue([
      for policy in concat(
        [aws_iam_role_policy.jobs[0].policy, aws_iam_role_policy.endpoint.policy, aws_iam_role_policy.build[0].policy],
        [aws_iam_role_policy.scheduler.policy, aws_iam_policy.operator[0].policy, aws_iam_policy.approver.policy],
        values(aws_iam_role_policy.function)[*].policy,
      ) :
      [for statement in jsondecode(policy).Statement : statement.Resource if contains(statement.Action, "kms:Decrypt")] == [["arn:aws:kms:eu-central-1:123456789012:key/k"]]
    ])
    error_message = "everyone who needs the key may use it, and no other key"
  }

  assert {
    condition = alltrue([
      for config in concat([aws_sagemaker_model.this["demo"].vpc_config[0].subnets], values(aws_lambda_function.this)[*].vpc_config[0].subnet_ids) :
      config == toset(["subnet-1", "subnet-2"])
    ])
    error_message = "endpoint and functions are in the subnets"
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.jobs[0].policy, aws_iam_role_policy.endpoint.policy] :
      [for statement in jsondecode(policy).Statement : statement.Resource if contains(statement.Action, "ec2:CreateNetworkInterface")] == [[
        "arn:aws:ec2:eu-central-1:123456789012:network-interface/*",
        "arn:aws:ec2:eu-central-1:123456789012:subnet/subnet-1",
        "arn:aws:ec2:eu-central-1:123456789012:subnet/subnet-2",
        "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1",
      ]]
    ])
    error_message = "network interfaces may be created only in these subnets"
  }
}

run "and_none_of_it" {
  assert {
    condition = alltrue([
      for made in [
        aws_sns_topic_subscription.alarms, aws_budgets_budget.this, aws_scheduler_schedule.retraining,
        aws_sagemaker_pipeline.this, aws_sagemaker_endpoint.this, aws_sagemaker_endpoint_configuration.this,
        aws_sagemaker_model.this, aws_appautoscaling_target.endpoint, aws_appautoscaling_policy.endpoint,
      ] : length(made) == 0
    ])
    error_message = "what is no longer asked for is deleted"
  }

  assert {
    condition = (
      alltrue([for function in aws_lambda_function.this : length(function.vpc_config) == 0 && function.kms_key_arn == null])
      && output.vpc == null
    )
    error_message = "functions leave the VPC and the key"
  }

  assert {
    condition = alltrue([
      for policy in concat(
        [aws_iam_role_policy.jobs[0].policy, aws_iam_role_policy.endpoint.policy, aws_iam_role_policy.build[0].policy],
        [aws_iam_role_policy.scheduler.policy, aws_iam_policy.operator[0].policy, aws_iam_policy.approver.policy],
        values(aws_iam_role_policy.function)[*].policy,
      ) : !strcontains(policy, "ec2:") && !strcontains(policy, "kms:") && !strcontains(policy, "CreatePipeline\"")
    ])
    error_message = "every permission for them is gone too"
  }
}
