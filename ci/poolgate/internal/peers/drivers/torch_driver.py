"""PyTorch's CPU kernels, results pre-allocated."""
import torch
from protocol import cells, serve

def load(p):
    torch.set_num_threads(p["threads"])
    nhwc = p["layout"] == "nhwc"
    def tensor(n, c, h, w):
        t = torch.from_numpy(cells((n, h, w, c) if nhwc else (n, c, h, w)))
        return t.permute(0, 3, 1, 2) if nhwc else t
    if p["pt"] != p["pb"] or p["pl"] != p["pr"]:
        return "asymmetric padding"
    x, y = tensor(p["n"], p["c"], p["h"], p["w"]), tensor(p["n"], p["c"], p["oh"], p["ow"])
    x.copy_(torch.from_numpy(p["x"]))
    k, s, pad = [p["kh"], p["kw"]], [p["sh"], p["sw"]], [p["pt"], p["pl"]]
    nn = torch._C._nn
    whole = k == [p["h"], p["w"]] and pad == [0, 0]
    if whole and p["op"] == "max":  # its fastest way to a global maximum and mean
        call = lambda: torch.amax(x, (2, 3), keepdim=True, out=y) is None or None
    elif whole:
        call = lambda: torch.mean(x, (2, 3), keepdim=True, out=y) is None or None
    elif p["op"] == "max":
        i = torch.empty_like(y, dtype=torch.int64)
        call = lambda: nn.max_pool2d_with_indices(x, k, s, pad, [1, 1], False, out=(y, i)) is None or None
    else:
        call = lambda: nn.avg_pool2d(x, k, s, pad, False, p["op"] == "avgi", None, out=y) is None or None
    return call, lambda: y.numpy()

with torch.inference_mode():
    torch.set_num_interop_threads(1)
    serve("pytorch", torch.__version__, ["nchw", "nhwc"], load)
