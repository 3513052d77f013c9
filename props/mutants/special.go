package mutants

import "example.com/pool2d"

// special are the mutants of special cases: row kernels, windows of one cell, whole planes, blocks, goroutines.
func special[T pool2d.Elem]() []entry[T] {
	// with puts a row kernel in place, after change.
	with := func(m *pool[T], change func(r *row[T])) {
		r := newRow(m)
		change(r)
		m.paths = []path[T]{r.path()}
	}
	return []entry[T]{
		{"3x3s2-last-column", "Anakin (NEON)", "PaddlePaddle/Anakin#210", []string{"neon-3x3s2-last-col"},
			lawWindows, "the kernel for windows of 3 at stride 2 ignores the last tap of a row's last output", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					r.only(3, 2)
					r.taps = func(a axis, out, outs int) int {
						if out == outs-1 {
							return a.kernel - 1
						}
						return a.kernel
					}
				})
			}},
		{"3x3s1-last-row", "Anakin (NEON)", "PaddlePaddle/Anakin#210", []string{"neon-3x3s2-last-col"},
			lawWindows, "the kernel for windows of 3 at stride 1 ignores the last row of the last outputs", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					r.only(3, 1)
					r.rows = func(cells []int, out, outs int) []int {
						if out == outs-1 {
							return cells[:len(cells)-1]
						}
						return cells
					}
				})
			}},
		{"2x2s2-narrow", "Arm Compute Library (NEON)", "ARM-software/ComputeLibrary#924", []string{"neon-small-width"},
			lawWindows, "the kernel for windows of 2 at stride 2 does at least one block of lanes, however narrow the plane", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					r.only(2, 2)
					r.blocks = func(n, lanes int) int { return max(1, n/lanes) }
				})
			}},
		{"lanes-read-block-start", "Darknet (AVX)", "AlexeyAB/darknet#5793", []string{"avx-overlap-lanes"},
			lawWindows, "at stride 1 every lane reads the taps of the block's first window", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					right := r.cell
					r.cell = func(a axis, start, lane, j int) int {
						if a.stride == 1 && j > 0 {
							lane = 0
						}
						return right(a, start, lane, j)
					}
				})
			}},
		{"tail-not-computed", "wonnx", "webonnx/wonnx#75", []string{"wonnx-only-first-outputs"},
			lawWritten, "outputs behind the last whole block of lanes are not written", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) { r.rest = func(n, _, _ int) (from, to int) { return n, n } })
			}},
		{"tail-one-short", "derived", "a loop that ends one early", nil,
			lawWritten, "the last output of a tail is not written", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					r.rest = func(n, blocks, lanes int) (from, to int) { return blocks * lanes, max(blocks*lanes, n-1) }
				})
			}},
		{"stride-unrolled-wrong", "derived", "a constant of the unrolled loop", nil,
			lawWindows, "the kernel for windows of 2 at stride 2 puts its lanes 1 apart", nil,
			func(m *pool[T]) {
				with(m, func(r *row[T]) {
					r.only(2, 2)
					r.cell = func(a axis, start, lane, j int) int { return start + lane + j }
				})
			}},
		{"first-lane-only", "wonnx", "webonnx/wonnx#75", []string{"wonnx-only-first-outputs"},
			lawWritten, "of four neighbouring outputs only the first is written", nil,
			func(m *pool[T]) {
				right := m.write
				m.write = func(c *call[T], w *window[T], value T) {
					if c.dst.Offset(w.out)%4 == 0 {
						right(c, w, value)
					}
				}
			}},
		{"tail-reads-past-end", "XNNPACK", "google/XNNPACK#10199", []string{"xnnpack-tail-overread"},
			lawAnswers, "cells are loaded four at a time, past the end of the tensor too", nil,
			func(m *pool[T]) {
				m.offset = func(c *call[T], cell pool2d.Cell) int {
					at := c.src.Offset(cell)
					_ = c.src.Data[at+3]
					return at
				}
			}},
		{"last-channels-missing", "OpenVINO GPU, tt-metal, oneDNN", "openvinotoolkit/openvino#8527", []string{"feature-not-multiple-16"},
			lawWritten, "planes are done in blocks of 4, and those left over are not", nil,
			func(m *pool[T]) { m.each = inBlocks(4, func(_, blocks int) int { return blocks * 4 }) }},
		{"last-chunk-missing", "PyTorch CUDA NHWC, Theano, Paddle", "pytorch/pytorch#28714", []string{"grid-limit-drop"},
			lawWritten, "two workers do equal chunks of the planes, and the plane left over is not done", nil,
			func(m *pool[T]) {
				m.each = parallel(func() int { return 2 }, func(planes, workers int) int { return planes / workers })
			}},
		{"planes-above-grid-limit", "PyTorch CUDA NHWC", "pytorch/pytorch#28714", []string{"grid-limit-drop"},
			lawWritten, "planes above the limit of the grid are not done (65535 there, 16 here)", nil,
			func(m *pool[T]) {
				m.each = func(planes int, plane func(i int)) { inOrder(min(planes, 16), plane) }
			}},
		{"blocks-overlap", "derived", "a block that starts one plane early", nil,
			lawReference, "the last block of planes is written one plane too early", nil,
			func(m *pool[T]) {
				right := m.write
				m.write = func(c *call[T], w *window[T], value T) {
					to := *w
					if to.out.C >= 4 && to.out.C == c.src.C-1 {
						to.out.C--
					}
					right(c, &to, value)
				}
			}},
		{"1x1-ignores-stride", "tfjs wasm", "tensorflow/tfjs#6969", []string{"1x1-kernel-stride-ignored"},
			lawWindows, "a window of one cell copies, whatever the stride", nil,
			func(m *pool[T]) {
				m.paths = []path[T]{copies[T](func(pool2d.Params) pool2d.HW { return pool2d.HW{H: 1, W: 1} })}
			}},
		{"1x1-stride-transposed", "derived", "a special case of a special case", nil,
			lawImpulse, "a window of one cell copies with the strides of the other axis", nil,
			func(m *pool[T]) {
				m.paths = []path[T]{copies[T](func(p pool2d.Params) pool2d.HW {
					return pool2d.HW{H: min(p.Stride.H, p.Stride.W), W: min(p.Stride.H, p.Stride.W)}
				})}
			}},
		{"global-ignores-divisor", "tt-torch", "tenstorrent/tt-torch#1247", []string{"divisor-override-global-fastpath"},
			lawWindows, "a window as large as the plane takes the mean, whatever the divisor", nil,
			func(m *pool[T]) {
				m.paths = []path[T]{global(unpadded[T], func(w *window[T]) int { return len(w.cells) })}
			}},
		{"global-ignores-padding", "derived", "the condition of a special case", nil,
			lawWindows, "a window as large as the plane sums the plane for every output, whatever the padding", nil,
			func(m *pool[T]) {
				g := global(func(*call[T]) bool { return true }, m.divisor)
				one := g.plane
				g.plane = func(c *call[T], n, ch int) {
					one(c, n, ch)
					first := c.dst.Data[c.dst.Offset(pool2d.Cell{N: n, C: ch})]
					for y := range c.dst.H {
						for x := range c.dst.W {
							c.dst.Data[c.dst.Offset(pool2d.Cell{N: n, C: ch, H: y, W: x})] = first
						}
					}
				}
				m.paths = []path[T]{g}
			}},
		{"3x3-ignores-dilation", "ONNX Runtime CUDA, cuDNN providers", "microsoft/onnxruntime#29631", []string{"dilations-attribute-ignored"},
			lawImpulse, "the kernel for windows of 3 is taken for dilated ones too", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params {
					if (p.Kernel == pool2d.HW{H: 3, W: 3}) {
						p.Dilation = pool2d.HW{H: 1, W: 1}
					}
					return p
				}
			}},
		{"large-kernel-cut", "derived", "a mask of 8 bits for the taps of a row", nil,
			lawWindows, "a window has at most 8 columns", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params { p.Kernel.W = min(p.Kernel.W, 8); return p }
			}},
		{"13x13s1-last-column", "derived", "twin of PaddlePaddle/Anakin#210, in the largest window that has a loop of its own", nil,
			lawWindows, "the kernel for windows of 13 at stride 1 ignores the last column", nil,
			func(m *pool[T]) {
				m.forTaps = func(p pool2d.Params) pool2d.Params {
					if (p.Kernel == pool2d.HW{H: 13, W: 13}) && (p.Stride == pool2d.HW{H: 1, W: 1}) {
						p.Kernel.W--
					}
					return p
				}
			}},
		{"wide-row-in-5-bits", "derived", "a position kept in 5 bits", nil,
			lawReference, "columns are counted modulo 32", nil,
			func(m *pool[T]) {
				m.offset = func(c *call[T], cell pool2d.Cell) int { cell.W %= 32; return c.src.Offset(cell) }
			}},
	}
}
