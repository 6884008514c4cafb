# The outputs that the notebooks read, also for whoever has no file of them: Studio, CI, notebook jobs, other machines.
# They are names and ARNs, no secrets. TERRAFORM_OUTPUTS: ssm:/<pipeline name>/outputs, or
# s3://<bucket>/deployments/outputs.json. Written as `terraform output -json` writes them.

locals {
  stored_outputs = jsonencode({ for name, value in local.outputs : name => { value = value } })
}

resource "aws_s3_object" "outputs" {
  bucket       = aws_s3_bucket.this.id
  key          = local.outputs_key
  content      = local.stored_outputs
  content_type = "application/json"
  kms_key_id   = var.kms_key_arn # null: as the bucket encrypts
}

resource "aws_ssm_parameter" "outputs" {
  #checkov:skip=CKV2_AWS_34:It has names and ARNs only, so reading it should need no key
  name        = local.outputs_parameter
  description = "What Terraform created for ${local.name}, for the notebooks"
  type        = "String"
  tier        = "Intelligent-Tiering" # free up to 4 KB
  value       = local.stored_outputs
}
