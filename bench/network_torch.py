"""The network of docs/model.md in PyTorch, as the field writes SR-GNN: every prefix is a row of its own, rows of a
batch are padded to the longest. tests/golden is made with it, and bench/network.sh times it.

Needs PyTorch (pip install torch; any version since 1.13, no GPU), which nothing else here does.
"""
import math

import torch
import torch.nn.functional as F

BATCHES = 20  # that PyTorch is timed on; an epoch is so many times as long as it has batches
OWN_STEPS = 7  # distances, and lengths, that have a bias of their own


def pad(lists, filler=0):
    width = max(map(len, lists))
    return torch.tensor([numbers + [filler] * (width - len(numbers)) for numbers in lists])


class Rows:
    """Prefixes as padded rows: what goes in, and what the loss is exact about (the target first)."""

    def __init__(self, prefixes, targets, positions):
        nodes, alias, exact, own, edges = [], [], [], [], set()
        for row, (prefix, target) in enumerate(zip(prefixes, targets)):
            place = {item: node for node, item in enumerate(dict.fromkeys(prefix))}
            last = {item: i for i, item in enumerate(prefix)}
            at = [place[item] for item in prefix]
            edges.update((row, before, after) for before, after in zip(at, at[1:]))
            nodes.append(list(place))
            alias.append(at[-positions:])
            exact.append([target] + [item for item in place if item != target])
            own.append([(min(len(prefix) - last[item], OWN_STEPS) - 1) * OWN_STEPS + min(len(prefix), OWN_STEPS) - 1
                        if item in last else -1 for item in exact[-1]])
        width = max(map(len, nodes))
        self.nodes, self.alias, self.exact, self.own = pad(nodes), pad(alias), pad(exact), pad(own, -1)
        self.length = torch.tensor([len(at) for at in alias])
        self.exact_mask = torch.arange(self.exact.shape[1]) < torch.tensor([[len(items)] for items in exact])
        at, edges = sorted(edges), torch.zeros(len(prefixes), width, width)
        if at:
            edges[tuple(torch.tensor(column) for column in zip(*at))] = 1
        into = edges.transpose(1, 2)  # [after, before]
        self.incoming = into / into.sum(2, keepdim=True).clamp(min=1)
        self.outgoing = edges / edges.sum(2, keepdim=True).clamp(min=1)
        self.target = torch.tensor(targets)

    def double(self):
        self.incoming, self.outgoing = self.incoming.double(), self.outgoing.double()
        return self


def prefixes_of(sessions):
    rows = [(session[:n], session[n]) for session in sessions for n in range(1, len(session))]
    return [row[0] for row in rows], [row[1] for row in rows]


