#!/usr/bin/env bash
# A lifecycle configuration for JupyterLab spaces: clones the project once and gives the space its kernel "Many models".
# SageMaker runs it whenever a space starts, and ends it after five minutes, so the work goes on behind it.
set -eu
REPOSITORY="${REPOSITORY:-https://github.com/your-organisation/many-models.git}" # where your copy is
FOLDER="$HOME/many-models"
LOG="$HOME/many-models.log"

prepare() {
    set -eu
    if [ ! -d "$FOLDER" ]; then # whole or not at all, because a space may be stopped meanwhile
        rm -rf "$FOLDER.part"
        git clone --quiet "$REPOSITORY" "$FOLDER.part"
        mv "$FOLDER.part" "$FOLDER"
    fi
    cd "$FOLDER"
    # The disk of a space stays when its image changes, and with it the Python that .venv was made with.
    .venv/bin/python -c "import helpers" 2>/dev/null || rm -rf .venv
    make kernel
}

export REPOSITORY FOLDER
export -f prepare
nohup bash -c prepare >"$LOG" 2>&1 &
