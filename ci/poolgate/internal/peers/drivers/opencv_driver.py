"""OpenCV: dilate and blur of module imgproc where they can do it (one plane, stride 1, same size), else module dnn,
whose own profile says how long the layer took."""
import cv2
import numpy as np
from protocol import cells, serve

def load(p):
    cv2.setNumThreads(p["threads"])
    if p["n"] * p["c"] == 1 and p["sh"] == p["sw"] == 1 and (p["oh"], p["ow"]) == (p["h"], p["w"]):
        x, y, k = cells((p["h"], p["w"])), cells((p["h"], p["w"])), (p["kw"], p["kh"])
        x[...] = p["x"][0, 0]
        window = np.ones(k[::-1], np.uint8)
        if p["op"] == "max":
            return lambda: cv2.dilate(x, window, dst=y) is None or None, lambda: y
        if p["op"] == "avgi":
            return lambda: cv2.blur(x, k, dst=y, borderType=cv2.BORDER_CONSTANT) is None or None, lambda: y
        return "an average that excludes padding"
    if p["op"] == "avgi" and p["pt"] + p["pl"] + p["pb"] + p["pr"]:
        return "its ONNX importer ignores count_include_pad"
    net = cv2.dnn.readNetFromONNX(p["model"])
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setInput(p["x"])
    result = []
    def call():
        result[:] = [net.forward()]
        return net.getPerfProfile()[0] * 1e9 / cv2.getTickFrequency()
    return call, lambda: result[0]

serve("opencv", cv2.__version__, ["nchw"], load)
