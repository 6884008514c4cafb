# Values that must be refused, and the variable that refuses each of them. A run has a wrong value of as many
# variables as it can, and the variables alone where it needs no resource, because a plan takes half a second.
# tests/support/terraform/workspace.py puts a copy of variables.tf into the folder that these runs name.

mock_provider "archive" {}

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment   = "test"
  region        = "eu-central-1"
  pipeline_name = "demo"
}

run "names_and_kinds" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name                       = "demo--two"
    region                              = "Frankfurt"
    environment                         = ""
    image_uri                           = "example.com/library/python:3.13"
    pipeline_definition_file            = "nowhere.json"
    pipeline_definition_regression_file = "terraform.tf"
    endpoint                            = { instance_type = "m5.large" }
    invoker_url_auth                    = "none"
    developers                          = ["regression"]
    alarm_email                         = "ana"
    kms_key_arn                         = "arn:aws:kms:eu-central-1:123456789012:alias/mine"
    mlflow_tracking_server_arn          = "https://mlflow.example.com"
    vpc                                 = { subnet_ids = ["subnet-1"], security_group_ids = [] }
    retention_days                      = { intermediates = 30 }
    iam_path                            = "ml/"
    permissions_boundary_arn            = "arn:aws:iam::123456789012:role/boundary"
    endpoints                           = 0
    capture_rate                        = 5
    capture_leaves_out                  = { "Wine 1" = ["proline"] }
    drift_check                         = { expression = "rate(1 day)", window = "7" }
  }

  expect_failures = [
    var.pipeline_name,
    var.region,
    var.environment,
    var.image_uri,
    var.pipeline_definition_file,
    var.pipeline_definition_regression_file,
    var.endpoint,
    var.invoker_url_auth,
    var.developers,
    var.alarm_email,
    var.kms_key_arn,
    var.mlflow_tracking_server_arn,
    var.vpc,
    var.retention_days,
    var.iam_path,
    var.permissions_boundary_arn,
    var.endpoints,
    var.capture_rate,
    var.capture_leaves_out,
    var.drift_check,
  ]
}

run "lengths_and_bounds" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name      = "a234567890b234567890c234567890d23"
    image_uri          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo"
    endpoint           = { min_instances = 0 }
    developers         = ["ana-maria"]
    monthly_budget_usd = 20
    retention_days     = { logs = 100 }
    iam_path           = "/m l/"
    endpoints          = 1.5
    promote_to         = { account_ids = ["222222222222"], datasets = ["wine"] } # without a key
    capture_leaves_out = { "*" = [for number in range(300) : "größe ${number}"] }
  }

  expect_failures = [
    var.pipeline_name,
    var.image_uri,
    var.endpoint,
    var.developers,
    var.monthly_budget_usd,
    var.retention_days,
    var.iam_path,
    var.endpoints,
    var.promote_to,
    var.capture_leaves_out,
  ]
}

run "order_and_form" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name  = "Demo"
    endpoint       = { min_instances = 3, max_instances = 2 }
    retention_days = { retired_models = 0 }
    kms_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/k"
    promote_to     = { account_ids = ["prod"], datasets = ["wine"] }
  }

  expect_failures = [
    var.pipeline_name,
    var.endpoint,
    var.retention_days,
    var.promote_to,
  ]
}

run "a_name_too_short_for_a_repository" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name = "d"
  }

  expect_failures = [var.pipeline_name]
}

run "a_name_that_no_parameter_has" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name = "aws-models"
  }

  expect_failures = [var.pipeline_name]
}

run "a_name_that_no_bucket_has" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    pipeline_name = "sthree"
    serve_pickles = [for number in range(100) : "Algorithm${number}"]
  }

  expect_failures = [var.pipeline_name, var.serve_pickles]
}

run "retraining_expression" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    retraining = { wine = { target = "c", expression = "weekly" } }
    endpoint   = { invocations_per_instance = 0 }
  }

  expect_failures = [var.retraining, var.endpoint]
}

run "retraining_family" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    retraining = { wine = { target = "c", expression = "rate(1 day)", family = "ranking" } }
  }

  expect_failures = [var.retraining]
}

