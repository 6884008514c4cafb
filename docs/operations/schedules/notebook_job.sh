# shellcheck shell=bash
# The notebook job's initialization script. SageMaker's driver sources it, with `set -ex`, in the folder that has the
# notebook and project.tar.gz, and then runs the notebook with the kernel that is registered here.
tar -xzf project.tar.gz
make kernel
