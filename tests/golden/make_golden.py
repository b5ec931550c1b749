"""Makes tests/golden/*.golden: what PyTorch says of a small network, which test_golden.c holds the library against.

    python3 -m venv venv && venv/bin/pip install torch numpy && venv/bin/python tests/golden/make_golden.py

Only to be run again when the network changes; the tests need no PyTorch. Everything is computed in double from
weights that are floats, so the figures are exact to the digits written.

A file has the sessions, the columns of the sample (none: all items), and then, each under a line `name rows columns`:
the weights, the session vectors, the loss, the gradients, and the weights after ten steps of Adam at rate 0.01 (of
the item table: SparseAdam over the rows that the batch touches). Adam's epsilon is 1e-3: with the usual 1e-8 a
gradient that is all rounding makes a whole step, whose sign depends on the processor.
"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "bench"))

import torch  # noqa: E402
from network_torch import Network, Rows, prefixes_of  # noqa: E402

ITEMS, D, POSITIONS = 13, 8, 6
EPSILON = 1e-3
SESSIONS = [[0, 1, 2, 1, 3, 0], [4, 4, 5], [6, 7], [8, 8, 8], [2, 9, 2, 9, 3], [0, 1, 9, 10, 5, 4, 1, 6, 0, 2]]
SAMPLE = [11, 3, 0, 7, 9]


def write(file, name, tensor):
    tensor = tensor.detach()
    tensor = tensor.reshape(1, -1) if tensor.dim() < 2 else tensor
    print(name, *tensor.shape, file=file)
    for row in tensor:
        print(*(f"{value:.9g}" for value in row.tolist()), file=file)


def make(path, columns):
    torch.manual_seed(7)
    network = Network(ITEMS, D, POSITIONS, item_dropout=0, state_dropout=0)
    for name in network.names:  # also what begins at 0: its gradient shall not be special
        network.w(name).data = (0.6 * torch.randn(network.w(name).shape)).float().double()
    rows = Rows(*prefixes_of(SESSIONS), POSITIONS).double()
    touched = sorted({item for session in SESSIONS for item in session} | set(columns or range(ITEMS)))

    def loss():
        # Only the rows of the batch are looked up, so that Adam leaves the moments of the others alone.
        table = torch.nn.functional.embedding(torch.tensor(touched), network.w("item"), sparse=True)
        x = torch.zeros(ITEMS, D, dtype=torch.double).index_copy(
            0, torch.tensor(touched), torch.nn.functional.normalize(table, dim=-1))
        h = network.sessions(rows, x)
        if columns:
            return h, network.sampled_loss(rows, h, x, torch.tensor(columns))
        return h, network.loss(rows, h, x)

    with open(path, "w", encoding="ascii") as file:
        for session in SESSIONS:
            print("session", *session, file=file)
        print("columns", *(columns or []), file=file)
        for name in network.names:
            write(file, "weight." + name, network.w(name))
        dense = [network.w(name) for name in network.names if name != "item"]
        sparse = torch.optim.SparseAdam([network.w("item")], lr=0.01)
        optimizers = [torch.optim.Adam(dense, lr=0.01, eps=EPSILON), sparse]
        for step in range(10):
            # SparseAdam adds it before it corrects the second moment's bias, Adam afterwards.
            sparse.param_groups[0]["eps"] = EPSILON * (1 - 0.999 ** (step + 1)) ** 0.5
            network.zero_grad()
            h, value = loss()
            value.backward()
            if step == 0:
                write(file, "session_vectors", h)
                write(file, "loss", value.reshape(1, 1))
                for name in network.names:
                    gradient = network.w(name).grad
                    write(file, "gradient." + name, gradient.to_dense() if gradient.is_sparse else gradient)
            for optimizer in optimizers:
                optimizer.step()
        for name in network.names:
            write(file, "after." + name, network.w(name))


make(os.path.join(here, "all_items.golden"), None)
make(os.path.join(here, "sample.golden"), SAMPLE)
