//go:build linux

package peers

import "example.com/pool2d"

// A workload is a pooling that is timed, with the ratios that we claim for it.
type workload struct {
	name string
	pool2d.Shape
	pool2d.Params
	ops  []string // of "max", "avgi" (padding counts) and "avge" (it does not)
	goal goal
}

// A goal is what the design asks of a workload: how many times faster than the best peer on plain NCHW and than the best
// peer in the layout that it likes best, and at most how many times slower than the limit.
type goal struct{ nchw, any, limit float64 }

func square(k, s, pad int) pool2d.Params {
	return pool2d.Params{Kernel: pool2d.HW{H: k, W: k}, Stride: pool2d.HW{H: s, W: s}, Pad: pool2d.Pad{Top: pad, Left: pad, Bottom: pad, Right: pad}}
}

// workloads are layers of networks, and three planes chosen to show a limit: a photograph, a window that a direct kernel
// cannot afford, and a batch beyond every cache.
var workloads = []workload{
	{"stem1", pool2d.Shape{N: 1, C: 64, H: 112, W: 112}, square(3, 2, 1), []string{"max", "avgi", "avge"}, goal{3.2, 1.15, 1.15}}, // ResNet
	{"stem8", pool2d.Shape{N: 8, C: 64, H: 112, W: 112}, square(3, 2, 1), []string{"max", "avgi", "avge"}, goal{3.5, 1.4, 1.4}},
	{"vgg", pool2d.Shape{N: 1, C: 64, H: 224, W: 224}, square(2, 2, 0), []string{"max", "avgi"}, goal{5.5, 1.1, 1.0}},          // VGG-16
	{"incep", pool2d.Shape{N: 1, C: 256, H: 35, W: 35}, square(3, 1, 1), []string{"max", "avgi", "avge"}, goal{2.8, 1.2, 1.3}}, // Inception-v3
	{"spp5", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, square(5, 1, 2), []string{"max", "avgi"}, goal{4, 2.8, 3.5}},            // YOLO's spatial pyramid
	{"spp9", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, square(9, 1, 4), []string{"max", "avgi"}, goal{6, 5, 4.5}},
	{"spp13", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, square(13, 1, 6), []string{"max", "avgi"}, goal{9, 7, 5}},
	{"gap", pool2d.Shape{N: 1, C: 2048, H: 7, W: 7}, square(7, 1, 0), []string{"max", "avgi"}, goal{3.5, 1, 1.1}}, // ResNet's head
	{"hd", pool2d.Shape{N: 1, C: 3, H: 1080, W: 1920}, square(2, 2, 0), []string{"max", "avgi"}, goal{6, 4, 1.15}},
	{"win31", pool2d.Shape{N: 1, C: 1, H: 4096, W: 4096}, square(31, 1, 15), []string{"max", "avgi"}, goal{5, 5, 2.2}},
	{"big", pool2d.Shape{N: 32, C: 64, H: 56, W: 56}, square(2, 2, 0), []string{"max", "avgi"}, goal{}},
	{"huge", pool2d.Shape{N: 128, C: 64, H: 56, W: 56}, square(2, 2, 0), []string{"max", "avgi"}, goal{2.8, 1.15, 1.4}},
}

// params returns the workload's parameters for an op.
func (w workload) params(op string) pool2d.Params {
	p := w.Params
	if op != "max" {
		p.Op, p.CountPad = pool2d.Avg, op == "avgi"
	}
	return p
}
