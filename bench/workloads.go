package bench

import "example.com/pool2d"

// A Workload is a pooling to be timed: a layer of a network, with the batch it is usually run with, or a shape that is
// chosen to hurt.
type Workload struct {
	Name   string
	Source string // where the layer is from
	Why    string // what is hard about it
	Shape  pool2d.Shape
	Params pool2d.Params
}

// Descriptor returns the case that the workload is.
func (w Workload) Descriptor() pool2d.Descriptor {
	return pool2d.Descriptor{Shape: w.Shape, Params: w.Params}
}

// Bytes returns how many bytes one call reads and writes at least: each cell of source and result once, of size bytes.
func (w Workload) Bytes(size int) int64 {
	out, err := pool2d.OutputShape(w.Shape, w.Params)
	if err != nil {
		return 0 // there is no such call; Call says why
	}
	return int64(size) * (cells(w.Shape) + cells(out))
}

// Cells returns the number of cells of the source.
func (w Workload) Cells() int64 { return cells(w.Shape) }

// Taps returns how many cells the windows of one call cover in all, padding included: the work of a loop that shares
// nothing between windows.
func (w Workload) Taps() int64 {
	out, err := pool2d.OutputShape(w.Shape, w.Params)
	if err != nil {
		return 0
	}
	return cells(out) * int64(w.Params.Kernel.H) * int64(w.Params.Kernel.W)
}

func cells(s pool2d.Shape) int64 { return int64(s.N) * int64(s.C) * int64(s.H) * int64(s.W) }

// Workloads returns Core and Hurtful, in this order.
func Workloads() []Workload { return append(Core(), Hurtful()...) }

// Core returns twelve layers that differ in what limits their speed.
func Core() []Workload {
	const torchvision = "torchvision 0.14.1, traced"
	return []Workload{
		{
			Name: "vgg16-pool1", Source: torchvision + ": vgg16 features.4, input 224",
			Why:   "large planes, no overlap, no padding: nothing but streaming",
			Shape: pool2d.Shape{N: 1, C: 64, H: 224, W: 224}, Params: square(pool2d.Max, 2, 2, 0),
		},
		{
			Name: "resnet50-stem", Source: torchvision + ": resnet50 maxpool, input 224",
			Why:   "the layer most often seen: overlap and padding; a source of 103 MB",
			Shape: pool2d.Shape{N: 32, C: 64, H: 112, W: 112}, Params: square(pool2d.Max, 3, 2, 1),
		},
		{
			Name: "googlenet-pool3-ceil", Source: torchvision + ": googlenet maxpool3, input 224",
			Why:   "ceil mode: the last window of each row and column is partial",
			Shape: pool2d.Shape{N: 1, C: 480, H: 28, W: 28}, Params: ceil(square(pool2d.Max, 3, 2, 0)),
		},
		{
			Name: "inception3-branch-avg", Source: torchvision + ": inception_v3 Mixed_6b, input 299",
			Why:   "rows of 17 cells, which no vector width divides",
			Shape: pool2d.Shape{N: 1, C: 768, H: 17, W: 17}, Params: countPad(square(pool2d.Avg, 3, 1, 1)),
		},
		{
			Name: "poolformer-s12-mixer", Source: "timm 0.6.13, traced: poolformer_s12 network.0.0.token_mixer.pool, input 224",
			Why:   "padding does not count: the divisors of the border differ",
			Shape: pool2d.Shape{N: 1, C: 64, H: 56, W: 56}, Params: square(pool2d.Avg, 3, 1, 1),
		},
		{
			Name: "nasnet-same-asym", Source: "timm 0.6.13, traced: nasnetalarge reduction_cell_0.comb_iter_1_left, input 331",
			Why:   "padding on two sides only, as TensorFlow's SAME has it",
			Shape: pool2d.Shape{N: 1, C: 336, H: 42, W: 42}, Params: padded(square(pool2d.Max, 3, 2, 0), pool2d.Pad{Bottom: 1, Right: 1}),
		},
		{
			Name: "yolov4-spp13", Source: "AlexeyAB/darknet cfg/yolov4.cfg, input 608",
			Why:   "a window of 169 cells at each cell of a small plane",
			Shape: pool2d.Shape{N: 1, C: 512, H: 19, W: 19}, Params: square(pool2d.Max, 13, 1, 6),
		},
		{
			Name: "superpoint-nms9", Source: "magicleap/SuperGluePretrainedNetwork models/superpoint.py, simple_nms",
			Why:   "one plane, so that no channels are there to share out",
			Shape: pool2d.Shape{N: 1, C: 1, H: 480, W: 640}, Params: square(pool2d.Max, 9, 1, 4),
		},
		{
			Name: "crnn-pool2", Source: "meijieru/crnn.pytorch models/crnn.py, pooling2",
			Why:   "16384 small planes, and nothing square: stride 2×1, padding on the width",
			Shape: pool2d.Shape{N: 64, C: 256, H: 8, W: 25},
			Params: pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 2, W: 1},
				Pad: pool2d.Pad{Left: 1, Right: 1}},
		},
		{
			Name: "resnet50-gap", Source: torchvision + ": resnet50 avgpool, input 224",
			Why:   "global: 65536 planes of 49 cells, each one sum",
			Shape: pool2d.Shape{N: 32, C: 2048, H: 7, W: 7}, Params: square(pool2d.Avg, 7, 7, 0),
		},
		{
			Name: "efficientnet-b7-se-gap", Source: torchvision + ": efficientnet_b7 features.1.0.block.1.avgpool, input 600",
			Why:   "global: sums of 90000 cells",
			Shape: pool2d.Shape{N: 1, C: 64, H: 300, W: 300}, Params: square(pool2d.Avg, 300, 300, 0),
		},
		{
			Name: "raft-corr-pyramid", Source: "torchvision models/optical_flow/raft.py, CorrBlock.build_pyramid, input 440×1024",
			Why:   "198 MB, past every cache; the last row of each plane is left over",
			Shape: pool2d.Shape{N: 7040, C: 1, H: 55, W: 128}, Params: countPad(square(pool2d.Avg, 2, 2, 0)),
		},
	}
}

