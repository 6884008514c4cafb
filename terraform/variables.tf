# Variables without a default must be set for every environment; see environments/.

variable "environment" {
  description = "The name of this deployment, such as dev or prod; a tag on everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.environment))
    error_message = "environment must be lower-case letters and digits in words joined by single hyphens."
  }
}

variable "region" {
  description = "The AWS region, such as eu-central-1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as eu-central-1."
  }
}

variable "pipeline_name" {
  description = "The prefix of all names. Two environments in one account need two prefixes."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.pipeline_name)) && length(var.pipeline_name) <= 32
    error_message = "pipeline_name must be up to 32 lower-case letters and digits in words joined by single hyphens."
  }

  # The image's repository has this name, and those of the bucket and of the outputs' parameter begin with it:
  # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
  validation {
    condition     = length(var.pipeline_name) >= 2 && !can(regex("^(aws|ssm|sthree-|amzn-s3-demo-)", "${var.pipeline_name}-"))
    error_message = "pipeline_name must have at least 2 characters and not begin with aws, ssm, sthree- or amzn-s3-demo-, which AWS reserves."
  }
}

# Null for the first apply, because notebooks 01 and 02 first need the bucket, the roles and the repository.

variable "image_uri" {
  description = "The image for jobs and endpoint, which notebook 01 builds; null until it exists."
  type        = string
  default     = null

  validation {
    condition = var.image_uri == null || can(regex(
      "^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9/._-]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9._-]+)$",
      var.image_uri
    ))
    error_message = "image_uri must name an image in ECR with its digest or tag, such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/many-models@sha256:..."
  }
}

variable "pipeline_definition_file" {
  description = "The classification pipeline's definition, which notebook 02 writes; a path relative to this folder. Null until it exists."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_definition_file == null || can(jsondecode(file(var.pipeline_definition_file)).Steps)
    error_message = "pipeline_definition_file must name a file with a pipeline's definition; notebook 02 writes it with DEFINITION_FILE."
  }
}

variable "pipeline_definition_regression_file" {
  description = "The regression pipeline's definition, as above; notebook 02 writes it beside the other one."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_definition_regression_file == null || can(jsondecode(file(var.pipeline_definition_regression_file)).Steps)
    error_message = "pipeline_definition_regression_file must name a file with a pipeline's definition; notebook 02 writes it with DEFINITION_FILE."
  }
}

variable "base_image_tag" {
  description = "The tag of SageMaker's scikit-learn image that the project's image extends."
  type        = string
  default     = "1.9-0-cpu-py3"
  nullable    = false
}

variable "endpoint_enabled" {
  description = "Whether to create the endpoint, which is billed by the hour; without it, the registry, the models and the models map stay."
  type        = bool
  default     = true
  nullable    = false
}

variable "endpoints" {
  description = "The number of endpoints over which the models are spread; the models map says which endpoint serves which model."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = 1 <= var.endpoints && var.endpoints <= 100 && floor(var.endpoints) == var.endpoints
    error_message = "endpoints must be a whole number from 1 to 100."
  }
}