run "retraining_data_set" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    retraining = { Wine = { target = "c", expression = "rate(1 day)" } }
  }

  expect_failures = [var.retraining]
}

run "retraining_target_in_two_lines" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    retraining = { wine = { target = "satisfied\nwith it", expression = "rate(1 day)" } }
  }

  expect_failures = [var.retraining]
}

# The group's name has room for this data set, the schedule's has not.
run "retraining_data_set_too_long_for_a_schedule" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    retraining = {
      a23456789b23456789c23456789d23456789e23456789f2345678 = { target = "class", expression = "rate(7 days)" }
    }
  }

  expect_failures = [var.retraining]
}

run "traffic_routed_in_no_known_way" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2 }
    endpoint_update = { routing = "BLUE_GREEN", size = { value = 50 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_all_at_once_in_parts" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint_update = { size = { value = 50 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_parts_of_no_size" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2, max_instances = 2 }
    endpoint_update = { routing = "CANARY" }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_parts_of_no_kind" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2, max_instances = 2 }
    endpoint_update = { routing = "CANARY", size = { type = "COPY_COUNT", value = 1 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_half_a_percent" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2, max_instances = 2 }
    endpoint_update = { routing = "CANARY", size = { value = 1.5 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_a_canary_of_more_than_half" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 3, max_instances = 3 }
    endpoint_update = { routing = "CANARY", size = { type = "INSTANCE_COUNT", value = 2 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_steps_of_less_than_a_tenth" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2, max_instances = 2 }
    endpoint_update = { routing = "LINEAR", size = { value = 9 }, wait_seconds = 0 }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_to_a_part_of_one_instance" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint_update = { routing = "CANARY", size = { value = 50 } }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_before_it_is_time" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint_update = { wait_seconds = -1 }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_with_a_timeout_of_a_minute" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint_update = { wait_seconds = 0, termination_wait_seconds = 0, timeout_seconds = 60 }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_for_longer_than_terraform_waits" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint_update = { timeout_seconds = 3601 }
  }

  expect_failures = [var.endpoint_update]
}

run "traffic_in_more_steps_than_the_timeout_allows" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    endpoint        = { min_instances = 2, max_instances = 2 }
    endpoint_update = { routing = "LINEAR", size = { value = 10 }, wait_seconds = 330 }
  }

  expect_failures = [var.endpoint_update]
}

run "definition_of_another_environment" {
  command = plan

  variables {
    pipeline_name            = "other"
    pipeline_definition_file = "tests/definitions/classification.json"
  }

  expect_failures = [aws_sagemaker_pipeline.this]
}

run "definition_with_another_image" {
  command = plan

  variables {
    image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:2"
    pipeline_definition_file = "tests/definitions/classification.json"
  }

  expect_failures = [aws_sagemaker_pipeline.this]
}

run "image_of_another_repository" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/other:1"
  }

  expect_failures = [aws_sagemaker_model.this]
}

run "definition_without_the_network" {
  command = plan

  variables {
    pipeline_definition_file = "tests/definitions/classification.json"
    vpc                      = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  expect_failures = [aws_sagemaker_pipeline.this]
}

run "promotion_into_an_environment_that_trains" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    developers   = ["ana"]
    promote_from = { account_id = "111111111111", pipeline_name = "demo", kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/k" }
  }

  expect_failures = [var.promote_from]
}

run "a_role_for_studio_where_nothing_is_trained" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    studio       = true
    promote_from = { account_id = "111111111111", pipeline_name = "demo", kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/k" }
  }

  expect_failures = [var.promote_from]
}

run "promotion_with_an_image_that_can_change" {
  command = plan

  module {
    source = "./tests/variables"
  }

  variables {
    image_uri    = "111111111111.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    promote_from = { account_id = "111111111111", pipeline_name = "demo", kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/k" }
  }

  expect_failures = [var.promote_from]
}

run "a_definition_without_the_key" {
  command = plan

  variables {
    image_uri                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1"
    pipeline_definition_file = "tests/definitions/classification.json"
    kms_key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/k"
  }

  expect_failures = [aws_sagemaker_pipeline.this]
}
