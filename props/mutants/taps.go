package mutants

import "example.com/pool2d"

// taps are the mutants that read the wrong cells.
func taps[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"dilation-missing-in-taps", "tract, cuDNN providers, tfjs-node", "sonos/tract#2847", []string{"dilations-attribute-ignored"},
			lawImpulse, "taps lie side by side whatever the dilation", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Dilation = pool2d.HW{H: 1, W: 1}; return p }
			}},
		{"dilation-height-for-width", "burn", "tracel-ai/burn#4466", []string{"dilation0-twice"},
			lawImpulse, "the dilation of the height is used for the width", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Dilation.W = p.Dilation.H; return p }
			}},
		{"stride-height-for-width", "NNPACK, ONE, tfjs", "Maratyszcza/NNPACK#16", []string{"h-stride-for-w"},
			lawImpulse, "the stride of the height is used for the width", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Stride.W = p.Stride.H; return p }
			}},
		{"pad-height-for-width", "TVM", "apache/tvm#4738", []string{"tvm-only-depth-pad"},
			lawImpulse, "the pad of the height is used for the width", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Pad.Left = p.Pad.Top; return p }
			}},
		{"kernel-height-for-width", "tfjs WebGPU", "tensorflow/tfjs#4801", []string{"h-stride-for-w"},
			lawImpulse, "the kernel extent of the height is used for the width", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Kernel.W = p.Kernel.H; return p }
			}},
		{"axes-in-reverse", "torch-mlir", "llvm/torch-mlir#4144", []string{"avg-torchmlir-clamp"},
			lawImpulse, "kernel and stride are read width first", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params {
					p.Kernel.H, p.Kernel.W, p.Stride.H, p.Stride.W = p.Kernel.W, p.Kernel.H, p.Stride.W, p.Stride.H
					return p
				}
			}},
		{"plane-height-for-width", "OpenCV DNN Vulkan", "opencv/opencv#22844", []string{"vulkan-height-for-width"},
			lawImpulse, "columns are checked against the height of the plane", nil,
			func(m *pool[T]) {
				m.bounds = func(in pool2d.Shape) pool2d.Shape { in.W = min(in.W, in.H); return in }
			}},
		{"pad-end-as-begin", "gorgonia", "gorgonia/gorgonia@d7a3ce27 op_nn.go", []string{"gorgonia-pad-end-as-begin"},
			lawImpulse, "windows start by the trailing pad before the plane", nil,
			func(m *pool[T]) { m.start = func(a axis, i int) int { return i*a.stride - a.trail } }},
		{"pad-halved", "Darknet", "its pad is the total of both sides, its offset -pad/2", nil,
			lawImpulse, "windows start by half of the pad before the plane", nil,
			func(m *pool[T]) { m.start = func(a axis, i int) int { return i*a.stride - a.lead/2 } }},
		{"pad-ignored", "the test helper of PyTorch", "pytorch/pytorch#188345", nil,
			lawImpulse, "the padding is counted in the shape and then dropped", nil,
			func(m *pool[T]) { m.start = func(a axis, i int) int { return i * a.stride } }},
		{"dilated-start-clamped", "ONNX Runtime CUDA", "microsoft/onnxruntime#29637", []string{"dilated-start-clamped-to-zero"},
			lawImpulse, "a dilated window that starts in the padding is moved to the edge instead of stepping onto the plane", nil,
			func(m *pool[T]) {
				m.tap = func(a axis, start, j int) int {
					if start < 0 {
						start = -m.first(a, start) * a.dilation
					}
					return start + j*a.dilation
				}
			}},
		{"start-not-clamped", "tinygrad", "tinygrad/tinygrad#81", []string{"tinygrad-gpu-boundary"},
			lawImpulse, "a window that starts in the leading pad reads the end of the row before", nil,
			func(m *pool[T]) {
				right := m.first
				m.first = func(a axis, start int) int {
					if a.name == 'w' {
						return max(0, right(a, start)-1)
					}
					return right(a, start)
				}
			}},
		{"end-not-clamped-in-row", "tinygrad", "tinygrad/tinygrad#81", []string{"tinygrad-gpu-boundary"},
			lawImpulse, "a window that hangs over the right edge reads on in the next row", nil,
			func(m *pool[T]) {
				right := m.end
				m.end = func(a axis, start int) int {
					if a.name == 'w' {
						return min(a.kernel, right(a, start)+2)
					}
					return right(a, start)
				}
			}},
		{"end-not-clamped-in-plane", "derived", "tenstorrent/tt-metal#14260", []string{"read-neighbour-plane"},
			lawImpulse, "a window that hangs over the bottom reads on in the next plane", nil,
			func(m *pool[T]) {
				right := m.end
				m.end = func(a axis, start int) int {
					if a.name == 'h' {
						return min(a.kernel, right(a, start)+1)
					}
					return right(a, start)
				}
			}},
		{"row-stride-of-padded-plane", "SystemML", "apache/systemds#434", []string{"systemml-pad-stride"},
			lawImpulse, "rows are as far apart as in a padded plane", nil,
			func(m *pool[T]) {
				m.offset = func(c *call[T], cell pool2d.Cell) int {
					return c.src.Offset(cell) + cell.H*(c.params.Pad.Left+c.params.Pad.Right)
				}
			}},
		{"channels-last-undilated", "PyTorch channels_last", "pytorch/pytorch#76432", []string{"channels-last-dilation-cpu"},
			lawImpulse, "the code for NHWC knows no dilation", nil,
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Dilation = pool2d.HW{H: 1, W: 1}; return p }
			}},
		{"single-channel-stride", "PyTorch channels_last", "pytorch/pytorch#116482", []string{"singleton-channel-stride"},
			lawBatch, "with one channel, batch items are taken to be one cell apart", nil,
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				m.offset = func(c *call[T], cell pool2d.Cell) int {
					if c.src.C == 1 {
						return cell.H*c.src.W + cell.W + cell.N
					}
					return c.src.Offset(cell)
				}
			}},
		{"kernel-hard-coded-at-stride-1", "pytorch-YOLOv4", "Tianxiaomo/pytorch-YOLOv4#62", []string{"spp-kernel-hardcoded"},
			lawImpulse, "at stride 1 the window is 2 by 2", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params {
					if (p.Stride == pool2d.HW{H: 1, W: 1}) {
						p.Kernel = pool2d.HW{H: 2, W: 2}
					}
					return p
				}
			}},
		{"last-window-moved-in", "ONNX reference evaluator", "named case ceil-window-shifted", nil,
			lawImpulse, "the partial last window of ceil mode is moved in until it is whole", nil,
			func(m *pool[T]) {
				right := m.start
				m.start = func(a axis, i int) int {
					return max(-a.lead, min(right(a, i), a.extent+a.trail-a.span()))
				}
			}},
		{"next-batch-item", "derived", "off by one item", nil,
			lawBatch, "the cells of the batch item before are read", nil,
			func(m *pool[T]) {
				m.offset = func(c *call[T], cell pool2d.Cell) int { cell.N = max(0, cell.N-1); return c.src.Offset(cell) }
			}},
		{"channels-taken-for-batch", "derived", "batch and channel mixed up", nil,
			lawChannels, "the order of batch and channel is swapped where planes are counted", nil,
			func(m *pool[T]) {
				m.offset = func(c *call[T], cell pool2d.Cell) int {
					i := cell.C*c.src.N + cell.N
					return c.src.Offset(pool2d.Cell{N: i / c.src.C, C: i % c.src.C, H: cell.H, W: cell.W})
				}
			}},
	}
}