variable "endpoint" {
  description = "The instances of each endpoint, and how many invocations per minute each may get before another is added."
  type = object({
    instance_type            = optional(string, "ml.m5.large")
    min_instances            = optional(number, 1)
    max_instances            = optional(number, 2)
    invocations_per_instance = optional(number, 2000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^ml\\.[a-z0-9-]+\\.[a-z0-9]+$", var.endpoint.instance_type))
    error_message = "endpoint.instance_type must be a SageMaker instance type, such as ml.m5.large."
  }

  validation {
    condition     = 1 <= var.endpoint.min_instances && var.endpoint.min_instances <= var.endpoint.max_instances
    error_message = "endpoint.min_instances must be at least 1 and at most max_instances."
  }

  validation {
    condition     = var.endpoint.invocations_per_instance > 0
    error_message = "endpoint.invocations_per_instance must be greater than 0."
  }
}

variable "endpoint_update" {
  description = "How traffic moves to new instances in an update of the endpoint: ALL_AT_ONCE; CANARY, first to some of them and then to all; or LINEAR, step by step. size is how many move first or in each step, of endpoint.min_instances."
  type = object({
    routing = optional(string, "ALL_AT_ONCE")
    size = optional(object({
      type  = optional(string, "CAPACITY_PERCENT")
      value = number
    }))
    wait_seconds             = optional(number, 300)
    termination_wait_seconds = optional(number, 300)
    timeout_seconds          = optional(number, 3600)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ALL_AT_ONCE", "CANARY", "LINEAR"], var.endpoint_update.routing)
    error_message = "endpoint_update.routing must be ALL_AT_ONCE, CANARY or LINEAR."
  }

  validation {
    condition     = (var.endpoint_update.routing == "ALL_AT_ONCE") == (var.endpoint_update.size == null)
    error_message = "endpoint_update.size must be given with CANARY and LINEAR, and only with them, such as { value = 50 }."
  }

  validation {
    condition = alltrue([
      for size in var.endpoint_update.size[*] :
      contains(["CAPACITY_PERCENT", "INSTANCE_COUNT"], size.type) && size.value >= 1 && floor(size.value) == size.value
    ])
    error_message = "endpoint_update.size: type must be CAPACITY_PERCENT or INSTANCE_COUNT, and value a whole number of at least 1."
  }

  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
  validation {
    condition = alltrue([
      for size in var.endpoint_update.size[*] :
      size.value <= (size.type == "INSTANCE_COUNT" ? 0.5 * var.endpoint.min_instances : 50)
      && (var.endpoint_update.routing != "LINEAR" || size.value >= (size.type == "INSTANCE_COUNT" ? 0.1 * var.endpoint.min_instances : 10))
    ])
    error_message = "endpoint_update.size must be at most half of endpoint.min_instances, and with LINEAR at least a tenth."
  }

  # What AWS makes of a percentage of one instance is not documented.
  validation {
    condition     = var.endpoint_update.routing == "ALL_AT_ONCE" || var.endpoint.min_instances >= 2
    error_message = "endpoint_update.routing must be ALL_AT_ONCE unless endpoint.min_instances is at least 2: one instance has no part that could get traffic first."
  }

  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html allows eight hours, but the
  # provider waits for one.
  validation {
    condition = (
      alltrue([
        for seconds in [var.endpoint_update.wait_seconds, var.endpoint_update.termination_wait_seconds] :
        0 <= seconds && seconds <= 3600
      ])
      && 600 <= var.endpoint_update.timeout_seconds && var.endpoint_update.timeout_seconds <= 3600
    )
    error_message = "endpoint_update: wait_seconds and termination_wait_seconds must be 0 to 3600, and timeout_seconds 600 to 3600, which is as long as Terraform waits."
  }

  validation {
    condition = alltrue([
      for shifts in concat(var.endpoint_update.routing == "CANARY" ? [2] : [1], [
        for size in var.endpoint_update.size[*] :
        ceil((size.type == "INSTANCE_COUNT" ? var.endpoint.min_instances : 100) / size.value)
        if var.endpoint_update.routing == "LINEAR"
      ]) :
      shifts * var.endpoint_update.wait_seconds + var.endpoint_update.termination_wait_seconds < var.endpoint_update.timeout_seconds
    ])
    error_message = "endpoint_update.timeout_seconds must be more than all waits together: wait_seconds after each shift (1 with ALL_AT_ONCE, 2 with CANARY, one for each step with LINEAR), and termination_wait_seconds."
  }
}

variable "serve_pickles" {
  description = "Your own algorithms whose models the endpoint may unpickle, which runs code by whoever wrote them; empty for none."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.serve_pickles : can(regex("^[A-Za-z0-9_-]+$", name))])
    error_message = "serve_pickles must be names of algorithms, such as ExtraTrees."
  }

  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
  validation {
    condition     = length(join(",", var.serve_pickles)) <= 1024
    error_message = "serve_pickles must have at most 1,024 characters, with commas between the names, which is what SageMaker passes to a container."
  }
}

