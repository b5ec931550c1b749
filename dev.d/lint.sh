# shellcheck shell=bash source=dev.d/common.sh
#: lint [RULE...]       checks the tree's own rules, and says at FILE:LINE what to do
#:
#: Without RULE all of them. `./dev lint --list` names them; dev.d/lint.py is what they are.
need lint
"$python" dev.d/lint.py "$@"
