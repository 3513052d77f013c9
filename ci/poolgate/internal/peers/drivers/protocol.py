"""The driver's side of the line protocol of package peers, for Python. The words are explained in peers.go."""
import math, mmap, os, sys, time
import numpy as np

HUGE = 2 << 20

def cells(shape):
    """Returns an array of zeros on pages of the size that POOL2D_PAGES names, so that all contenders have the same."""
    n = math.prod(shape)
    m = mmap.mmap(-1, n * 4 + 2 * HUGE)
    m.madvise(mmap.MADV_HUGEPAGE if os.environ.get("POOL2D_PAGES") == "huge" else mmap.MADV_NOHUGEPAGE)
    a = np.frombuffer(m, np.float32)
    skip = (-a.ctypes.data % HUGE) // 4
    a = a[skip:skip + n].reshape(shape)
    a[...] = 0
    return a

def serve(name, version, layouts, load):
    """Answers requests; load(p) returns (call, result as an n c h w array), or the reason why it is not offered."""
    print("hello", name, version, *layouts, flush=True)
    call = None
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "load":
            call = None
            p = dict(zip("n c h w kh kw sh sw pt pl pb pr".split(), map(int, rest[3:15])))
            p.update(op=rest[0], layout=rest[1], threads=int(rest[2]), model=rest[15] if len(rest) > 15 else "")
            p["oh"] = (p["h"] + p["pt"] + p["pb"] - p["kh"]) // p["sh"] + 1
            p["ow"] = (p["w"] + p["pl"] + p["pr"] - p["kw"]) // p["sw"] + 1
            n = p["n"] * p["c"] * p["h"] * p["w"]
            v = ((np.arange(n, dtype=np.uint32) * np.uint32(2654435761)) >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
            p["x"] = v.reshape(p["n"], p["c"], p["h"], p["w"])
            got = load(p)
            if isinstance(got, str):
                print("lacks", got, flush=True)
                continue
            call, result = got
            call()
            y = np.ascontiguousarray(result()).astype(np.float64).ravel()
            print("ok", repr(float(y.sum())), repr(float((y * (np.arange(y.size) % 61)).sum())), flush=True)
        elif word == "time":
            warm, reps = map(int, rest)
            start = time.perf_counter_ns()
            while True:
                call()
                if time.perf_counter_ns() - start >= warm:
                    break
            start = time.perf_counter_ns()
            inside = [call() for _ in range(reps)]
            took = time.perf_counter_ns() - start
            # A call may return the nanoseconds that count, where the library itself says how long the layer took.
            print(round(sum(inside)) if inside[0] is not None else took, flush=True)