variable "invoker_url_auth" {
  description = "Who may call the invoker's URL: AWS_IAM (callers who sign their requests and are allowed to), or NONE (anyone on the internet)."
  type        = string
  default     = "AWS_IAM"
  nullable    = false

  validation {
    condition     = contains(["AWS_IAM", "NONE"], var.invoker_url_auth)
    error_message = "invoker_url_auth must be AWS_IAM or NONE."
  }
}

variable "reserved_concurrency" {
  description = "The reserved concurrency of each function, which is also its limit; null reserves none. For hundreds of approvals at once: deployer = 10 (docs/operations/scale.md)."
  type = object({
    deployer  = optional(number)
    invoker   = optional(number)
    retrainer = optional(number)
  })
  default  = {}
  nullable = false
}

variable "retraining" {
  description = "Data sets to retrain on a schedule when there is a new table under raw/: name => the column to predict, a schedule expression and, if needed, other parameters of the pipeline; on_drift: also when a check finds that its model has drifted."
  type = map(object({
    target     = string
    expression = string
    timezone   = optional(string, "UTC")
    family     = optional(string, "classification")
    parameters = optional(map(string), {})
    on_drift   = optional(bool, false)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for dataset in keys(var.retraining) :
      can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", dataset)) && length("${var.pipeline_name}--${dataset}") <= 63
    ])
    error_message = "retraining: a data set's name must be lower-case letters and digits in words joined by single hyphens, and <pipeline_name>--<data set> at most 63 characters."
  }

  # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
  validation {
    condition = alltrue([
      for dataset in keys(var.retraining) : length("${var.pipeline_name}-retrain-${dataset}") <= 64
    ])
    error_message = "retraining: <pipeline_name>-retrain-<data set>, the schedule's name, must be at most 64 characters."
  }

  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html
  validation {
    condition = alltrue([
      for schedule in values(var.retraining) : length(schedule.target) <= 256 && !can(regex("[\n\r]", schedule.target))
    ])
    error_message = "retraining: target must be at most 256 characters in one line, which is what SageMaker passes to a job."
  }

  validation {
    condition = alltrue([
      for schedule in values(var.retraining) : can(regex("^(rate|cron|at)\\(.+\\)$", schedule.expression))
    ])
    error_message = "retraining: expression must be rate(...), cron(...) or at(...), such as cron(0 3 ? * MON *)."
  }

  validation {
    condition = alltrue([
      for schedule in values(var.retraining) : contains(["classification", "regression"], schedule.family)
    ])
    error_message = "retraining: family must be classification or regression."
  }
}

variable "drift_check" {
  description = "When all models in service are checked for drift, how far back requests are read, and on which instance the check runs; null for no schedule."
  type = object({
    expression    = string
    timezone      = optional(string, "UTC")
    window        = optional(string, "7d")
    instance_type = optional(string, "ml.m5.large")
  })
  default = null

  validation {
    condition = alltrue([for check in var.drift_check[*] : (
      can(regex("^(rate|cron|at)\\(.+\\)$", check.expression))
      && can(regex("^[1-9][0-9]{0,3}[hd]$", check.window))
      && startswith(check.instance_type, "ml.")
    )])
    error_message = "drift_check: expression must be rate(...), cron(...) or at(...), window a number of hours or days such as 7d, and instance_type begin with ml."
  }
}

