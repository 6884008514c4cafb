# Alarms, whom they notify, a dashboard, saved queries of the log, and a monthly budget.

resource "aws_sns_topic" "alarms" {
  name              = local.topic_name
  kms_master_key_id = var.kms_key_arn # null: no encryption, because CloudWatch may not use the account's key for SNS
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudget"
      Effect    = "Allow"
      Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] }
      Action    = "sns:Publish"
      Resource  = local.topic_arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = toset(var.alarm_email[*])

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

locals {
  endpoint_dimensions = { for name in local.endpoint_names : name => { EndpointName = name, VariantName = local.variant_name } }
  # Of each endpoint; the alarms of the second one have names that end in --2, as its own does.
  endpoint_alarms = merge([
    for name in local.endpoints : merge(
      { for alarm, about in local.alarms_of_an_endpoint :
        "${alarm}${trimprefix(name, local.endpoint_name)}" => merge(about, { dimensions = local.endpoint_dimensions[name] })
      },
      { for kind in ["5xx", "latency"] :
        "new-fleet-${kind}${trimprefix(name, local.endpoint_name)}" => merge(local.alarms_of_an_endpoint["endpoint-${kind}"], {
          description = "As endpoint-${kind}, of the newest configuration alone: rolls an update back"
          dimensions  = merge(local.endpoint_dimensions[name], { EndpointConfigName = local.generations[name] })
          actions     = [] # whoever applies sees it, and endpoint-${kind} sends the mail
        })
      },
    )
  ]...)

  # One of these alarms rolls an endpoint update back. They watch only the new instances. Alarms of the whole endpoint
  # would miss a new instance that gets little traffic, and could roll back the very update that repairs the old ones
  # (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html). Their names are the same
  # for every update, because the provider may replace an endpoint whose alarms have other names.
  rollback_alarms = toset(["new-fleet-5xx", "new-fleet-latency"])

  alarms_of_an_endpoint = {
    endpoint-5xx = {
      description = "The endpoint fails: see its container's log"
      namespace   = "AWS/SageMaker", metric = "Invocation5XXErrors", statistic = "Sum"
      period      = 60, periods = 3, datapoints = 2, threshold = 5
    }
    endpoint-latency = {
      description = "Answers take more than a second (p90, microseconds)"
      namespace   = "AWS/SageMaker", metric = "ModelLatency", statistic = "p90"
      period      = 60, periods = 5, datapoints = 3, threshold = 1000000
    }
    endpoint-disk = {
      description = "Every model that was ever invoked stays on the instance's disk: use a larger instance, or replace it"
      namespace   = "/aws/sagemaker/Endpoints", metric = "DiskUtilization", statistic = "Maximum"
      period      = 300, periods = 3, datapoints = 3, threshold = 80
    }
    endpoint-memory = {
      description = "Models evict each other from memory: use a larger instance, or more instances"
      namespace   = "/aws/sagemaker/Endpoints", metric = "MemoryUtilization", statistic = "Maximum"
      period      = 300, periods = 3, datapoints = 3, threshold = 90
    }
  }

  alarms = merge(
    local.endpoint_alarms,
    { for queue, arn in local.queue_arns : "queue-${queue}" => {
      description = "The deployer could not be reached, or failed: read the message, then delete it"
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
      period      = 300, periods = 1, datapoints = 1, threshold = 1
      dimensions  = { QueueName = "${local.name}-${queue}" }
    } },
    { invoker-url = {
      description = "The URL answers with 5xx: the invoker's log names the cause"
      namespace   = "AWS/Lambda", metric = "Url5xxCount", statistic = "Sum"
      period      = 60, periods = 3, datapoints = 2, threshold = 5
      dimensions  = { FunctionName = local.contract.functions.invoker.name }
    } },
    { for role, function in local.functions : "function-${role}" => {
      description = "${function.name} crashes, or runs out of time or memory"
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum"
      period      = 300, periods = 3, datapoints = 2, threshold = 1
      dimensions  = { FunctionName = function.name }
    } },
    { for name, alarm in {
      drift = {
        description = "Models have drifted: the mail and monitoring/latest.json in the bucket name them and the columns"
        metric      = "DriftedModels"
      }
      drift-unchecked = {
        description = "The check for drift could not compare some models: monitoring/latest.json says why"
        metric      = "UncheckedModels"
      }
      } : name => merge(alarm, {
        namespace  = local.contract.metrics_namespace, statistic = "Maximum"
        period     = 300, periods = 1, datapoints = 1, threshold = 1
        dimensions = { PipelineName = local.name }
      }) if length(local.drift_checks) > 0
    },
    { for family, file in local.definition_files : "pipeline-${family}" => {
      description = "An execution failed, or its model did not reach the threshold (step RegisterFailed)"
      namespace   = "AWS/Sagemaker/ModelBuildingPipeline", metric = "ExecutionFailed", statistic = "Sum"
      period      = 300, periods = 1, datapoints = 1, threshold = 1
      dimensions  = { PipelineName = local.pipeline_names[family] }
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = try(each.value.actions, [aws_sns_topic.alarms.arn])
  ok_actions          = try(each.value.actions, [aws_sns_topic.alarms.arn])
}

locals {
  # What the invoker logs in CloudWatch's embedded metric format: totals and, if asked for, metrics of each model.
  by_model = join("", [
    "SEARCH('{${local.contract.metrics_namespace},PipelineName,ModelPackageGroupName} ",
    "PipelineName=\"${local.name}\" MetricName=\"%s\"', '%s', 60)",
  ])
  graphs_by_model = [
    ["Requests, by model", [[{ expression = format(local.by_model, "Requests", "Sum") }]]],
    ["Latency of the URL, by model (p90, ms)", [[{ expression = format(local.by_model, "Latency", "p90") }]]],
  ]
  total = { for metric in ["Requests", "4XXErrors", "5XXErrors", "Rows", "Latency"] :
    metric => [local.contract.metrics_namespace, metric, "PipelineName", local.name]
  }
  of_the_endpoints = [
    for dimensions in values(local.endpoint_dimensions) : flatten([for name, value in dimensions : [name, value]])
  ]

  # Title and metrics of each graph, as CloudWatch writes them: namespace, name, dimensions, options.
  graphs = concat([
    ["Requests, errors and rows of the URL", [
      for metric in ["Requests", "4XXErrors", "5XXErrors", "Rows"] : concat(local.total[metric], [{ stat = "Sum" }])
    ]],
    ["Latency of the URL (ms)", [
      for statistic in ["p50", "p90", "p99"] : concat(local.total["Latency"], [{ stat = statistic }])
    ]],
    ["Requests and errors of the endpoint", [
      for pair in setproduct(local.of_the_endpoints, ["Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"]) :
      concat(["AWS/SageMaker", pair[1]], pair[0], [{ stat = "Sum" }])
    ]],
    ["Latency of the container (microseconds)", [
      for pair in setproduct(local.of_the_endpoints, ["p50", "p90", "p99"]) :
      concat(["AWS/SageMaker", "ModelLatency"], pair[0], [{ stat = pair[1] }])
    ]],
    ["Models: loaded, cache hits, loading wait time", [
      for pair in setproduct(local.of_the_endpoints, ["LoadedModelCount", "ModelCacheHit", "ModelLoadingWaitTime"]) :
      concat(["AWS/SageMaker", pair[1]], pair[0], [{ stat = "Average" }])
    ]],
    ["Instances (percent)", [
      for pair in setproduct(local.of_the_endpoints, ["CPUUtilization", "MemoryUtilization", "DiskUtilization"]) :
      concat(["/aws/sagemaker/Endpoints", pair[1]], pair[0], [{ stat = "Maximum" }])
    ]],
    ["Functions", [
      for pair in setproduct(values(local.functions)[*].name, ["Invocations", "Errors", "Throttles"]) :
      ["AWS/Lambda", pair[1], "FunctionName", pair[0], { stat = "Sum" }]
    ]],
    ["Executions", [
      for pair in setproduct(local.trains ? values(local.pipeline_names) : [], ["ExecutionStarted", "ExecutionSucceeded", "ExecutionFailed"]) :
      ["AWS/Sagemaker/ModelBuildingPipeline", pair[1], "PipelineName", pair[0], { stat = "Sum" }]
    ]],
    ["Waiting in the dead-letter queues", [
      for queue in keys(local.queue_arns) :
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${local.name}-${queue}", { stat = "Maximum" }]
    ]],
  ], [for graph in local.graphs_by_model : graph if var.metrics_by_model])

  # The invoker writes one line for each request. `group` is its model; a request that found no model has none.
  queries = {
    by-model = {
      title = "By model: requests, errors, rows and latency of the URL (ms)"
      text  = <<-END
        filter function = "invoker" and ispresent(group)
        | stats count(*) as requests, sum(`4XXErrors`) as client_errors, sum(`5XXErrors`) as server_errors,
            sum(Rows) as rows_predicted, pct(milliseconds, 50) as p50, pct(milliseconds, 90) as p90,
            pct(milliseconds, 99) as p99 by group, version
        | sort requests desc
        | limit 1000
      END
    }
    errors = {
      title = "Requests that failed, by model, status and cause"
      text  = <<-END
        filter function = "invoker" and status >= 400
        | stats count(*) as requests, max(@timestamp) as latest by group, status, cause
        | sort requests desc
        | limit 1000
      END
    }
    slowest = {
      title = "The slowest requests"
      text  = <<-END
        filter function = "invoker"
        | fields @timestamp, group, version, status, milliseconds, rows, request_bytes
        | sort milliseconds desc
        | limit 100
      END
    }
  }
  invoker_log = aws_cloudwatch_log_group.function["invoker"].name
}

# In the console: CloudWatch, Logs Insights, saved queries. They cost nothing until someone runs them.
resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${local.name}/${each.key}"
  log_group_names = [local.invoker_log]
  query_string    = trimspace(each.value.text)
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    widgets = concat([
      for index, graph in local.graphs : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = graph[0]
          region  = var.region
          period  = 60
          metrics = graph[1]
        }
      }
      ], [
      for index, query in ["by-model", "errors"] : {
        type   = "log"
        x      = 0
        y      = 6 * (ceil(length(local.graphs) / 2) + index)
        width  = 24
        height = 6
        properties = {
          title  = local.queries[query].title
          region = var.region
          view   = "table"
          query  = "SOURCE '${local.invoker_log}' | ${trimspace(local.queries[query].text)}"
        }
      }
    ])
  })
}

# What this environment may cost. AWS counts by the tag Pipeline, once someone has activated it as a
# cost allocation tag (Billing, "Cost allocation tags"); until then, the budget sees nothing.

resource "aws_budgets_budget" "this" {
  for_each = toset(var.monthly_budget_usd == null ? [] : [local.name])

  name         = each.key
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Pipeline$%s", local.name)]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
    }
  }

  depends_on = [aws_sns_topic_policy.alarms]
}