class Network(torch.nn.Module):
    def __init__(self, items, d=100, positions=50, scale=12.0, item_dropout=0.4, state_dropout=0.25):
        super().__init__()
        self.d, self.items, self.positions, self.scale = d, items, positions, scale
        self.item_dropout, self.state_dropout = item_dropout, state_dropout
        shapes = {
            "item": (items, d), "position": (positions, d), "graph.w": (d, 2 * d), "graph.b": (1, 2 * d),
            "gate.g": (2 * d, 3 * d), "gate.g_bias": (1, 3 * d), "gate.u": (d, 3 * d), "gate.u_bias": (1, 3 * d),
            "attention.w1": (d, d), "attention.w2": (d, d), "attention.b": (1, d), "attention.w3": (1, d),
            "attention.t": (2 * d, d), "own.bias": (OWN_STEPS, OWN_STEPS), "own.c": (1, d),
        }
        self.names = list(shapes)
        self.weight = torch.nn.ParameterDict({
            name.replace(".", "_"): torch.nn.Parameter((torch.rand(shape) * 2 - 1) / math.sqrt(d))
            for name, shape in shapes.items()})

    def w(self, name):
        return self.weight[name.replace(".", "_")]

    def gate(self, a, x):
        gates = a @ self.w("gate.g") + self.w("gate.g_bias")
        states = x @ self.w("gate.u") + self.w("gate.u_bias")
        (gr, gz, gc), (ur, uz, uc) = gates.chunk(3, -1), states.chunk(3, -1)
        r, z = torch.sigmoid(gr + ur), torch.sigmoid(gz + uz)
        c = torch.tanh(gc + r * uc)
        return (1 - z) * c + z * x

    def sessions(self, rows, x):
        """The rows' session vectors, out of the table x of the items' vectors."""
        nodes = F.dropout(x[rows.nodes], self.item_dropout, self.training)
        to, back = (nodes @ self.w("graph.w") + self.w("graph.b")).chunk(2, -1)
        h = self.gate(torch.cat([rows.incoming @ to, rows.outgoing @ back], -1), nodes)
        h = F.dropout(h, self.state_dropout, self.training)
        s = h.gather(1, rows.alias.unsqueeze(-1).expand(-1, -1, self.d))
        back = rows.length.unsqueeze(1) - 1 - torch.arange(s.shape[1])
        s = s + self.w("position")[back.clamp(min=0)]
        last = s[torch.arange(len(s)), rows.length - 1]
        query = last @ self.w("attention.w1") + self.w("attention.b")
        e = (torch.sigmoid(query.unsqueeze(1) + s @ self.w("attention.w2")) * self.w("attention.w3")).sum(-1)
        alpha = e.masked_fill(back < 0, -math.inf).softmax(1)
        joined = torch.cat([(alpha.unsqueeze(-1) * s).sum(1), last], -1)
        return F.normalize(joined @ self.w("attention.t"), dim=-1)

    def own_bias(self, rows, h):
        """[rows x exact]: of the session's own items, by distance and length, and c . h"""
        bias = self.w("own.bias").flatten()[rows.own.clamp(min=0)] + h @ self.w("own.c").T
        return bias.masked_fill(rows.own < 0, 0)

    def loss(self, rows, h, x):
        """Cross-entropy over all items."""
        logits = self.scale * (h @ x.T)
        mask = rows.own >= 0
        row = torch.arange(len(h)).unsqueeze(1).expand_as(rows.own)[mask]
        logits.index_put_((row, rows.exact[mask]), self.own_bias(rows, h)[mask], accumulate=True)
        return F.cross_entropy(logits, rows.target)

    def sampled_loss(self, rows, h, x, columns):
        """Over a sample of columns that stands for all items but the exact ones."""
        exact = self.scale * torch.einsum("rd,red->re", h, x[rows.exact]) + self.own_bias(rows, h)
        exact = exact.masked_fill(~rows.exact_mask, -math.inf)
        masked = ((columns.view(1, 1, -1) == rows.exact.unsqueeze(2)) & rows.exact_mask.unsqueeze(2)).any(1)
        stands_for = (self.items - rows.exact_mask.sum(1)).to(h.dtype) / (~masked).sum(1)
        sampled = self.scale * (h @ x[columns].T) + stands_for.log().unsqueeze(1)
        logits = torch.cat([exact, sampled.masked_fill(masked, -math.inf)], 1)
        return F.cross_entropy(logits, torch.zeros(len(h), dtype=torch.long))

    def vectors(self):
        return F.normalize(self.w("item"), dim=-1)


# ---- the same with node states shared among the prefixes of a session, as the C has it ----


class SharedRows:
    """Whole sessions: a node's state is computed once for all prefixes that see it with the same edges."""

    def __init__(self, sessions, positions):
        self.rows = Rows(*prefixes_of(sessions), positions)
        node_item, version_node, clicks, last = [], [], [], []
        edges = ([], [])  # in, out: (version, node, weight)
        for session in sessions:
            place, before, after, current = {}, {}, {}, {}
            for i, item in enumerate(session[:-1]):
                changed = [item] if item not in place else []
                if item not in place:
                    place[item] = len(node_item)
                    node_item.append(item)
                    before[item], after[item] = [], []
                if i > 0 and item not in after[session[i - 1]]:
                    after[session[i - 1]].append(item)
                    before[item].append(session[i - 1])
                    changed = list({item: 0, session[i - 1]: 0})
                for node in changed:
                    current[node] = len(version_node)
                    version_node.append(place[node])
                    for side, neighbours in zip(edges, (before[node], after[node])):
                        side.extend((current[node], place[other], 1 / len(neighbours)) for other in neighbours)
                window = session[max(0, i + 1 - positions):i + 1]
                clicks.extend((current[v], len(last), len(window) - 1 - at) for at, v in enumerate(window))
                last.append(current[item])
        self.node_item, self.version_node = torch.tensor(node_item), torch.tensor(version_node)
        self.last = torch.tensor(last)
        self.click_version, self.click_prefix, self.click_back = (torch.tensor(c) for c in zip(*clicks))
        self.edges = [[torch.tensor(c) for c in zip(*side)] if side else None for side in edges]

    def gather(self, side, sent):
        a = torch.zeros(len(self.version_node), sent.shape[1], dtype=sent.dtype)
        if self.edges[side] is None:
            return a
        version, node, weight = self.edges[side]
        return a.index_add(0, version, sent[node] * weight.to(sent.dtype).unsqueeze(1))