variable "developers" {
  description = "Who may have a pipeline <pipeline_name>-<developer> beside Terraform's, which notebook 02 creates with DEVELOPER."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for developer in var.developers :
      can(regex("^[a-z0-9]{1,32}$", developer)) && !contains(["regression", "terraform"], developer)
    ])
    error_message = "developers must be up to 32 lower-case letters and digits, and not `regression` or `terraform`, whose pipelines Terraform owns."
  }
}

variable "studio" {
  description = "Whether to create a role for SageMaker Studio's spaces and for notebook jobs, with an operator's permissions and that of keeping private spaces."
  type        = bool
  default     = false
  nullable    = false
}

variable "promote_to" {
  description = "Which accounts may take over models that are trained here, and of which data sets, each with a registered version; null for none. Needs kms_key_arn."
  type = object({
    account_ids = set(string)
    datasets    = set(string)
  })
  default = null

  validation {
    condition = alltrue(flatten([for to in var.promote_to[*] : concat(
      [length(to.account_ids) > 0],
      [for id in to.account_ids : can(regex("^[0-9]{12}$", id))],
      [for dataset in to.datasets : can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", dataset))],
    )]))
    error_message = "promote_to needs at least one account id of 12 digits in account_ids, and the names of data sets."
  }

  validation {
    condition     = var.promote_to == null || var.kms_key_arn != null
    error_message = "promote_to needs kms_key_arn, a key of your own, because no other account can read what AWS's own key for S3 encrypts."
  }
}

variable "promote_from" {
  description = "The environment whose models this one takes over (account, pipeline name, key), in the same region; null to train here. With it, there are no pipelines, jobs, builds or retraining."
  type = object({
    account_id    = string
    pipeline_name = string
    kms_key_arn   = string
  })
  default = null

  validation {
    condition = alltrue([for from in var.promote_from[*] : (
      can(regex("^[0-9]{12}$", from.account_id))
      && can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", from.pipeline_name))
      && can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", from.kms_key_arn))
    )])
    error_message = "promote_from needs an account_id of 12 digits, and the pipeline_name and kms_key_arn of that environment."
  }

  validation {
    condition = var.promote_from == null || (
      var.promote_to == null && var.pipeline_definition_file == null && var.pipeline_definition_regression_file == null
      && length(var.retraining) + length(var.developers) == 0 && !var.studio
    )
    error_message = "promote_from is for an environment that does not train: leave out pipeline_definition_file, pipeline_definition_regression_file, retraining, developers, studio and promote_to."
  }

  validation {
    condition     = var.promote_from == null || var.image_uri == null || strcontains(coalesce(var.image_uri, "-"), "@sha256:")
    error_message = "With promote_from, image_uri must name the image by its digest, because another account could move a tag."
  }
}

variable "retention_days" {
  description = "How many days to keep retired models, files that only the steps of one execution need, earlier versions of objects, captured requests, and logs."
  type = object({
    retired_models      = optional(number, 14)
    intermediates       = optional(number, 60)
    noncurrent_versions = optional(number, 30)
    captured            = optional(number, 30)
    logs                = optional(number, 365)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for kind in ["retired_models", "noncurrent_versions", "captured"] : var.retention_days[kind] >= 1
    ])
    error_message = "retention_days.retired_models, noncurrent_versions and captured must be at least 1."
  }

  validation {
    condition     = var.retention_days.intermediates > 31
    error_message = "retention_days.intermediates must be greater than 31: through its cache, a step may reuse a result that is up to 30 days old."
  }

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.retention_days.logs
    )
    error_message = "retention_days.logs must be a number of days that CloudWatch allows, such as 30, 90 or 365."
  }
}

variable "force_destroy" {
  description = "Whether destroy may delete a bucket and a repository that are not empty. Set it, apply, then destroy."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_email" {
  description = "Who gets the alarms; null for nobody. Confirm the e-mail that AWS sends."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "metrics_by_model" {
  description = "Whether the invoker's requests, errors, latency and rows are also metrics of each model, which CloudWatch bills by model and month; without it, the invoker's log has them, and saved queries of Logs Insights show them."
  type        = bool
  default     = false
  nullable    = false
}

variable "capture_rate" {
  description = "The share of requests, from 0 to 1, that are stored with their answers under captured/ of the bucket, for the check of drift and quality. 0 stores none, and makes no stream."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = 0 <= var.capture_rate && var.capture_rate <= 1
    error_message = "capture_rate must be a share of the requests from 0 to 1."
  }
}

