package mutants

import (
	"unsafe"

	"example.com/pool2d"
)

func magnitude(v int) int { return max(v, -v) }

// doors are the mutants that accept what they must refuse, refuse what they must accept, or take what is not theirs.
func doors[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"negative-stride-accepted", "PyTorch, MLX", "pytorch/pytorch#145077", []string{"negative-params"},
			lawNonsense, "the sign of a stride is ignored", nil,
			func(m *pool[T]) {
				m.limits = without(m.limits, "Stride")
				m.defaults = func(p pool2d.Params) pool2d.Params {
					p.Stride = pool2d.HW{H: magnitude(p.Stride.H), W: magnitude(p.Stride.W)}
					return p.Normalized()
				}
			}},
		{"negative-pad-accepted", "MLX", "ml-explore/mlx#4101", []string{"negative-params"},
			lawNonsense, "a negative pad crops the plane", nil,
			func(m *pool[T]) { m.limits = without(m.limits, "Pad") }},
		{"negative-dilation-accepted", "MLX", "ml-explore/mlx#4101", []string{"negative-params"},
			lawNonsense, "the sign of a dilation is ignored", nil,
			func(m *pool[T]) {
				m.limits = without(without(m.limits, "Dilation"), "span")
				m.defaults = func(p pool2d.Params) pool2d.Params {
					p.Dilation = pool2d.HW{H: magnitude(p.Dilation.H), W: magnitude(p.Dilation.W)}
					return p.Normalized()
				}
			}},
		{"zero-kernel-accepted", "ONNX Runtime", "measured: kernel 0 of an image of 3 by 3", nil,
			lawNonsense, "a kernel of 0 is 1", nil,
			func(m *pool[T]) {
				m.limits = without(without(m.limits, "Kernel"), "span")
				m.defaults = func(p pool2d.Params) pool2d.Params {
					p.Kernel = pool2d.HW{H: max(p.Kernel.H, 1), W: max(p.Kernel.W, 1)}
					return p.Normalized()
				}
			}},
		{"negative-divisor-accepted", "PyTorch", "named case negative-divisor", nil,
			lawLimits, "a negative divisor divides", nil,
			func(m *pool[T]) { m.limits = without(m.limits, "Divisor") }},
		{"refuses-by-panic", "PyTorch mkldnn", "measured: stride 0 ends the process with a signal", nil,
			lawNonsense, "a bad stride is not refused but divided by", nil,
			func(m *pool[T]) {
				right := m.limits
				m.limits = append([]limit{{"Stride", func(_ pool2d.Shape, p pool2d.Params) bool {
					if p.Stride.H < 0 || p.Stride.W < 0 {
						panic("integer divide by zero")
					}
					return false
				}}}, right...)
			}},
		{"zero-stride-divides", "Paddle, MLX, PyTorch MPS", "PaddlePaddle/Paddle#49919", []string{"stride-zero-div"},
			lawAnswers, "a zero stride is not given its default, and divides", nil,
			func(m *pool[T]) {
				m.defaults = func(p pool2d.Params) pool2d.Params {
					full := p.Normalized()
					full.Stride = p.Stride
					return full
				}
			}},
		{"unknown-op-accepted", "derived", "a switch without a default", nil,
			lawLimits, "an operation that does not exist is taken for a maximum", nil,
			func(m *pool[T]) { m.limits = without(m.limits, "Op") }},
		{"empty-channels-accepted", "ONNX reference evaluator", "named case no-channels", nil,
			lawNonsense, "a tensor without channels gives a result without channels", nil,
			func(m *pool[T]) {
				m.limits = without(m.limits, "C")
				right := m.valid
				m.valid = func(src pool2d.Tensor[T]) error {
					if src.C == 0 && len(src.Data) == 0 {
						return nil
					}
					return right(src)
				}
			}},
		{"empty-plane-accepted", "ONNX reference evaluator", "measured: H = 0 with padding 1", nil,
			lawNonsense, "a plane without rows is padded and pooled", nil,
			func(m *pool[T]) {
				m.limits = without(without(m.limits, "H"), "output")
				right := m.valid
				m.valid = func(src pool2d.Tensor[T]) error {
					if src.H == 0 && len(src.Data) == 0 {
						return nil
					}
					return right(src)
				}
			}},
		{"short-data-accepted", "derived", "<= for <", nil,
			lawNonsense, "data one cell short is accepted", nil,
			func(m *pool[T]) {
				right := m.valid
				m.valid = func(src pool2d.Tensor[T]) error {
					if cells, err := src.Cells(); err == nil && len(src.Data) == cells-1 {
						return nil
					}
					return right(src)
				}
			}},
		{"long-data-accepted", "derived", "a check of one side", nil,
			lawNonsense, "data longer than the shape is accepted", nil,
			func(m *pool[T]) {
				right := m.valid
				m.valid = func(src pool2d.Tensor[T]) error {
					if cells, err := src.Cells(); err == nil && len(src.Data) > cells {
						return nil
					}
					return right(src)
				}
			}},
		{"empty-batch-panics", "PyTorch", "pytorch/pytorch#12013", nil,
			lawAnswers, "an empty batch has no first cell", nil,
			func(m *pool[T]) { m.touch = func(c *call[T]) { _ = c.src.Data[0] } }},
		{"empty-batch-refused", "PyTorch", "pytorch/pytorch#62088", nil,
			lawAnswers, "an empty batch is refused", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"N", func(in pool2d.Shape, _ pool2d.Params) bool { return in.N == 0 }})
			}},
		{"gaps-refused", "derived", "a rule that few frameworks have", nil,
			lawAnswers, "a stride larger than the window is refused", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"Stride", func(_ pool2d.Shape, p pool2d.Params) bool {
					return p.Stride.H > p.Kernel.H || p.Stride.W > p.Kernel.W
				}})
			}},
		{"window-end-in-32-bits", "PyTorch", "pytorch/pytorch#54499", []string{"kernel-overflow-output-size"},
			lawWindows, "the end of a window, start + kernel * dilation, is computed in 32 bits", nil,
			func(m *pool[T]) {
				right := m.end
				m.end = func(a axis, start int) int {
					if int32(start+a.kernel*a.dilation) < int32(start) {
						return 0
					}
					return right(a, start)
				}
			}},
		{"buffer-unmeasured", "derived", "a check left out", nil,
			lawNonsense, "a caller's buffer of any length is written to", nil,
			func(m *pool[T]) {
				m.into = true
				m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool { return !overlap(dst.Data, c.src.Data) }
			}},
		{"buffer-by-length", "derived", "a check of the length only", nil,
			lawNonsense, "a caller's buffer of the right length is accepted, whatever its shape", nil,
			func(m *pool[T]) {
				m.into = true
				m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool {
					cells, err := c.dst.Cells()
					return err == nil && len(dst.Data) == cells && !overlap(dst.Data, c.src.Data)
				}
			}},
		{"buffer-overlaps", "derived", "a check left out", nil,
			lawLimits, "a caller's buffer that overlaps the source is accepted", nil,
			func(m *pool[T]) {
				m.into = true
				m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool { return m.suits(c, dst) }
			}},
		{"buffer-added-to", "ExecuTorch", "pytorch/executorch#21878", []string{"bwd-grad-not-zeroed"},
			lawWritten, "an average is added to what the caller's buffer held", nil,
			func(m *pool[T]) {
				m.into = true
				right := m.write
				m.write = func(c *call[T], w *window[T], value T) {
					if c.params.Op == pool2d.Avg && c.indices == nil {
						value += c.dst.Data[c.dst.Offset(w.out)]
					}
					right(c, w, value)
				}
			}},
		{"block-stored-past-end", "derived", "the store of a whole vector where one lane is valid", nil,
			lawInside, "each output is stored as 4 lanes: the next outputs are written over 3 of them, and nothing over those behind the last", nil,
			func(m *pool[T]) {
				m.into = true
				right := m.write
				m.write = func(c *call[T], w *window[T], value T) {
					right(c, w, value)
					if c.indices != nil {
						return // a buffer of its own, with room
					}
					for lane := range 4 {
						unsafe.Slice(&c.dst.Data[c.dst.Offset(w.out)], 4)[lane] = value
					}
				}
			}},
		{"gradient-unmeasured", "derived", "a check left out", nil,
			lawNonsense, "a gradient of another shape is accepted, if it has the cells", isFloat[T],
			func(m *pool[T]) {
				right := m.suits
				m.suits = func(c *call[T], x pool2d.Tensor[T]) bool {
					cells, _ := c.dst.Cells()
					return right(c, x) || len(x.Data) >= cells
				}
			}},
		{"average-has-indices", "derived", "a check left out", nil,
			lawLimits, "indices of an average are answered", nil,
			func(m *pool[T]) { m.anyIndex = true }},
		{"source-written", "derived", "a canonical zero made in place", nil,
			lawSource, "-0 becomes +0 in the source", isFloat[T],
			func(m *pool[T]) {
				m.touch = func(c *call[T]) {
					for i, v := range c.src.Data {
						if v == 0 {
							c.src.Data[i] = 0
						}
					}
				}
			}},
		{"source-returned", "derived", "a copy saved", nil,
			lawSource, "a window of one cell at stride 1 returns its source", nil,
			func(m *pool[T]) {
				right := m.result
				m.result = func(c *call[T], n int) []T {
					if c.params.Kernel == (pool2d.HW{H: 1, W: 1}) && c.dst.Shape == c.src.Shape && c.params.Divisor < 2 {
						return c.src.Data
					}
					return right(c, n)
				}
			}},
		{"answers-with-nothing", "derived", "an error swallowed", nil,
			lawNonsense, "a refused call returns an empty result and no error", nil,
			func(m *pool[T]) { m.refuse = func(error) error { return nil } }},
		{"many-planes-refused", "derived", "the limit of a grid as an error", nil,
			lawAnswers, "more than 32 planes are refused", nil,
			func(m *pool[T]) {
				m.limits = append(m.limits, limit{"N", func(in pool2d.Shape, _ pool2d.Params) bool { return product(max(in.N, 0), max(in.C, 0)) > 32 }})
			}},
	}
}
