"""What each role and each person has to be allowed, and what none of them may be.

A call is an action, a resource and, where a policy asks for it, the request's condition keys. PLATFORM is
what SageMaker, Lambda, CodeBuild and EventBridge ask of a role beside the code's own calls, which no laptop
can record, and WITH_KEY and WITH_VPC what your own key and a VPC add to that. CODE is what jobs,
functions and notebooks call.
"""

from typing import NamedTuple

__all__ = ["CODE", "FORBIDDEN", "PLATFORM", "PROMOTION", "WITH_KEY", "WITH_VPC", "Call"]

BASE = "arn:aws:{}:eu-central-1:123456789012:{}"
BUCKET = "arn:aws:s3:::demo-123456789012-eu-central-1"
OTHER_BUCKET = "arn:aws:s3:::demo-staging-123456789012-eu-central-1"
SHA = "0" * 64


class Call(NamedTuple):
    """One request as IAM sees it."""

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()


def sagemaker(action: str, resource: str, **context: str) -> Call:
    keys = tuple((f"sagemaker:{key}", value) for key, value in context.items())
    return Call(f"sagemaker:{action}", BASE.format("sagemaker", resource), keys)


def s3(action: str, key: str = "", bucket: str = BUCKET) -> Call:
    return Call(f"s3:{action}", f"{bucket}/{key}" if key else bucket)


def listing(prefix: str) -> Call:
    return Call("s3:ListBucket", BUCKET, (("s3:prefix", prefix),))


def logs(action: str, group: str, stream: str = "") -> Call:
    return Call(f"logs:{action}", BASE.format("logs", f"log-group:{group}{stream}"))


def ecr(action: str, repository: str = "demo", account: str = "123456789012") -> Call:
    return Call(f"ecr:{action}", f"arn:aws:ecr:eu-central-1:{account}:repository/{repository}")


