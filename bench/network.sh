#!/usr/bin/env bash
# What the network costs on one core: an epoch of training beside the same network in PyTorch, and inference beside
# the bare product of matrices (network_probe.c, network_torch.py). The sessions are those of $HIPHOP_DATA where it
# has them, made-up ones of the same size otherwise. PyTorch is taken from $PYTHON_TORCH, a Python that can import it
# (python3 -m venv venv && venv/bin/pip install torch numpy); without it there are the figures of the C alone.
set -eu
cd "$(dirname "$0")/.."
program=build/release/bin/network_probe
data=${HIPHOP_DATA:-data}
python=${PYTHON_TORCH:-python3}
rounds=${ROUNDS:-5}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

epoch() { # NAME SESSIONS ITEMS WIDTH NEGATIVES
    local file=$work/$1
    if [ -f "$data/$1/train.txt" ]; then
        # sessions are cut to their last 50 clicks, which keeps the padding within bounds
        awk '{ for (i = NF > 50 ? NF - 49 : 1; i <= NF; i++) { if (!($i in number)) number[$i] = count++; printf "%d ", number[$i] } print "" }' \
            "$data/$1/train.txt" >"$file"
        echo "== $1"
    else
        "$program" make "$2" "$3" >"$file"
        echo "== made-up sessions of the size of $1 (no data at $data/$1)"
    fi
    if "$python" -c 'import torch' 2>/dev/null; then
        "$python" -B bench/network_torch.py "$program" "$file" "$4" "$5" "$rounds"
    else
        "$program" epoch "$file" "$4" "$5"
        echo "  skipped: $python has no PyTorch to compare with"
    fi
}

epoch luxury_beauty 3213 1437 100 0
epoch prime_pantry 11854 4961 100 0
"$program" inference 43000 100
