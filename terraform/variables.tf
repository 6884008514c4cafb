# What has no default is asked of every environment; see environments/.

variable "environment" {
  description = "What this deployment is called, such as dev or prod; a tag on everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.environment))
    error_message = "environment must be lower-case letters and digits in words joined by single hyphens."
  }
}

variable "region" {
  description = "AWS region of everything, such as eu-central-1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as eu-central-1."
  }
}

variable "pipeline_name" {
  description = "What all names begin with. Two environments in one account need two names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.pipeline_name)) && length(var.pipeline_name) <= 32
    error_message = "pipeline_name must be up to 32 lower-case letters and digits in words joined by single hyphens."
  }
}

# Null at the first apply, because notebooks 01 and 02 need the bucket, the roles and the registry first.

variable "image_uri" {
  description = "The image of jobs and endpoint, which notebook 01 builds; null before there is one."
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
  description = "The classification pipeline's definition, which notebook 02 writes; a path seen from this folder. Null before there is one."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_definition_file == null || can(jsondecode(file(var.pipeline_definition_file)).Steps)
    error_message = "pipeline_definition_file must name a file with a pipeline's definition; notebook 02 writes it with DEFINITION_FILE."
  }
}

variable "pipeline_definition_regression_file" {
  description = "The regression pipeline's definition, likewise; notebook 02 writes it beside the other."
  type        = string
  default     = null

  validation {
    condition     = var.pipeline_definition_regression_file == null || can(jsondecode(file(var.pipeline_definition_regression_file)).Steps)
    error_message = "pipeline_definition_regression_file must name a file with a pipeline's definition; notebook 02 writes it with DEFINITION_FILE."
  }
}

variable "base_image_tag" {
  description = "Which of SageMaker's scikit-learn images the project's own extends."
  type        = string
  default     = "1.9-0-cpu-py3"
  nullable    = false
}

variable "endpoint_enabled" {
  description = "Whether to have the endpoint, which bills by the hour; without it registry, models and map stay."
  type        = bool
  default     = true
  nullable    = false
}

variable "endpoint" {
  description = "The endpoint's instances, and how many invocations a minute each may have before another is added."
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
    error_message = "endpoint.min_instances must be at least 1 and not above max_instances."
  }

  validation {
    condition     = var.endpoint.invocations_per_instance > 0
    error_message = "endpoint.invocations_per_instance must be above 0."
  }
}

variable "serve_pickles" {
  description = "Algorithms of your own whose models the endpoint may unpickle, which runs code of whoever wrote them; empty for none."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.serve_pickles : can(regex("^[A-Za-z0-9_-]+$", name))])
    error_message = "serve_pickles must be names of algorithms, such as ExtraTrees."
  }
}

variable "invoker_url_auth" {
  description = "Who may call the invoker's URL: AWS_IAM (who signs and is allowed to), or NONE (everyone on the internet)."
  type        = string
  default     = "AWS_IAM"
  nullable    = false

  validation {
    condition     = contains(["AWS_IAM", "NONE"], var.invoker_url_auth)
    error_message = "invoker_url_auth must be AWS_IAM or NONE."
  }
}

variable "reserved_concurrency" {
  description = "How many executions of each function to reserve, and at most to have; null reserves none."
  type = object({
    deployer  = optional(number)
    invoker   = optional(number)
    retrainer = optional(number)
  })
  default  = {}
  nullable = false
}

variable "retraining" {
  description = "Data sets to train anew by the clock when there is a new table under raw/: name => the column to predict, a schedule expression and, if need be, other parameters of the pipeline."
  type = map(object({
    target     = string
    expression = string
    timezone   = optional(string, "UTC")
    family     = optional(string, "classification")
    parameters = optional(map(string), {})
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

variable "developers" {
  description = "Who may keep a pipeline <pipeline_name>-<developer> beside Terraform's, as notebook 02 makes with DEVELOPER."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for developer in var.developers : can(regex("^[a-z0-9]+$", developer)) && developer != "regression"
    ])
    error_message = "developers must be lower-case letters and digits, and not `regression`, which is a pipeline of Terraform's."
  }
}

variable "retention_days" {
  description = "How long to keep: artifacts out of service, what only the steps of one execution need, earlier versions of objects, logs."
  type = object({
    retired_models      = optional(number, 14)
    intermediates       = optional(number, 60)
    noncurrent_versions = optional(number, 30)
    logs                = optional(number, 365)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.retention_days.retired_models >= 1 && var.retention_days.noncurrent_versions >= 1
    error_message = "retention_days.retired_models and noncurrent_versions must be at least 1."
  }

  validation {
    condition     = var.retention_days.intermediates > 31
    error_message = "retention_days.intermediates must be above 31: a step may take what another made up to 30 days before (its cache)."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.retention_days.logs)
    error_message = "retention_days.logs must be a number of days that CloudWatch knows, such as 30, 90 or 365."
  }
}

variable "force_destroy" {
  description = "Whether destroying may delete a bucket and a repository that still hold something. Set it, apply, then destroy."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_email" {
  description = "Who gets the alarms; null for nobody. Confirm the mail that AWS sends."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an address."
  }
}

variable "monthly_budget_usd" {
  description = "What a month may cost before alarm_email is told; null for no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || (coalesce(var.monthly_budget_usd, 0) > 0 && var.alarm_email != null)
    error_message = "monthly_budget_usd must be above 0, and needs an alarm_email to tell."
  }
}

variable "kms_key_arn" {
  description = "A KMS key for bucket, repository, builds, logs, schedules, alarms, functions and the endpoint's disks; null for the account's own keys. Queues and the disks of jobs have AWS's own either way. Its key policy must let logs, cloudwatch and budgets use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not of an alias."
  }
}

variable "vpc" {
  description = "Subnets and security groups of endpoint, functions and jobs; null for none. CodeBuild stays outside. The subnets need a way to S3, SageMaker, its runtime, logs and ECR."
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