def shared_sessions(network, shared, x):
    """What network.sessions() gives for the same prefixes."""
    nodes = F.dropout(x[shared.node_item], network.item_dropout, network.training)
    to, back = (nodes @ network.w("graph.w") + network.w("graph.b")).chunk(2, -1)
    a = torch.cat([shared.gather(0, to), shared.gather(1, back)], -1)
    h = network.gate(a, nodes[shared.version_node])
    h = F.dropout(h, network.state_dropout, network.training)
    position, w2, prefix = network.w("position"), network.w("attention.w2"), shared.click_prefix
    last = h[shared.last] + position[0]
    query = last @ network.w("attention.w1") + network.w("attention.b")
    bent = torch.sigmoid(query[prefix] + (h @ w2)[shared.click_version] + (position @ w2)[shared.click_back])
    e = (bent * network.w("attention.w3")).sum(-1)
    e = (e - e.max().detach()).exp()
    alpha = e / torch.zeros(len(last), dtype=e.dtype).index_add(0, prefix, e)[prefix]
    s = h[shared.click_version] + position[shared.click_back]
    read = torch.zeros_like(last).index_add(0, prefix, alpha.unsqueeze(1) * s)
    return F.normalize(torch.cat([read, last], -1) @ network.w("attention.t"), dim=-1)


# ---- timing ----


def read_sessions(path):
    number, sessions = {}, []
    with open(path, encoding="ascii") as file:
        for line in file:
            session = [number.setdefault(item, len(number)) for item in line.split()]
            if len(session) > 1:
                sessions.append(session)
    return sessions, len(number)


def batches_of(sessions, size):
    """Shuffled sessions, whole, up to `size` prefixes each."""
    batch, count = [], 0
    for at in torch.randperm(len(sessions)).tolist():
        batch.append(sessions[at])
        count += len(sessions[at]) - 1
        if count >= size:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def adam(network):
    try:
        return torch.optim.Adam(network.parameters(), lr=4e-3, fused=True)
    except (RuntimeError, TypeError):  # of before PyTorch 2.4
        return torch.optim.Adam(network.parameters(), lr=4e-3)


def epoch(network, optimizer, batches, columns):
    """Seconds of CPU of training on batches that have been laid out."""
    network.train()
    began = time.process_time()
    for batch in batches:
        shared = isinstance(batch, SharedRows)
        x = network.vectors()
        h = shared_sessions(network, batch, x) if shared else network.sessions(batch, x)
        rows = batch.rows if shared else batch
        if columns:
            loss = network.sampled_loss(rows, h, x, torch.randperm(network.items)[:columns])
        else:
            loss = network.loss(rows, h, x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.process_time() - began


def main():
    program, path, d, negatives, rounds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    sessions, items = read_sessions(path)
    negatives = negatives if negatives < items else 0
    prefixes, targets = prefixes_of(sessions)
    began = time.process_time()
    order = torch.randperm(len(prefixes)).tolist()
    starts = range(0, len(order) - 512, 512)[:BATCHES]  # whole batches alone
    padded = [Rows([prefixes[i] for i in order[at:at + 512]], [targets[i] for i in order[at:at + 512]], 50)
              for at in starts]
    laying_out = (time.process_time() - began) * len(prefixes) / 512 / len(starts)
    shared = [SharedRows(batch, 50) for batch in itertools.islice(batches_of(sessions, 512), BATCHES)]
    network = Network(items, d).eval()
    with torch.no_grad():
        x = network.vectors()
        off = (network.sessions(shared[0].rows, x) - shared_sessions(network, shared[0], x)).abs().max().item()
    assert off < 1e-5, off
    runs = {"c": [], "padded": [], "shared": []}
    products = []
    networks = {"padded": Network(items, d), "shared": Network(items, d)}
    optimizers = {name: adam(network) for name, network in networks.items()}
    for at in range(rounds + 1):  # the first to warm up
        done = json.loads(subprocess.run([program, "epoch", path, str(d), str(negatives)], check=True,
                                         capture_output=True, text=True).stdout)
        products.append(done["products"] / done["seconds"])
        runs["c"].append(done["seconds"])
        for name, batches in (("padded", padded), ("shared", shared)):
            spent = epoch(networks[name], optimizers[name], batches, negatives)
            timed = sum(len(getattr(batch, "rows", batch).target) for batch in batches)
            runs[name].append(spent * len(prefixes) / timed)
    median = {name: statistics.median(times[1:]) for name, times in runs.items()}
    print(f"{done['sessions']} sessions, {done['prefixes']} prefixes, {items} items, d {d}, "
          f"{negatives or 'all'} items in the loss; CPU seconds an epoch, median of {rounds}:")
    print(f"  hiphop                                {median['c']:7.3f}   products of matrices alone: "
          f"{100 * statistics.median(products):.0f} %")
    for name, what in (("padded", "PyTorch, every prefix a padded row"), ("shared", "PyTorch, shared node states")):
        print(f"  {what:37} {median[name]:7.3f}   {median[name] / median['c']:.1f} x hiphop's")
    print(f"  (PyTorch {torch.__version__}, one thread, {len(starts)} batches taken for all; laying out its rows, "
          f"{laying_out:.1f} s, not counted)")


if __name__ == "__main__":
    import itertools
    import json
    import statistics
    import subprocess
    import sys
    import time
    main()
