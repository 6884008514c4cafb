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
