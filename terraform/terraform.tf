terraform {
  required_version = "~> 1.11"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.7"
    }
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.66"
    }
  }

  # The state backend: terraform init -backend-config=environments/<environment>.s3.tfbackend
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "many-models"
      Environment = var.environment
      Pipeline    = var.pipeline_name
      ManagedBy   = "terraform"
    }
  }
}
