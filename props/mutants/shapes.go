package mutants

import (
	"math"

	"example.com/pool2d"
)

// shapes are the mutants whose result has the wrong extent, or whose idea of it refuses a valid call.
func shapes[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"ceil-clip-dropped", "PyTorch", "pytorch/pytorch#45357", []string{"ceil-window-fully-out-of-bounds", "tvm-relax-ceil-extra", "openvino-ceil-vs-ceil-torch", "onnx-spec-ceil-corner"},
			lawShape, "ceil mode keeps a last window that starts behind the plane", nil,
			func(m *pool[T]) { m.clip = func(_ axis, outputs int) int { return outputs } }},
		{"ceil-clip-only-when-padded", "PyTorch, Caffe", "pytorch/pytorch#36977", []string{"ceil-clip-only-when-padded"},
			lawShape, "the clip of ceil mode is skipped on an axis without padding", nil,
			func(m *pool[T]) {
				right := m.clip
				m.clip = func(a axis, outputs int) int {
					if a.lead == 0 && a.trail == 0 {
						return outputs
					}
					return right(a, outputs)
				}
			}},
		{"ceil-clip-counts-trailing-pad", "ONNX Runtime", "microsoft/onnxruntime#15446", []string{"ceil-window-starts-in-right-padding", "all-padding-window-flt-lowest"},
			lawShape, "ceil mode keeps a last window that starts in the trailing pad", nil,
			func(m *pool[T]) {
				right := m.clip
				m.clip = func(a axis, outputs int) int { a.extent += a.trail; return right(a, outputs) }
			}},
		{"ceil-clip-missing-where-compiled", "PyTorch Inductor", "pytorch/pytorch#94887", []string{"inductor-ceil-clip-missing"},
			lawShape, "the clip is missing from the code compiled for a stride of 2", nil,
			func(m *pool[T]) {
				right := m.clip
				m.clip = func(a axis, outputs int) int {
					if a.stride == 2 {
						return outputs
					}
					return right(a, outputs)
				}
			}},
		{"ceil-twice", "rten", "robertknight/rten#1416", []string{"double-ceiling"},
			lawShape, "ceil mode rounds up twice", nil,
			func(m *pool[T]) {
				right := m.outputs
				m.outputs = func(a axis) int {
					if a.ceil {
						return m.clip(a, -floorDiv(-(a.extent+a.lead+a.trail-a.span()+a.stride-1), a.stride)+1)
					}
					return right(a)
				}
			}},
		{"ceil-ignored", "PyTorch quantized", "pytorch/pytorch#47556", []string{"qnn-maxpool-ignores-ceil"},
			lawShape, "ceil mode makes no difference", nil,
			func(m *pool[T]) { m.forShape = func(p pool2d.Params) pool2d.Params { p.Ceil = false; return p } }},
		{"ceil-always", "Caffe", "its default; BVLC/caffe#6282 asks for the other", nil,
			lawShape, "the output size is always rounded up", nil,
			func(m *pool[T]) { m.forShape = func(p pool2d.Params) pool2d.Params { p.Ceil = true; return p } }},
		{"ceil-by-a-boolean", "derived", "ceil mode as one more output", nil,
			lawShape, "ceil mode adds an output even where the windows fit exactly", nil,
			func(m *pool[T]) {
				m.outputs = func(a axis) int {
					extra := 1
					if a.ceil {
						extra = 2
					}
					return m.clip(a, m.floor(a.extent+a.lead+a.trail-a.span(), a.stride)+extra)
				}
			}},
		{"division-truncates", "PyTorch 1.0", "pytorch/pytorch#22337", []string{"trunc-not-floor-division"},
			lawNonsense, "the division rounds to zero, so that a window larger than the padded plane has an output", nil,
			func(m *pool[T]) { m.floor = func(room, stride int) int { return room / stride } }},
		{"output-size-unchecked", "PyTorch", "pytorch/pytorch#88464", []string{"ceil-negative-output-size", "q-avg-segfault-ceil"},
			lawNonsense, "an output size below 1 is not refused", nil,
			func(m *pool[T]) { m.limits = without(m.limits, "output") }},
		{"output-size-zero", "ONNX Runtime, TensorFlow, XLA", "named case window-larger-than-plane", nil,
			lawNonsense, "a window larger than the padded plane gives an empty result instead of an error", nil,
			func(m *pool[T]) {
				m.limits = without(m.limits, "output")
				right := m.outputs
				m.outputs = func(a axis) int { return max(right(a), 0) }
			}},
		{"dilation-missing-in-shape", "ONNX reference evaluator", "onnx/onnx#4849", []string{"dilation-missing-in-shape"},
			lawShape, "the output size is computed from the kernel instead of the span", nil,
			func(m *pool[T]) {
				m.forShape = func(p pool2d.Params) pool2d.Params { p.Dilation = pool2d.HW{H: 1, W: 1}; return p }
			}},
		{"stride-height-for-width-in-shape", "Lightning Thunder", "Lightning-AI/lightning-thunder#774", []string{"thunder-stride-closure"},
			lawShape, "the output size of both axes is computed with the stride of the height", nil,
			func(m *pool[T]) {
				m.forShape = func(p pool2d.Params) pool2d.Params { p.Stride.W = p.Stride.H; return p }
			}},
		{"pad-begin-for-end", "Paddle, torch-mlir, OpenVINO", "PaddlePaddle/Paddle#54404", []string{"pad-begin-used-for-end-others"},
			lawShape, "the leading pad is used for both sides", nil,
			func(m *pool[T]) {
				m.forShape = func(p pool2d.Params) pool2d.Params {
					p.Pad.Bottom, p.Pad.Right = p.Pad.Top, p.Pad.Left
					return p
				}
			}},
		{"pads-in-another-order", "ONNX reference evaluator", "onnx/onnx#5158", nil,
			lawShape, "pads are read as top, bottom, left, right", nil,
			func(m *pool[T]) {
				reorder := func(p pool2d.Params) pool2d.Params {
					p.Pad.Left, p.Pad.Bottom = p.Pad.Bottom, p.Pad.Left
					return p
				}
				m.forShape, m.forTaps = reorder, reorder
			}},
		{"output-transposed", "Minerva, Keras torch backend", "dmlc/minerva#43", []string{"minerva-nonsquare"},
			lawShape, "height and width of the result are swapped", nil,
			func(m *pool[T]) {
				m.label = func(x pool2d.Tensor[T]) pool2d.Tensor[T] { x.H, x.W = x.W, x.H; return x }
			}},
		{"layout-dropped", "derived", "a label that is not carried over", nil,
			lawShape, "a result in NHWC order is labelled NCHW", nil,
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				m.label = func(x pool2d.Tensor[T]) pool2d.Tensor[T] { x.Layout = pool2d.NCHW; return x }
			}},
		{"inference-ignores-ceil", "rten, onnx-mlir", "Xilinx/onnx-mlir#560", []string{"infer-shape-ignores-ceil"},
			lawAnswers, "the caller's buffer is measured without ceil mode, the pooling done with it", nil,
			func(m *pool[T]) {
				m.into = true
				right := m.accepts
				m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool {
					h, w := axes(c.src.Shape, c.params)
					h.ceil, w.ceil = false, false
					return right(c, dst) && dst.H == m.outputs(h) && dst.W == m.outputs(w)
				}
			}},
		{"inference-does-not-clip", "ONNX", "onnx/onnx#5741", []string{"onnx-spec-ceil-corner"},
			lawAnswers, "the caller's buffer is measured without the clip of ceil mode, the pooling done with it", nil,
			func(m *pool[T]) {
				m.into = true
				right, clip := m.accepts, m.clip
				m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool {
					m.clip = func(_ axis, outputs int) int { return outputs }
					defer func() { m.clip = clip }()
					h, w := axes(c.src.Shape, c.params)
					return right(c, dst) && dst.H == m.outputs(h) && dst.W == m.outputs(w)
				}
				m.lacks = pool2d.Concurrency // of its own switch, which is not the bug
			}},
		{"kernel-equal-to-plane-refused", "gorgonia", "gorgonia/gorgonia#435", []string{"kernel-equals-input-rejected"},
			lawAnswers, "a window as large as the plane is refused", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"Kernel", func(in pool2d.Shape, p pool2d.Params) bool {
					return in.H == p.Kernel.H && p.Pad.Top == 0 || in.W == p.Kernel.W && p.Pad.Left == 0
				}})
			}},
		{"half-pad-refused", "derived", "twin of microsoft/onnxruntime#801", nil,
			lawAnswers, "a pad of exactly half the span is refused", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"Pad", func(in pool2d.Shape, p pool2d.Params) bool {
					h, w := axes(in, p.Normalized())
					return max(2*h.lead, 2*h.trail) >= h.span() || max(2*w.lead, 2*w.trail) >= w.span()
				}})
			}},
		{"pad-limit-without-dilation", "PyTorch", "pytorch/pytorch#118897", []string{"ort-pad-restriction"},
			lawAnswers, "pads are limited to half of the kernel instead of half of the span", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"Pad", func(in pool2d.Shape, p pool2d.Params) bool {
					return max(p.Pad.Top, p.Pad.Bottom) > p.Kernel.H/2 || max(p.Pad.Left, p.Pad.Right) > p.Kernel.W/2
				}})
			}},
		{"pad-up-to-kernel", "ONNX Runtime, MXNet", "apache/mxnet#6191", []string{"all-padding-window-flt-lowest"},
			lawLimits, "pads are accepted up to the span", nil,
			func(m *pool[T]) { m.limits = without(m.limits, "Pad limit") }},
		{"stride-one-by-default", "ONNX, WebNN, Flax", "named case stride-by-default", nil,
			lawShape, "a zero stride is 1 instead of the kernel's extent", nil,
			func(m *pool[T]) {
				m.defaults = func(p pool2d.Params) pool2d.Params {
					p.Stride = pool2d.HW{H: max(p.Stride.H, 1), W: max(p.Stride.W, 1)}
					return p.Normalized()
				}
			}},
		{"stride-not-expanded", "PyTorch", "pytorch/pytorch#23961", []string{"stride-tuple-expansion"},
			lawShape, "a zero stride on one axis takes the other axis' stride", nil,
			func(m *pool[T]) {
				m.defaults = func(p pool2d.Params) pool2d.Params {
					if p.Stride.W == 0 {
						p.Stride.W = p.Stride.H
					}
					return p.Normalized()
				}
			}},
		{"span-in-32-bits", "PyTorch", "pytorch/pytorch#54499", []string{"kernel-overflow-output-size"},
			lawNonsense, "dilation times kernel is computed in 32 bits and wraps around", nil,
			func(m *pool[T]) {
				m.limits = without(without(without(m.limits, "taps"), "span"), "Pad limit")
				wrap := func(kernel, dilation int) (int, int) {
					if product(kernel, dilation) >= 0 && product(kernel, dilation) <= math.MaxInt32 {
						return kernel, dilation
					}
					return max(1, int(int32(dilation*(kernel-1)))+1), 1
				}
				narrow := func(p pool2d.Params) pool2d.Params {
					p.Kernel.H, p.Dilation.H = wrap(p.Kernel.H, p.Dilation.H)
					p.Kernel.W, p.Dilation.W = wrap(p.Kernel.W, p.Dilation.W)
					return p
				}
				m.forShape, m.forTaps, m.forDivisor = narrow, narrow, narrow
			}},
	}
}
