# The URL of all models: a function URL of the invoker.

resource "aws_lambda_function_url" "invoker" {
  function_name      = aws_lambda_function.this["invoker"].function_name
  authorization_type = var.invoker_url_auth
}

# URLs created since October 2025 need two grants: to call the URL, and to call the function through it. With
# AWS_IAM they go to this account, where a caller's own policy decides (see people.tf); with NONE, to everyone.
locals {
  invoker_caller = {
    AWS_IAM = "arn:${local.partition}:iam::${local.account_id}:root"
    NONE    = "*"
  }[var.invoker_url_auth]
}

resource "aws_lambda_permission" "invoker_url" {
  statement_id           = "call-the-url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this["invoker"].function_name
  principal              = local.invoker_caller
  function_url_auth_type = var.invoker_url_auth
}

resource "aws_lambda_permission" "invoker_function" {
  statement_id             = "call-the-function-through-the-url"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.this["invoker"].function_name
  principal                = local.invoker_caller
  invoked_via_function_url = true
}