// Hurtful returns small shapes that layers of networks do not have, or seldom: each punishes one shortcut.
func Hurtful() []Workload {
	const ours = "chosen to hurt"
	return []Workload{
		{
			Name: "tiny", Source: ours, Why: "four results: what a call costs that has nothing to do",
			Shape: pool2d.Shape{N: 1, C: 1, H: 4, W: 4}, Params: square(pool2d.Max, 2, 2, 0),
		},
		{
			Name: "tail31", Source: ours, Why: "rows one short of two vectors, so that the tail is most of the row",
			Shape: pool2d.Shape{N: 1, C: 64, H: 31, W: 31}, Params: square(pool2d.Max, 2, 1, 0),
		},
		{
			Name: "gaps", Source: "torchvision 0.14.1, traced: fasterrcnn_resnet50_fpn extra_blocks, wider",
			Why:   "a window of 1×1 at stride 2: three of four cells are not to be read",
			Shape: pool2d.Shape{N: 1, C: 256, H: 50, W: 84}, Params: square(pool2d.Max, 1, 2, 0),
		},
		{
			Name: "identity", Source: ours, Why: "a window of 1×1 at stride 1: a copy",
			Shape: pool2d.Shape{N: 1, C: 64, H: 56, W: 56}, Params: square(pool2d.Avg, 1, 1, 0),
		},
		{
			Name: "global-one", Source: ours, Why: "one plane of 1024², one result: nothing to share out but the plane itself",
			Shape: pool2d.Shape{N: 1, C: 1, H: 1024, W: 1024}, Params: square(pool2d.Avg, 1024, 1024, 0),
		},
		{
			Name: "dilated", Source: ours, Why: "taps five cells apart, and rows that are not neighbours in the cache",
			Shape: pool2d.Shape{N: 1, C: 16, H: 65, W: 65},
			Params: pool2d.Params{Kernel: pool2d.HW{H: 3, W: 3}, Stride: pool2d.HW{H: 1, W: 1}, Dilation: pool2d.HW{H: 5, W: 5},
				Pad: pool2d.Pad{Top: 5, Left: 5, Bottom: 5, Right: 5}},
		},
		{
			Name: "window31", Source: ours, Why: "961 cells a window: the cost must not grow with the window",
			Shape: pool2d.Shape{N: 1, C: 1, H: 256, W: 256}, Params: square(pool2d.Max, 31, 1, 15),
		},
		{
			Name: "window31-avg", Source: ours, Why: "the same for sums, whose borders have divisors of their own",
			Shape: pool2d.Shape{N: 1, C: 1, H: 256, W: 256}, Params: square(pool2d.Avg, 31, 1, 15),
		},
		{
			Name: "column", Source: ours, Why: "planes one cell wide: a row is no unit of work",
			Shape: pool2d.Shape{N: 1, C: 64, H: 1024, W: 1}, Params: pool2d.Params{Kernel: pool2d.HW{H: 4, W: 1}, Stride: pool2d.HW{H: 4, W: 1}},
		},
	}
}