variable "capture_leaves_out" {
  description = "Columns whose cells are not stored with captured requests, by data set, or by * for all of them."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition = alltrue(flatten([for dataset, columns in var.capture_leaves_out : concat(
      [dataset == "*" || can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", dataset))],
      [for column in columns : trimspace(column) != ""],
    )]))
    error_message = "capture_leaves_out must name data sets, or *, and their columns, such as { \"*\" = [\"name\"], churn = [\"email\"] }."
  }

  # All variables of a function have 4 KB together, as JSON of which this is one text; the others take up to 500 bytes
  # (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). Base64 counts bytes, not characters.
  validation {
    condition     = length(base64encode(jsonencode(jsonencode(var.capture_leaves_out)))) * 3 / 4 <= 3584
    error_message = "capture_leaves_out must be at most 3584 bytes of JSON, because Lambda keeps 4 KB of variables. Name a column of many data sets once, under *, or capture fewer columns' data sets."
  }
}

variable "monthly_budget_usd" {
  description = "What a month may cost before alarm_email gets a notification; null for no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || (coalesce(var.monthly_budget_usd, 0) > 0 && var.alarm_email != null)
    error_message = "monthly_budget_usd must be greater than 0, and needs an alarm_email to notify."
  }
}

variable "kms_key_arn" {
  description = "A KMS key for bucket, repository, builds, logs, schedules, alarms, functions and the endpoint's disks; null for the account's own keys. Queues and the disks of jobs use AWS's own keys either way. The key policy must let logs, cloudwatch and budgets use the key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not an alias."
  }
}

variable "iam_path" {
  description = "The path of every role and policy, such as /ml/, where an organisation asks for one. Set it before the first apply, because a change replaces them all."
  type        = string
  default     = "/"
  nullable    = false

  # IAM allows more characters, but SageMaker, Lambda and Scheduler only take roles whose ARN has these.
  validation {
    condition     = can(regex("^/([A-Za-z0-9_+=,.@-]+/)*$", var.iam_path)) && length(var.iam_path) <= 512
    error_message = "iam_path must begin and end with /, with words of letters, digits and _+=,.@- between, such as /ml/; up to 512 characters."
  }
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary of every role, where an organisation asks for one; null for none. It must allow what the roles' own policies allow."
  type        = string
  default     = null

  validation {
    condition = var.permissions_boundary_arn == null || can(regex(
      "^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+$", var.permissions_boundary_arn
    ))
    error_message = "permissions_boundary_arn must be the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "mlflow_tracking_server_arn" {
  description = "SageMaker's MLflow tracking server on which notebook 03 also records executions; null for none. Its artifact store must be mlflow/ in this environment's bucket."
  type        = string
  default     = null

  validation {
    condition     = var.mlflow_tracking_server_arn == null || can(regex("^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:mlflow-tracking-server/[A-Za-z0-9-]+$", var.mlflow_tracking_server_arn))
    error_message = "mlflow_tracking_server_arn must be the ARN of a tracking server, such as arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/models."
  }
}

variable "vpc" {
  description = "Subnets and security groups for endpoint, functions and jobs; null for none. CodeBuild stays outside. The subnets need access to S3, SageMaker, its runtime, logs and ECR."
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null

  validation {
    condition     = alltrue([for vpc in var.vpc[*] : length(vpc.subnet_ids) > 0 && length(vpc.security_group_ids) > 0])
    error_message = "vpc needs at least one subnet and one security group."
  }
}
