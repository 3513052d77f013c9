package mutants

import (
	"math"

	"example.com/pool2d"
)

// greater is the comparison that drops NaN.
func greater[T pool2d.Elem](v, best T) bool { return v > best }

// number converts a constant that need not be in T's range at compile time; the mutants that use it are of float types.
func number[T pool2d.Elem](v float64) T { return T(v) }

func isInt8[T pool2d.Elem]() bool    { _, ok := any(T(0)).(int8); return ok }
func isFloat64[T pool2d.Elem]() bool { _, ok := any(T(0)).(float64); return ok }
func isInt[T pool2d.Elem]() bool     { return !isFloat[T]() }

// coarse rounds v to bfloat16, the upper half of a float32.
func coarse(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	return float64(math.Float32frombits((math.Float32bits(float32(v)) + 0x7fff) &^ 0xffff))
}

// maxima are the mutants that take the wrong value for the maximum of the right cells.
func maxima[T pool2d.Elem]() []entry[T] {
	return []entry[T]{
		{"padding-is-zero", "MXNet, flax, SystemML, tt-metal", "apache/mxnet#2753", []string{"maxpool-zero-padding", "onednn-negative-input-padding-dispute", "docs-say-zero-padding", "int8-maxpool-pad"},
			lawMembership, "padding takes part in the maximum with the value 0", nil,
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if w.padded() && best < 0 {
						best = 0
					}
					return best, at
				}
			}},
		{"padding-is-least-of-unsigned", "TVM, onnx2tf", "apache/tvm#11597", []string{"uint-min-pad"},
			lawMembership, "a signed type is padded with the least value of the unsigned one", isInt8[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if w.padded() {
						best = max(best, 0)
					}
					return best, at
				}
			}},
		{"starts-from-zero", "wonnx, Darknet ports", "webonnx/wonnx#76", []string{"init-zero"},
			lawMembership, "the maximum starts from 0", nil,
			func(m *pool[T]) { m.maximum = m.maxFrom(0) }},
		{"starts-from-smallest-positive", "oneDNN RISC-V, ONNX Runtime", "uxlfoundation/oneDNN#1677", []string{"init-flt-min"},
			lawMembership, "the maximum starts from the smallest positive number (C's FLT_MIN, Go's SmallestNonzeroFloat32)", isFloat[T],
			func(m *pool[T]) { m.maximum = m.maxFrom(number[T](math.SmallestNonzeroFloat32)) }},
		{"starts-from-minus-100000", "ONNX Runtime Web", "microsoft/onnxruntime#18656", []string{"init-minus-1e5"},
			lawMembership, "the maximum starts from -100000", isFloat[T],
			func(m *pool[T]) { m.maximum = m.maxFrom(number[T](-1e5)) }},
		{"starts-from-lowest-finite", "ExecuTorch WebGPU, gorgonia", "pytorch/executorch#20861", []string{"init-minus-3.4e38"},
			lawMembership, "the maximum starts from the lowest finite number", isFloat[T],
			func(m *pool[T]) { m.maximum = m.maxFrom(number[T](-math.MaxFloat32)) }},
		{"all-nan-gives-lowest", "OpenVINO, PyTorch CUDA, oneDNN", "openvinotoolkit/openvino#35935", []string{"all-nan-gives-flt-lowest", "gorgonia-cudnn-notpropagatenan"},
			lawNaN, "NaN never wins, and a window of NaN is the lowest finite number", isFloat[T],
			func(m *pool[T]) {
				m.better = greater[T]
				m.maximum = m.maxFrom(number[T](-math.MaxFloat32))
			}},
		{"nan-dropped", "burn-flex, PyTorch before 0.4.1, Theano, TensorFlow 1", "tracel-ai/burn#5662", []string{"nan-dropped-by-gt", "nan-mps-max"},
			lawNaN, "NaN is not greater than anything, so it never wins", isFloat[T],
			func(m *pool[T]) { m.better = greater[T]; m.maximum = m.maxFrom(least[T]()) }},
		{"nan-only-if-first", "PyTorch before 0.4.1", "pytorch/pytorch#7645", []string{"nan-dropped-by-gt"},
			lawNaN, "NaN wins only where it is the first tap", isFloat[T],
			func(m *pool[T]) { m.better = greater[T] }},
		{"nan-only-if-last", "ONNX Runtime", "named case nan-second", nil,
			lawNaN, "NaN wins a comparison and loses the next", isFloat[T],
			func(m *pool[T]) { m.better = func(v, best T) bool { return !(v <= best) } }},
		{"nan-gives-zero", "PlaidML", "plaidml/plaidml#313", []string{"plaidml-nan"},
			lawNaN, "a window with NaN is 0", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if isNaN(best) {
						best = 0
					}
					return best, at
				}
			}},
		{"nan-lost-when-indices-are-asked", "ONNX Runtime", "named case nan-second", nil,
			lawSameValues, "NaN propagates in the forward pass but not where indices are returned", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					m := *m
					if w.call.indices != nil {
						m.better = greater[T]
					}
					return m.maxOf(w)
				}
			}},
		{"nan-by-lane", "TensorFlow (Eigen)", "tensorflow/tensorflow#125965", []string{"nan-depends-on-simd-lane"},
			lawNaN, "vector lanes propagate NaN, the scalar tail drops it", isFloat[T],
			func(m *pool[T]) {
				r := newRow(m)
				r.tail = greater[T]
				m.paths = []path[T]{r.path()}
			}},
		{"nan-by-channel", "TensorFlow (Eigen)", "tensorflow/tensorflow#125965", []string{"nan-depends-on-simd-lane"},
			lawChannels, "channels of a block of 4 propagate NaN, the others drop it", isFloat[T],
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				m.maximum = func(w *window[T]) (T, int) {
					m := *m
					if c := w.call.src.C; w.out.C >= c/4*4 {
						m.better = greater[T]
					}
					return m.maxOf(w)
				}
			}},
		{"infinity-saturates", "oneDNN", "named case minus-infinity-everywhere", nil,
			lawMembership, "infinities become the largest finite number", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if math.IsInf(float64(best), 0) && at >= 0 {
						best = number[T](math.Copysign(math.MaxFloat32, float64(best)))
					}
					return best, at
				}
			}},
		{"maximum-rounded", "Chainer", "chainer/chainer#7922", []string{"float64-degraded"},
			lawMembership, "the maximum goes through a narrower type", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if isFloat64[T]() {
						return T(float32(best)), at
					}
					return T(coarse(float64(best))), at
				}
			}},
		{"subnormals-flushed", "PyTorch set_flush_denormal", "measured: max of 1e-45 and -1 is 0", nil,
			lawMembership, "subnormal maxima become 0", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if v := math.Abs(float64(best)); v < 0x1p-126 {
						best = 0
					}
					return best, at
				}
			}},
		{"empty-window-is-zero", "TFLite, NNlib", "their sources", nil,
			lawReference, "the maximum of a window without a real tap is 0", isFloat[T],
			func(m *pool[T]) { m.empty = 0 }},
	}
}