// Compared returns the poolings that poolgate peers measures side by side with other libraries, by the same names: the
// maximum, the average that counts padding, and where there is padding, the average that does not ("-exclude").
// They are no food for a slow implementation: win31 alone has 16 billion taps.
func Compared() []Workload {
	var all []Workload
	for _, w := range []Workload{
		{Name: "stem1", Source: "ResNet", Why: "the layer most often seen", Shape: pool2d.Shape{N: 1, C: 64, H: 112, W: 112}, Params: square(pool2d.Max, 3, 2, 1)},
		{Name: "stem8", Source: "ResNet", Why: "as large as the last cache of many machines: bimodal there", Shape: pool2d.Shape{N: 8, C: 64, H: 112, W: 112}, Params: square(pool2d.Max, 3, 2, 1)},
		{Name: "vgg", Source: "VGG-16", Why: "nothing but streaming", Shape: pool2d.Shape{N: 1, C: 64, H: 224, W: 224}, Params: square(pool2d.Max, 2, 2, 0)},
		{Name: "incep", Source: "Inception-v3", Why: "overlap in both directions, rows of 35", Shape: pool2d.Shape{N: 1, C: 256, H: 35, W: 35}, Params: square(pool2d.Max, 3, 1, 1)},
		{Name: "spp5", Source: "YOLO's spatial pyramid", Why: "large windows on planes of 13×13", Shape: pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, Params: square(pool2d.Max, 5, 1, 2)},
		{Name: "spp9", Source: "YOLO's spatial pyramid", Why: "large windows on planes of 13×13", Shape: pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, Params: square(pool2d.Max, 9, 1, 4)},
		{Name: "spp13", Source: "YOLO's spatial pyramid", Why: "windows as large as the plane", Shape: pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, Params: square(pool2d.Max, 13, 1, 6)},
		{Name: "gap", Source: "ResNet-50", Why: "global: one number a plane", Shape: pool2d.Shape{N: 1, C: 2048, H: 7, W: 7}, Params: square(pool2d.Max, 7, 1, 0)},
		{Name: "hd", Source: "chosen to show a limit", Why: "a photograph: few planes, each past the second cache", Shape: pool2d.Shape{N: 1, C: 3, H: 1080, W: 1920}, Params: square(pool2d.Max, 2, 2, 0)},
		{Name: "win31", Source: "chosen to show a limit", Why: "a window that a direct loop cannot afford", Shape: pool2d.Shape{N: 1, C: 1, H: 4096, W: 4096}, Params: square(pool2d.Max, 31, 1, 15)},
		{Name: "big", Source: "chosen to show a limit", Why: "a batch of the size of the last cache", Shape: pool2d.Shape{N: 32, C: 64, H: 56, W: 56}, Params: square(pool2d.Max, 2, 2, 0)},
		{Name: "huge", Source: "chosen to show a limit", Why: "a batch past every cache", Shape: pool2d.Shape{N: 128, C: 64, H: 56, W: 56}, Params: square(pool2d.Max, 2, 2, 0)},
	} {
		avg := w
		avg.Params.Op, avg.Params.CountPad = pool2d.Avg, true
		all = append(all, w, avg)
		if (w.Params.Pad != pool2d.Pad{}) {
			avg.Name, avg.Params.CountPad = w.Name+"-exclude", false
			all = append(all, avg)
		}
	}
	return all
}

func square(op pool2d.Op, kernel, stride, pad int) pool2d.Params {
	return pool2d.Params{
		Op: op, Kernel: pool2d.HW{H: kernel, W: kernel}, Stride: pool2d.HW{H: stride, W: stride},
		Pad: pool2d.Pad{Top: pad, Left: pad, Bottom: pad, Right: pad},
	}
}

func padded(p pool2d.Params, pad pool2d.Pad) pool2d.Params {
	p.Pad = pad
	return p
}

func ceil(p pool2d.Params) pool2d.Params {
	p.Ceil = true
	return p
}

func countPad(p pool2d.Params) pool2d.Params {
	p.CountPad = true
	return p
}
