package mutants

import (
	"math"

	"example.com/pool2d"
)

// area is the number of taps of a whole window.
func area[T pool2d.Elem](w *window[T]) int { return w.rows.axis.kernel * w.cols.axis.kernel }

// hull is the number of cells from the first to the last tap of a side.
func hull(s side) int {
	if len(s.cells) == 0 {
		return 0
	}
	return s.cells[len(s.cells)-1] - s.cells[0] + 1
}

// averages are the mutants that divide by the wrong number or sum in a way that is not legal.
func averages[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"overhang-counted", "ONNX Runtime, tract, Core ML, rten", "microsoft/onnxruntime#16203", []string{"avg-ceil-overhang-counted", "avg-ceil-overhang-tract", "avg-ceil-overhang-coreml", "avg-ceil-overhang-rten"},
			lawImpulse, "with CountPad, what ceil mode hangs over counts in the divisor", nil,
			func(m *pool[T]) { m.counted = func(a axis, _ int) int { return a.kernel } }},
		{"whole-divisor-if-unpadded", "torch-mlir, PyTorch Inductor", "llvm/torch-mlir#4144", []string{"avg-torchmlir-clamp"},
			lawReference, "without padding every window is taken to be whole, although ceil mode cuts the last", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if (w.call.params.Pad == pool2d.Pad{} && w.call.params.Divisor == 0) {
						return area(w)
					}
					return right(w)
				}
			}},
		{"count-pad-inverted", "cunn, Flax, Caffe, ncnn", "torch/cunn#134", []string{"avg-include-pad-inverted"},
			lawImpulse, "padding counts where it should not, and the other way round", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params { p.CountPad = !p.CountPad; return p }
			}},
		{"count-pad-ignored", "cunn", "torch/cunn#134", []string{"avg-both-branches-same", "nnef-loses-flag"},
			lawImpulse, "the divisor is computed after clamping, so padding never counts", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params { p.CountPad = false; return p }
			}},
		{"divisor-fixed", "libnd4j, OpenVINO VPU", "openvinotoolkit/openvino#772", []string{"dl4j-4-over-3", "vpu-exclude-pad-borders"},
			lawImpulse, "every window is divided by its whole area", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if w.call.params.Divisor == 0 {
						return area(w)
					}
					return right(w)
				}
			}},
		{"edges-rescaled-afterwards", "ncnn", "Tencent/ncnn#924", []string{"avg-edge-fixup-first-row-only"},
			lawImpulse, "padding is excluded by rescaling the first and last row and column of the result only", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if p := w.call.params; p.CountPad || p.Divisor != 0 {
						return right(w)
					}
					scale := func(s side, out, outs int) int {
						if out == 0 {
							return s.axis.kernel - (s.axis.lead+s.axis.dilation-1)/s.axis.dilation
						}
						if out == outs-1 {
							return len(s.cells)
						}
						return s.axis.kernel
					}
					return max(1, scale(w.rows, w.out.H, w.call.dst.H)*scale(w.cols, w.out.W, w.call.dst.W))
				}
			}},
		{"divisor-ignored-when-excluding", "ExecuTorch Cadence", "pytorch/executorch#18616", []string{"divisor-override-ignored-exclude"},
			lawImpulse, "Divisor works only together with CountPad", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params {
					if !p.CountPad {
						p.Divisor = 0
					}
					return p
				}
			}},
		{"divisor-spans-gaps", "torch-mlir", "llvm/torch-mlir#4671", []string{"divisor-ignores-dilation"},
			lawImpulse, "the cells between the taps of a dilated window count", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if p := w.call.params; p.CountPad || p.Divisor != 0 {
						return right(w)
					}
					return hull(w.rows) * hull(w.cols)
				}
			}},
		{"counted-per-channel", "rten", "robertknight/rten#139", []string{"count-per-channel"},
			lawChannels, "the taps are counted once for every channel", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if p := w.call.params; p.CountPad || p.Divisor != 0 {
						return right(w)
					}
					return len(w.cells) * w.call.src.C
				}
			}},
		{"divided-by-plane-width", "gorgonia", "gorgonia/gorgonia@d7a3ce27 op_avg_pool.go", []string{"divide-by-input-width"},
			lawImpulse, "sums are divided by the width of the plane", nil,
			func(m *pool[T]) { m.divisor = func(w *window[T]) int { return w.call.src.W } }},
		{"divisors-transposed", "JAX stax", "jax-ml/jax#285", []string{"jax-counts-not-aligned"},
			lawImpulse, "the table of divisors is read with row and column swapped", nil,
			func(m *pool[T]) {
				right := m.divisor
				m.divisor = func(w *window[T]) int {
					if p := w.call.params; p.CountPad || p.Divisor != 0 {
						return right(w)
					}
					c := w.call
					return max(1, len(c.rows[min(w.out.W, len(c.rows)-1)].cells)*len(c.cols[min(w.out.H, len(c.cols)-1)].cells))
				}
			}},
		{"sum-from-mean", "jax2tf", "jax-ml/jax#11874", []string{"jax2tf-avg-times-window"},
			lawImpulse, "a sum is made of the mean of the real taps times the whole area", nil,
			func(m *pool[T]) {
				right := m.sum
				m.sum = func(w *window[T]) float64 {
					if w.call.params.Divisor == 0 {
						return right(w)
					}
					return right(w) / float64(len(w.values)) * float64(area(w))
				}
			}},
		{"edge-replicated", "Keras torch backend", "keras-team/keras#23233", []string{"keras-torch-same-replicate"},
			lawImpulse, "the padding repeats the edge of the plane", nil,
			func(m *pool[T]) {
				m.sum = func(w *window[T]) (sum float64) {
					for i, v := range w.values {
						times := 1
						if w.cells[i].W == 0 && w.cols.start < 0 {
							times++
						}
						sum += float64(v) * float64(times)
					}
					return sum
				}
			}},
		{"count-stops-at-wrong-pad", "ONNX Runtime", "microsoft/onnxruntime#27375", []string{"pad-begin-used-for-end-ort"},
			lawImpulse, "with CountPad, the count of the height ends at the pad of the width", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params { p.Pad.Bottom = p.Pad.Left; return p }
			}},
		{"count-stops-at-leading-pad", "Paddle, OpenVINO, SOFIE", "openvinotoolkit/openvino#38265", []string{"pad-begin-used-for-end-others"},
			lawImpulse, "with CountPad, the count ends at the leading pad's width behind the plane", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params {
					p.Pad.Bottom, p.Pad.Right = p.Pad.Top, p.Pad.Left
					return p
				}
			}},
		{"count-without-trailing-pad", "PyTorch quantized", "pytorch/pytorch#28260", []string{"q-avg-padding-size"},
			lawImpulse, "with CountPad, only the leading pad counts", nil,
			func(m *pool[T]) {
				m.forDivisor = func(p pool2d.Params) pool2d.Params { p.Pad.Bottom, p.Pad.Right = 0, 0; return p }
			}},
		{"partial-sums-rounded", "MIOpen, candle, burn, ncnn", "ROCm/MIOpen#2109", []string{"fp16-accumulator"},
			lawReference, "partial sums are kept in a narrower type", isFloat[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) (sum float64) {
					for _, v := range w.values {
						sum = coarse(sum + float64(v))
					}
					return sum
				}
			}},
		{"sum-in-float32", "Chainer", "chainer/chainer#7922", []string{"float64-degraded"},
			lawReference, "float64 is summed in float32", isFloat64[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) float64 {
					var sum float32
					for _, v := range w.values {
						sum += float32(v)
					}
					return float64(sum)
				}
			}},
		{"running-sum", "derived, TensorFlow GPU", "tensorflow/tensorflow#12293", []string{"integral-image-contamination", "avgpool-nan-large-image"},
			lawLocality, "a row's sums are differences of a running sum", isFloat[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) (sum float64) {
					from, to := w.cols.start, w.cols.start+w.cols.axis.kernel*w.cols.axis.dilation
					for _, row := range w.rows.cells {
						var before, all T
						for x := range min(to, w.call.src.W) {
							if (x-w.cols.start)%w.cols.axis.dilation != 0 {
								continue
							}
							v := w.call.src.Data[w.call.src.Offset(pool2d.Cell{N: w.out.N, C: w.out.C, H: row, W: x})]
							all += v
							if x < from {
								before += v
							}
						}
						sum += float64(all - before)
					}
					return sum
				}
			}},
		{"integral-image", "derived", "summed-area tables", []string{"integral-image-contamination"},
			lawLocality, "sums are differences of an integral image", isFloat[T],
			func(m *pool[T]) {
				taps := m.sum
				m.sum = func(w *window[T]) float64 {
					if (w.rows.axis.dilation > 1 || w.cols.axis.dilation > 1) || len(w.cells) == 0 {
						return taps(w)
					}
					corner := func(h, v int) (sum T) {
						for y := range h {
							for x := range v {
								sum += w.call.src.Data[w.call.src.Offset(pool2d.Cell{N: w.out.N, C: w.out.C, H: y, W: x})]
							}
						}
						return sum
					}
					top, left := w.rows.cells[0], w.cols.cells[0]
					bottom, right := top+len(w.rows.cells), left+len(w.cols.cells)
					return float64(corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left))
				}
			}},
		{"path-by-finiteness", "derived", "a plane scanned for NaN and infinities before its path is chosen", nil,
			lawLocality, "sums are multiplied by the divisor's reciprocal, and divided in a plane with a NaN or an infinity", isFloat[T],
			func(m *pool[T]) {
				multiplied := func(w *window[T]) T { return rowMajor(w) * (1 / T(max(1, m.divisor(w)))) }
				divided := quotientOf(m, rowMajor[T])
				m.paths = []path[T]{{
					fits: func(c *call[T]) bool { return c.params.Op == pool2d.Avg },
					plane: func(c *call[T], n, ch int) {
						average := multiplied
						for i := range c.src.H * c.src.W {
							v := c.src.Data[c.src.Offset(pool2d.Cell{N: n, C: ch, H: i / c.src.W, W: i % c.src.W})]
							if v-v != 0 {
								average = divided
							}
						}
						c.windows(n, ch, func(w *window[T]) { m.write(c, w, average(w)) })
					},
				}}
			}},
		{"nan-skipped", "ONNX reference evaluator", "named case nan-in-average", nil,
			lawReference, "NaN is left out of the average", isFloat[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) (sum float64) {
					for _, v := range w.values {
						if !isNaN(v) {
							sum += float64(v)
						}
					}
					return sum
				}
			}},
		{"infinite-sum-clamped", "TOSA", "derived from its clamps", nil,
			lawReference, "an infinite average becomes the largest finite number", isFloat[T],
			func(m *pool[T]) {
				right := m.mean
				m.mean = func(sum float64, divisor int) T {
					if math.IsInf(sum, 0) {
						return number[T](math.Copysign(math.MaxFloat32, sum))
					}
					return right(sum, divisor)
				}
			}},
		{"empty-window-is-nan", "ONNX Runtime, ONNX", "onnx/onnx#4958", []string{"onnx-spec-ceil-corner"},
			lawReference, "the average of a window without a real tap is 0/0", isFloat[T],
			func(m *pool[T]) {
				m.average = func(w *window[T]) T { return m.mean(m.sum(w), m.divisor(w)) }
				right := m.divisor
				m.divisor = func(w *window[T]) int { // none of the empty window's taps count
					if len(w.values) == 0 {
						return 0
					}
					return right(w)
				}
			}},
		{"quotient-truncated", "TVM, PyTorch", "apache/tvm#12577", []string{"q-rounding-scales"},
			lawReference, "an integer average is rounded to zero", isInt[T],
			func(m *pool[T]) {
				m.mean = func(sum float64, divisor int) T {
					return T(min(max(math.Trunc(sum/float64(divisor)), float64(least[T]())), float64(greatest[T]())))
				}
			}},
		{"half-rounded-up", "TVM", "apache/tvm#12577", []string{"q-rounding-scales"},
			lawReference, "half of an integer is rounded up, also below zero", isInt8[T],
			func(m *pool[T]) {
				m.mean = func(sum float64, divisor int) T {
					return T(min(max(math.Floor(sum/float64(divisor)+0.5), float64(least[T]())), float64(greatest[T]())))
				}
			}},
		{"half-rounded-to-even", "TVM", "apache/tvm#12577", []string{"q-rounding-scales"},
			lawReference, "half of an integer is rounded to the even neighbour", isInt[T],
			func(m *pool[T]) {
				m.mean = func(sum float64, divisor int) T {
					return T(min(max(math.RoundToEven(sum/float64(divisor)), float64(least[T]())), float64(greatest[T]())))
				}
			}},
		{"sum-wraps", "derived", "an accumulator of the element type", nil,
			lawReference, "integers are summed in their own type", isInt[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) float64 {
					var sum T
					for _, v := range w.values {
						sum += v
					}
					return float64(sum)
				}
			}},
		{"quotient-wraps", "derived", "a conversion without saturation", nil,
			lawReference, "an average past the range of the type wraps around", isInt[T],
			func(m *pool[T]) {
				m.mean = func(sum float64, divisor int) T { return T(int64(math.Round(sum / float64(divisor)))) }
			}},
	}
}