def role(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/demo-{name}"


def passing(name: str, service: str) -> Call:
    return Call("iam:PassRole", role(name), (("iam:PassedToService", f"{service}.amazonaws.com"),))


def function(action: str, name: str) -> Call:
    return Call(f"lambda:{action}", BASE.format("lambda", f"function:demo-{name}"))


def queue(name: str) -> Call:
    return Call("sqs:SendMessage", BASE.format("sqs", f"demo-{name}"))


def metrics(namespace: str) -> Call:
    return Call("cloudwatch:PutMetricData", "*", (("cloudwatch:namespace", namespace),))


PULL = [
    Call("ecr:GetAuthorizationToken"),
    *(ecr(action) for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")),
]
PUSH = [
    *(
        ecr(action)
        for action in ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")
    ),
    *(
        ecr(action, "sagemaker-scikit-learn", account="210987654321")
        for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
    ),
]
# Names as SageMaker Pipelines makes them.
PROCESSING = "processing-job/pipelines-3h8n9fiy7q5b-PreprocessData-AbCdEfGhIj"
TRAINING = "training-job/pipelines-3h8n9fiy7q5b-RefitBestModel-AbCdEfGhIj"
TUNING = "hyper-parameter-tuning-job/3h8n9fiy7q5b-Tuning-AbCdEfGhIj"
TRIAL = "training-job/3h8n9fiy7q5b-Tuning-AbCdEfGhIj-001-0123abcd"
GROUP, PACKAGE = "model-package-group/demo--wine", "model-package/demo--wine/3"
OTHER_GROUP, OTHER_PACKAGE = "model-package-group/demo-staging--wine", "model-package/demo-staging--wine/3"
MAP, LEDGER = "deployments/models-map.json", "deployments/ledger/demo--wine/000001.json"
NOTE = "deployments/retraining/demo--wine.json"
RAW, SOURCE = f"raw/wine/{SHA}/data.csv", f"code/{SHA}/source.tar.gz"
OUTPUT = "executions/RefitBestModel/3h8n9fiy7q5b/job/output/model.tar.gz"
# Names as helpers.deployment.scoring.transform makes them.
SCORING = "demo-score-20260101000000-0123"
SCORED = f"executions/scoring/{SCORING}/input/part-00000.csv"
CHECKPOINT = "executions/SearchAndRefit/checkpoints/3h8n9fiy7q5b/trials.jsonl"
MODEL = "models/demo--wine/3-0123456789ab.tar.gz"
COLUMNS = "deployments/columns/demo--wine/3-0123456789ab.json"
CAPTURED = "captured/demo--wine/version=3/date=2026-01-01/demo-capture-1.jsonl.gz"
STREAM = BASE.format("firehose", "deliverystream/demo-capture")
TARGET = {"TargetModel": "demo--wine/3-0123456789ab.tar.gz"}
BASELINE = "models/demo--wine/3-0123456789ab.baseline.json.gz"
LABELS = "labels/demo--wine/20260101-0123456789ab.csv"
CHECK = "processing-job/demo-monitor-d32c5kddcf5bb8c3"
KEY = BASE.format("kms", "key/k")
TOPIC = BASE.format("sns", "demo-alarms")

PLATFORM = {
    "jobs": [
        *PULL,
        metrics("/aws/sagemaker/TrainingJobs"),
        metrics("/aws/sagemaker/ProcessingJobs"),
        metrics("/aws/sagemaker/TransformJobs"),
        *(
            call
            for kind in ("TrainingJobs", "ProcessingJobs", "TransformJobs")
            for call in (
                logs("CreateLogGroup", f"/aws/sagemaker/{kind}"),
                logs("CreateLogStream", f"/aws/sagemaker/{kind}", ":log-stream:job/algo-1"),
                logs("PutLogEvents", f"/aws/sagemaker/{kind}", ":log-stream:job/algo-1"),
            )
        ),
        # The pipeline runs its steps with this role and gives it to their jobs.
        *(sagemaker(f"{verb}ProcessingJob", PROCESSING) for verb in ("Create", "Describe", "Stop")),
        *(sagemaker(f"{verb}TrainingJob", TRAINING) for verb in ("Create", "Describe", "Stop")),
        *(sagemaker(f"{verb}HyperParameterTuningJob", TUNING) for verb in ("Create", "Describe", "Stop")),
        *(sagemaker("AddTags", made) for made in (PROCESSING, TRAINING, TUNING, TRIAL, GROUP, PACKAGE)),
        passing("jobs", "sagemaker"),
        sagemaker("CreateModelPackageGroup", GROUP),
        sagemaker("CreateModelPackage", GROUP, ModelApprovalStatus="PendingManualApproval"),
        sagemaker("CreateModelPackage", PACKAGE, ModelApprovalStatus="PendingManualApproval"),
        # Inputs are fetched and outputs stored by the platform; a condition reads the evaluation.
        s3("GetBucketLocation"),
        *(s3("GetObject", key) for key in (RAW, SOURCE, OUTPUT, SCORED)),
        s3("GetObject", "executions/EvaluateBestModel/evaluation/3h8n9fiy7q5b/evaluation.json"),
        *(listing(prefix) for prefix in ("raw/wine/", "code/", "executions/PreprocessData/")),
        s3("PutObject", OUTPUT),
        s3("AbortMultipartUpload", OUTPUT),
        # A packed search on spot capacity: its checkpoints are copied to S3 and back.
        *(s3(f"{verb}Object", CHECKPOINT) for verb in ("Get", "Put")),
        listing("executions/SearchAndRefit/checkpoints/3h8n9fiy7q5b/"),
    ],
    "endpoint": [
        *PULL,
        Call("cloudwatch:DescribeAlarms", BASE.format("cloudwatch", "alarm:demo-new-fleet-5xx")),
        Call("cloudwatch:DescribeAlarms", BASE.format("cloudwatch", "alarm:demo-new-fleet-latency")),
        metrics("/aws/sagemaker/Endpoints"),
        logs("CreateLogStream", "/aws/sagemaker/Endpoints/demo", ":log-stream:AllTraffic/i-0"),
        logs("PutLogEvents", "/aws/sagemaker/Endpoints/demo", ":log-stream:AllTraffic/i-0"),
        s3("GetObject", MODEL),
        listing("models/"),
        s3("ListBucket"),
    ],
    "deployer": [
        logs("CreateLogStream", "/aws/lambda/demo-deployer", ":log-stream:2026/01/01"),
        logs("PutLogEvents", "/aws/lambda/demo-deployer", ":log-stream:2026/01/01"),
        queue("failed"),
    ],
    "invoker": [
        logs("CreateLogStream", "/aws/lambda/demo-invoker", ":log-stream:2026/01/01"),
        logs("PutLogEvents", "/aws/lambda/demo-invoker", ":log-stream:2026/01/01"),
    ],
    "capture": [
        s3("PutObject", CAPTURED),
        s3("PutObject", "captured-errors/processing-failed/1"),
        s3("ListBucket"),
        logs("PutLogEvents", "/aws/kinesisfirehose/demo-capture", ":log-stream:delivery"),
    ],
    "monitor": [
        *PULL,
        metrics("/aws/sagemaker/ProcessingJobs"),
        logs("CreateLogGroup", "/aws/sagemaker/ProcessingJobs"),
        logs("CreateLogStream", "/aws/sagemaker/ProcessingJobs", ":log-stream:job/algo-1"),
        logs("PutLogEvents", "/aws/sagemaker/ProcessingJobs", ":log-stream:job/algo-1"),
    ],
    "retrainer": [
        logs("CreateLogStream", "/aws/lambda/demo-retrainer", ":log-stream:2026/01/01"),
        logs("PutLogEvents", "/aws/lambda/demo-retrainer", ":log-stream:2026/01/01"),
        queue("failed"),
    ],
    "build": [
        *PULL,
        *PUSH,
        s3("GetObject", f"code/{SHA}/container.zip"),
        s3("GetObjectVersion", f"code/{SHA}/container.zip"),
        logs("CreateLogStream", "/aws/codebuild/demo", ":log-stream:0"),
        logs("PutLogEvents", "/aws/codebuild/demo", ":log-stream:0"),
    ],
    "scheduler": [
        function("InvokeFunction", "deployer"),
        function("InvokeFunction", "retrainer"),
        queue("undelivered"),
        # The universal target of the check, and the tag of its job.
        sagemaker("CreateProcessingJob", CHECK),
        sagemaker("AddTags", CHECK),
        passing("monitor", "sagemaker"),
    ],
}

# Objects, images and the functions' variables are read and written through the key; an endpoint's disks are
# encrypted by a grant that only AWS's own resources may use.
USE_THE_KEY = [Call(f"kms:{action}", KEY) for action in ("Decrypt", "DescribeKey", "GenerateDataKey")]
GRANT = Call("kms:CreateGrant", KEY, (("kms:GrantIsForAWSResource", "true"),))
WITH_KEY = {
    **dict.fromkeys([*PLATFORM, "operator", "approver", "studio"], USE_THE_KEY),
    "jobs": [*USE_THE_KEY, Call("kms:Encrypt", KEY)],
    "endpoint": [*USE_THE_KEY, GRANT],
}

# https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html and
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
CREATED_IN = ("network-interface/eni-0", "subnet/subnet-1", "security-group/sg-1")
NETWORK_INTERFACES = [
    *(Call("ec2:CreateNetworkInterface", BASE.format("ec2", resource)) for resource in CREATED_IN),
    *(
        Call(f"ec2:{action}", BASE.format("ec2", "network-interface/eni-0"))
        for action in (
            "AssignPrivateIpAddresses",
            "CreateNetworkInterfacePermission",
            "DeleteNetworkInterface",
            "DeleteNetworkInterfacePermission",
            "UnassignPrivateIpAddresses",
        )
    ),
    *(
        Call(f"ec2:Describe{what}")
        for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ),
]
# Lambda asks about any network interface.
LAMBDAS_NETWORK_INTERFACES = [
    Call(f"ec2:{action}")
    for action in (
        "AssignPrivateIpAddresses",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "DescribeNetworkInterfaces",
        "DescribeSubnets",
        "UnassignPrivateIpAddresses",
    )
]
WITH_VPC = {
    **dict.fromkeys(["jobs", "endpoint", "monitor"], NETWORK_INTERFACES),
    **dict.fromkeys(["deployer", "invoker", "retrainer"], LAMBDAS_NETWORK_INTERFACES),
}

# Nothing in the code: whoever runs a saved query, or looks at the dashboard's tables.
QUERIES = [
    Call("logs:DescribeQueryDefinitions"),
    logs("StartQuery", "/aws/lambda/demo-invoker", ":*"),
    Call("logs:GetQueryResults"),
]

# What helpers.monitoring.fetching reads beside that.
STATUS = [
    listing("raw/wine/"),
    s3("GetObject", LEDGER),
    s3("GetObject", "monitoring/latest.json"),
    s3("GetObject", "monitoring/status/status.json"),
]

# helpers.session.outputs reads these parameters where there is no file of outputs.
OUTPUTS = [
    s3("GetObject", "deployments/outputs.json"),
    Call("ssm:GetParameter", BASE.format("ssm", "parameter/demo/outputs")),
]

# Studio: a domain, ana's profile and her private space, as SageMaker describes them to IAM.
PROFILE, OTHER_PROFILE = (BASE.format("sagemaker", f"user-profile/d-1/{name}") for name in ("ana", "ben"))
APP = "app/d-1/mine/JupyterLab/default"
ANAS = (
    ("sagemaker:DomainId", "d-1"),
    ("sagemaker:UserProfileName", "ana"),
    ("sagemaker:OwnerUserProfileArn", PROFILE),
    ("sagemaker:SpaceSharingType", "Private"),
)
BENS = (*ANAS[:2], ("sagemaker:OwnerUserProfileArn", OTHER_PROFILE), ANAS[3])
KEEPING = ("Create", "Delete", "Update")
STUDIO = {
    "App": APP,
    "Domain": "domain/d-1",
    "Space": "space/d-1/mine",
    "UserProfile": "user-profile/d-1/ana",
}

CODE = {
    "jobs": [
        s3("GetObject", SOURCE),  # launcher.train
        sagemaker("DescribeTrainingJob", TRIAL),  # tabular.jobs.refit
        s3("GetObject", MAP),  # tabular.jobs.evaluate; without ListBucket a missing map is a 403
        s3("ListBucket"),
        s3("GetObject", MODEL),
    ],
    "deployer": [
        Call("sagemaker:ListModelPackageGroups"),
        Call("sagemaker:ListModelPackages"),
        sagemaker("DescribeModelPackage", PACKAGE),
        s3("GetObject", OUTPUT),
        s3("GetObject", MODEL),
        s3("GetObject", MAP),
        s3("ListBucket"),
        s3("PutObject", MODEL),
        s3("PutObject", MAP),
        s3("PutObject", LEDGER),
        s3("PutObject", COLUMNS),
        s3("GetObject", LEDGER),
        listing("deployments/ledger/demo--wine/"),
        listing("models/demo--wine/"),
        s3("GetObjectTagging", MODEL),
        s3("PutObjectTagging", MODEL),
        s3("DeleteObjectTagging", MODEL),
        sagemaker("InvokeEndpoint", "endpoint/demo", **TARGET),
        sagemaker("InvokeEndpoint", "endpoint/demo--2", **TARGET),
    ],
    "invoker": [
        s3("GetObject", MAP),
        s3("GetObject", COLUMNS),
        Call("firehose:PutRecordBatch", STREAM),
        s3("ListBucket"),
        sagemaker("InvokeEndpoint", "endpoint/demo", **TARGET),
        sagemaker("InvokeEndpoint", "endpoint/demo--2", **TARGET),
    ],
    # tabular.jobs.monitor
    "monitor": [
        *(s3("GetObject", key) for key in (MAP, BASELINE, CAPTURED, LABELS)),
        *(s3("GetObject", f"monitoring/{name}") for name in ("on-drift.json", "retrained.json")),
        s3("ListBucket"),
        *(listing(prefix) for prefix in ("captured/demo--wine/version=3/", "labels/")),
        *(
            s3("PutObject", f"monitoring/{name}")
            for name in ("reports/20260101T000000Z/report.json", "latest.json", "retrained.json")
        ),
        metrics("ManyModels"),
        Call("sns:Publish", TOPIC),
        function("InvokeFunction", "retrainer"),
    ],
    # helpers.monitoring: who has this policy beside the operator's.
    "checker": [
        sagemaker("CreateProcessingJob", CHECK),
        passing("monitor", "sagemaker"),
        s3("PutObject", LABELS),
        s3("PutObject", "monitoring/retrained.json"),  # of `many-models monitor --retrain`
    ],
    "retrainer": [
        listing("raw/wine/"),
        s3("ListBucket"),
        s3("GetObject", NOTE),
        s3("PutObject", NOTE),
        sagemaker("StartPipelineExecution", "pipeline/demo"),
        sagemaker("StartPipelineExecution", "pipeline/demo-regression"),
        sagemaker("DescribePipelineExecution", "pipeline/demo/execution/3h8n9fiy7q5b"),
    ],
    "operator": [
        s3("PutObject", RAW),  # helpers.data.datasets, helpers.pipeline.code.job_source
        s3("PutObject", SOURCE),
        s3("GetObject", MAP),
        *OUTPUTS,
        s3("GetObject", "executions/EvaluateBestModel/evaluation/3h8n9fiy7q5b/evaluation.json"),
        s3("ListBucket"),
        *STATUS,
        s3("PutObject", "monitoring/status/index.html"),  # commands.reporting.status
        sagemaker("StartPipelineExecution", "pipeline/demo"),
        sagemaker("DescribePipeline", "pipeline/demo"),
        sagemaker("DescribePipelineExecution", "pipeline/demo/execution/3h8n9fiy7q5b"),
        sagemaker("ListPipelineExecutionSteps", "pipeline/demo/execution/3h8n9fiy7q5b"),
        sagemaker("ListPipelineExecutions", "pipeline/demo"),
        sagemaker("StopPipelineExecution", "pipeline/demo/execution/3h8n9fiy7q5b"),
        sagemaker("DescribeHyperParameterTuningJob", TUNING),
        sagemaker("ListTrainingJobsForHyperParameterTuningJob", TUNING),
        sagemaker("DescribeProcessingJob", PROCESSING),
        Call("sagemaker:ListModelPackages"),
        sagemaker("DescribeModelPackage", PACKAGE),
        function("InvokeFunctionUrl", "invoker"),
        function("InvokeFunction", "invoker"),
        *QUERIES,
        Call("servicequotas:ListServiceQuotas"),  # helpers.runs.forecasts
        Call("sns:Publish", TOPIC),  # commands.reporting.channels
        *PULL,  # helpers.image.builders asks which images there are
    ],
    # Beside the operator's: `docker build` of helpers.image.builders pulls the base and pushes.
    "builder": [
        Call("codebuild:StartBuild", BASE.format("codebuild", "project/demo")),
        Call("codebuild:BatchGetBuilds", BASE.format("codebuild", "project/demo")),
        logs("GetLogEvents", "/aws/codebuild/demo", ":log-stream:0"),
        *PUSH,
    ],
    # Beside the operator's, who reads the answers.
    "scorer": [
        *(sagemaker(f"{verb}Model", f"model/{SCORING}") for verb in ("Create", "Delete")),
        *(
            sagemaker(f"{verb}TransformJob", f"transform-job/{SCORING}")
            for verb in ("Create", "Describe", "Stop")
        ),
        s3("PutObject", SCORED),
        passing("jobs", "sagemaker"),
    ],
    "studio": [
        # A person's own space, and what Studio shows beside it.
        Call("sagemaker:CreatePresignedDomainUrl", PROFILE, ANAS),
        *(
            Call(f"sagemaker:{verb}Space", BASE.format("sagemaker", "space/d-1/mine"), ANAS)
            for verb in KEEPING
        ),
        *(Call(f"sagemaker:{verb}App", BASE.format("sagemaker", APP), ANAS) for verb in ("Create", "Delete")),
        sagemaker("AddTags", "space/d-1/mine", TaggingAction="CreateSpace"),
        *(Call(f"sagemaker:List{what}") for what in ("Apps", "Domains", "Spaces", "UserProfiles")),
        *(sagemaker(f"Describe{what}", where) for what, where in STUDIO.items()),
        # docs/operations/schedules/notebook_job.py, and what SageMaker does with the role for its jobs.
        *OUTPUTS,
        s3("PutObject", "code/notebook-jobs/demo-notebooks/DefinePipeline/input/02_define_pipeline.ipynb"),
        *(
            sagemaker(f"{verb}Pipeline", "pipeline/demo-notebooks")
            for verb in ("Create", "Describe", "Update")
        ),
        sagemaker("StartPipelineExecution", "pipeline/demo-notebooks"),
        sagemaker("StopPipelineExecution", "pipeline/demo-notebooks/execution/3h8n9fiy7q5b"),
        *(sagemaker(f"{verb}TrainingJob", TRAINING) for verb in ("Create", "Describe", "Stop")),
        sagemaker("AddTags", TRAINING),
        passing("studio", "sagemaker"),
        Call("ecr:GetAuthorizationToken"),
        ecr("BatchGetImage", "sagemaker-distribution-prod", "885854791233"),
        logs("CreateLogStream", "/aws/sagemaker/TrainingJobs", ":log-stream:job/algo-1"),
        logs("PutLogEvents", "/aws/sagemaker/TrainingJobs", ":log-stream:job/algo-1"),
    ],
    "developer": [
        sagemaker("StartPipelineExecution", "pipeline/demo-ana"),
        sagemaker("CreatePipeline", "pipeline/demo-ana"),
        sagemaker("UpdatePipeline", "pipeline/demo-regression-ana"),
        sagemaker("DescribePipelineExecution", "pipeline/demo-ana/execution/3h8n9fiy7q5b"),
        sagemaker("ListPipelineExecutions", "pipeline/demo-ana"),
        sagemaker("StopPipelineExecution", "pipeline/demo-ana/execution/3h8n9fiy7q5b"),
        passing("jobs", "sagemaker"),
    ],
    "approver": [
        *QUERIES,
        *OUTPUTS,
        *STATUS,
        s3("GetObject", LEDGER),
        Call("sagemaker:ListModelPackages"),
        Call("sagemaker:ListPipelines"),
        sagemaker("ListPipelineExecutions", "pipeline/demo-regression"),
        sagemaker("ListPipelineExecutionSteps", "pipeline/demo/execution/3h8n9fiy7q5b"),
        sagemaker("DescribeModelPackage", PACKAGE),
        sagemaker("UpdateModelPackage", PACKAGE, ModelApprovalStatus="Approved"),
        sagemaker("UpdateModelPackage", PACKAGE, ModelApprovalStatus="Rejected"),
        s3("GetObject", "executions/EvaluateBestModel/evaluation/3h8n9fiy7q5b/evaluation.json"),
        s3("GetObject", MAP),
        s3("ListBucket"),
    ],
}

CODE["studio"] += CODE["operator"] + CODE["builder"]  # who works there

# For whoever is not named: of nobody's doing, with a key and a VPC or without.
NOBODY = [
    s3("DeleteObject", MODEL),
    s3("DeleteObjectVersion", MODEL),
    s3("GetObject", "terraform.tfstate"),
    s3("GetObject", MAP, OTHER_BUCKET),
    s3("GetObject", MODEL, OTHER_BUCKET),
    s3("PutObject", MAP, OTHER_BUCKET),
    sagemaker("DeleteModelPackage", PACKAGE),
    sagemaker("CreateEndpoint", "endpoint/demo"),
    sagemaker("DeleteEndpoint", "endpoint/demo"),
    sagemaker("CreateModelPackage", GROUP, ModelApprovalStatus="Approved"),
    sagemaker("CreateModelPackage", OTHER_GROUP, ModelApprovalStatus="PendingManualApproval"),
    sagemaker("UpdateModelPackage", OTHER_PACKAGE, ModelApprovalStatus="Approved"),
    sagemaker("DescribeModelPackage", OTHER_PACKAGE),
    sagemaker("InvokeEndpoint", "endpoint/demo-staging", **TARGET),
    sagemaker("StartPipelineExecution", "pipeline/demo-staging"),
    passing("deployer", "lambda"),
    passing("jobs", "lambda"),
    Call("iam:PassRole", role("endpoint"), (("iam:PassedToService", "sagemaker.amazonaws.com"),)),
    ecr("BatchGetImage", "another"),
    ecr("BatchDeleteImage"),
    Call("iam:SimulatePrincipalPolicy", role("jobs")),
    metrics("Another/Namespace"),
    Call("sts:AssumeRole", role("jobs")),
    Call("iam:CreateRole", role("another")),
    Call("kms:Decrypt", BASE.format("kms", "key/0")),
    Call("kms:CreateGrant", KEY),
    s3("PutObject", "deployments/outputs.json"),
    Call("ssm:GetParameter", BASE.format("ssm", "parameter/demo-staging/outputs")),
    Call("ssm:PutParameter", BASE.format("ssm", "parameter/demo/outputs")),
]
ANOTHER_SUBNET = Call("ec2:CreateNetworkInterface", BASE.format("ec2", "subnet/subnet-0"))
CHANGING_WHAT_SERVES = [s3("PutObject", MODEL), s3("PutObject", MAP), s3("PutObjectTagging", MODEL)]
DECIDING = [sagemaker("UpdateModelPackage", PACKAGE, ModelApprovalStatus="Approved")]
STARTING = sagemaker("StartPipelineExecution", "pipeline/demo")


def by_its_code(name: str) -> Call:
    """What Lambda may do for a function, asked for by the function's code."""
    own = (("lambda:SourceFunctionArn", BASE.format("lambda", f"function:demo-{name}")),)
    return Call("ec2:CreateNetworkInterface", "*", own)


FORBIDDEN = {
    "jobs": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        ANOTHER_SUBNET,
        s3("PutObject", RAW),
        s3("PutObject", SOURCE),
    ],
    "endpoint": [
        *NOBODY,
        ANOTHER_SUBNET,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        Call("cloudwatch:DescribeAlarms", BASE.format("cloudwatch", "alarm:another")),
        s3("GetObject", MAP),
        s3("GetObject", RAW),
        listing("raw/"),
    ],
    "deployer": [
        *NOBODY,
        by_its_code("deployer"),
        *DECIDING,
        s3("PutObject", OUTPUT),
        s3("GetObject", RAW),
        sagemaker("InvokeEndpoint", "endpoint/demo", TargetModel="other--wine/1-0.tar.gz"),
    ],
    "invoker": [
        *NOBODY,
        by_its_code("invoker"),
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        s3("GetObject", MODEL),
        s3("GetObject", LEDGER),
        s3("GetObject", CAPTURED),
        s3("PutObject", CAPTURED),
        Call("firehose:PutRecordBatch", BASE.format("firehose", "deliverystream/demo-staging-capture")),
        listing("raw/"),
        sagemaker("InvokeEndpoint", "endpoint/demo", TargetModel="demo-staging--wine/1-0.tar.gz"),
        sagemaker("InvokeEndpoint", "endpoint/demo"),
        queue("failed"),
    ],
    "retrainer": [
        *NOBODY,
        by_its_code("retrainer"),
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        s3("GetObject", RAW),
        s3("GetObject", MAP),
        s3("PutObject", RAW),
        sagemaker("InvokeEndpoint", "endpoint/demo", **TARGET),
        sagemaker("StartPipelineExecution", "pipeline/demo-ana"),
    ],
    "capture": [*NOBODY, *CHANGING_WHAT_SERVES, *DECIDING, s3("GetObject", CAPTURED), s3("PutObject", RAW)],
    "monitor": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        ANOTHER_SUBNET,
        s3("GetObject", MODEL),
        s3("GetObject", RAW),
        s3("PutObject", CAPTURED),
        s3("PutObject", LABELS),
        s3("PutObject", "monitoring/on-drift.json"),
        s3("PutObject", "monitoring/status/index.html"),
        metrics("Another"),
        Call("sns:Publish", BASE.format("sns", "another")),
        function("InvokeFunction", "deployer"),
        STARTING,
    ],
    "checker": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        sagemaker("CreateProcessingJob", "processing-job/another"),
        passing("jobs", "sagemaker"),
        s3("GetObject", CAPTURED),
        s3("PutObject", "monitoring/latest.json"),
    ],
    "build": [*NOBODY, *CHANGING_WHAT_SERVES, *DECIDING, s3("GetObject", RAW)],
    "scheduler": [*NOBODY, *CHANGING_WHAT_SERVES, *DECIDING, function("InvokeFunction", "invoker"), STARTING],
    "builder": [*NOBODY, *CHANGING_WHAT_SERVES, *DECIDING, STARTING, ecr("PutImage", "another")],
    "scorer": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        STARTING,
        sagemaker("CreateModel", "model/demo"),
        sagemaker("DeleteModel", "model/demo-0123456789"),
        sagemaker("CreateTransformJob", "transform-job/another"),
        sagemaker("CreateModel", "model/demo-staging-score-20260101000000-0123"),
        sagemaker("CreateTrainingJob", f"training-job/{SCORING}"),
        s3("PutObject", OUTPUT),
        s3("PutObject", RAW),
        passing("endpoint", "sagemaker"),
        passing("jobs", "lambda"),
    ],
    "operator": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        s3("PutObject", OUTPUT),
        s3("PutObject", "monitoring/latest.json"),
        sagemaker("UpdatePipeline", "pipeline/demo"),
        sagemaker("UpdatePipeline", "pipeline/demo-ana"),
        sagemaker("UpdatePipeline", "pipeline/demo-staging"),
        function("InvokeFunction", "deployer"),
        passing("jobs", "sagemaker"),
        Call("sns:Publish", BASE.format("sns", "another")),
        Call("sns:Subscribe", TOPIC),
        ecr("PutImage"),
        Call("codebuild:StartBuild", BASE.format("codebuild", "project/demo")),
    ],
    "studio": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        s3("PutObject", OUTPUT),
        sagemaker("UpdatePipeline", "pipeline/demo"),
        sagemaker("CreateTrainingJob", "training-job/another"),
        function("InvokeFunction", "deployer"),
        passing("jobs", "sagemaker"),
        ecr("BatchGetImage", "another", "885854791233"),
        Call("sagemaker:CreatePresignedDomainUrl", OTHER_PROFILE, ANAS),
        Call("sagemaker:CreateApp", BASE.format("sagemaker", APP), BENS),
        Call("sagemaker:DeleteSpace", BASE.format("sagemaker", "space/d-1/mine"), BENS),
        Call("sagemaker:CreateApp", BASE.format("sagemaker", APP), ANAS[:3]),
        sagemaker("AddTags", "space/d-1/mine"),
    ],
    "developer": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        *DECIDING,
        STARTING,
        sagemaker("UpdatePipeline", "pipeline/demo"),
        sagemaker("UpdatePipeline", "pipeline/demo-ben"),
        sagemaker("StartPipelineExecution", "pipeline/demo-ben"),
        sagemaker("StopPipelineExecution", "pipeline/demo/execution/3h8n9fiy7q5b"),
    ],
    "approver": [
        *NOBODY,
        *CHANGING_WHAT_SERVES,
        s3("PutObject", RAW),
        s3("PutObject", "monitoring/status/index.html"),
        sagemaker("UpdateModelPackage", PACKAGE),
        sagemaker("StartPipelineExecution", "pipeline/demo"),
    ],
}

# What a promotion does in the account that trained the model, and in the one that takes it over.
PROMOTION = {
    "there": {"sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "s3:GetObject"},
    "here": {
        "s3:PutObject",
        "sagemaker:CreateModelPackage",
        "sagemaker:CreateModelPackageGroup",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
    },
}
