package mutants

import "example.com/pool2d"

// gradients are the mutants whose forward pass is right.
func gradients[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"gradient-assigned", "NNlib, Flux, tangermeme, OCANNL", "FluxML/NNlib.jl#205", []string{"bwd-overlap-assign"},
			lawGradMax, "where windows overlap, a gradient is assigned instead of added", isFloat[T],
			func(m *pool[T]) { m.scatter = func(dx []T, i int, g T) { dx[i] = g } }},
		{"gradient-to-all-ties", "Theano", "Theano/Theano#5248", []string{"bwd-all-ties"},
			lawGradSum, "every tap equal to the maximum receives the gradient", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					if w.call.params.Op == pool2d.Avg {
						right(w, dx, g)
						return
					}
					best, _ := m.maximum(w)
					for i, v := range w.values {
						if v == best || isNaN(v) {
							m.scatter(dx, w.call.src.Offset(w.cells[i]), g)
						}
					}
				}
			}},
		{"gradient-split-among-ties", "TensorFlow reduce_max", "tensorflow/tensorflow#4886", []string{"bwd-all-ties"},
			lawGradMax, "taps equal to the maximum share the gradient", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					best, at := m.maximum(w)
					if w.call.params.Op == pool2d.Avg || at < 0 || isNaN(best) {
						right(w, dx, g)
						return
					}
					ties := 0
					for _, v := range w.values {
						if v == best {
							ties++
						}
					}
					for i, v := range w.values {
						if v == best {
							m.scatter(dx, w.call.src.Offset(w.cells[i]), g/T(ties))
						}
					}
				}
			}},
		{"gradient-to-last-tie", "derived", "twin of pytorch/pytorch#37921, where the gradient finds the maximum again", nil,
			lawGradMax, "of equal taps the last receives the gradient, and the first has the index", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					if w.call.params.Op == pool2d.Avg {
						right(w, dx, g)
						return
					}
					best, at := m.maximum(w)
					for i, v := range w.values {
						if v == best {
							at = i
						}
					}
					if at >= 0 {
						m.scatter(dx, w.call.src.Offset(w.cells[at]), g)
					}
				}
			}},
		{"gradient-without-pad", "NNlib, MIOpen, libnd4j", "FluxML/NNlib.jl#133", []string{"bwd-padding-wrong"},
			lawGradMax, "the windows of the gradient of a maximum start without the leading pad", isFloat[T],
			func(m *pool[T]) {
				m.forGrad = func(p pool2d.Params) pool2d.Params {
					if p.Op == pool2d.Max {
						p.Pad.Top, p.Pad.Left = 0, 0
					}
					return p
				}
			}},
		{"gradient-without-pad-nhwc", "PyTorch CUDA NHWC", "pytorch/pytorch#188345", []string{"avg-bwd-nhwc-no-pad-offset"},
			lawAdjoint, "for NHWC, the windows of the gradient of an average start without the leading pad", isFloat[T],
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				m.forGrad = func(p pool2d.Params) pool2d.Params {
					if p.Op == pool2d.Avg {
						p.Pad.Top, p.Pad.Left = 0, 0
					}
					return p
				}
			}},
		{"gradient-divisor-overhang", "PyTorch Inductor", "pytorch/pytorch#198119", []string{"avg-bwd-ceil-divisor"},
			lawAdjoint, "the gradient of an average divides what ceil mode cuts by the whole area", isFloat[T],
			func(m *pool[T]) {
				right := m.share
				m.share = func(w *window[T], g T) T {
					if p := w.call.params; p.Ceil && p.Divisor == 0 {
						return g / T(area(w))
					}
					return right(w, g)
				}
			}},
		{"gradient-divisor-ignored", "derived", "an option that the backward pass forgot", nil,
			lawGradAvg, "the gradient of an average ignores Divisor", isFloat[T],
			func(m *pool[T]) {
				m.forGrad = func(p pool2d.Params) pool2d.Params { p.Divisor = 0; return p }
			}},
		{"gradient-skips-zeros", "derived", "what a zero adds to a sum, taken for what its gradient is", nil,
			lawGradAvg, "the gradient of an average leaves out cells that are zero", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					if w.call.params.Op == pool2d.Max {
						right(w, dx, g)
						return
					}
					for i, cell := range w.cells {
						if w.values[i] != 0 {
							m.scatter(dx, w.call.src.Offset(cell), m.share(w, g))
						}
					}
				}
			}},
		{"gradient-to-last-tap", "gorgonia", "gorgonia/gorgonia@d7a3ce27 op_avg_pool.go", []string{"gorgonia-avg-bwd"},
			lawAdjoint, "the gradient of an average goes to the last tap", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					if last := len(w.cells) - 1; w.call.params.Op == pool2d.Avg && last >= 0 {
						m.scatter(dx, w.call.src.Offset(w.cells[last]), m.share(w, g))
						return
					}
					right(w, dx, g)
				}
			}},
		{"gradient-at-minus-one", "gorgonia", "gorgonia/gorgonia@d7a3ce27 op_nn.go maxPoolDiffOp", []string{"gorgonia-max-bwd-minus1", "minus-inf-window-index-minus-1"},
			lawGradMax, "the gradient of a window of -Inf is written to the index -1", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				start := m.maxFrom(least[T]())
				m.spread = func(w *window[T], dx []T, g T) {
					if w.call.params.Op == pool2d.Max && len(w.cells) > 0 {
						_, at := start(w)
						m.scatter(dx, w.call.src.Offset(w.cells[at]), g)
						return
					}
					right(w, dx, g)
				}
			}},
		{"gradient-dilation-height-for-width", "burn (cubecl)", "tracel-ai/burn#4466", []string{"dilation0-twice"},
			lawGradMax, "the gradient uses the dilation of the height for the width", isFloat[T],
			func(m *pool[T]) {
				m.forGrad = func(p pool2d.Params) pool2d.Params { p.Dilation.W = p.Dilation.H; return p }
			}},
		{"gradient-updates-lost", "OneFlow, cunn, CNTK", "Oneflow-Inc/oneflow#5614", []string{"bwd-race-atomic"},
			lawGradMax, "two halves of the outputs are added to copies of the gradient, and the later copy wins where both wrote", isFloat[T],
			func(m *pool[T]) {
				right := m.spread
				m.spread = func(w *window[T], dx []T, g T) {
					if w.out.H < (w.call.dst.H+1)/2 {
						right(w, dx, g)
						return
					}
					for _, cell := range w.cells { // what the first half wrote is lost where the second writes
						if cell.H < w.call.rows[(w.call.dst.H-1)/2].start+w.rows.axis.span() {
							dx[w.call.src.Offset(cell)] = 0
						}
					}
					right(w, dx, g)
				}
			}},
		{"gradient-last-plane-missing", "derived", "the mean of the last items forgotten", nil,
			lawGradSum, "the last plane of a batch has no gradient", isFloat[T],
			func(m *pool[T]) {
				m.back = func(planes int, plane func(i int)) { inOrder(max(1, planes-1), plane) }
			}},
	}
}
