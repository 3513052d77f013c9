package mutants

import (
	"runtime"
	"sync"

	"example.com/pool2d"
)

// states are the mutants whose answer depends on more than the call: on earlier calls, on calls at the same time, on
// the number of processors. What they share is locked, so that it is wrong in the same way under the race detector.
func states[T pool2d.Elem]() []entry[T] {
	// cached keeps the parameters of the first call of each key.
	cached := func(m *pool[T], forget func(p pool2d.Params) pool2d.Params) {
		var mu sync.Mutex
		seen := map[pool2d.Params]pool2d.Params{}
		right := m.defaults
		m.defaults = func(p pool2d.Params) pool2d.Params {
			mu.Lock()
			defer mu.Unlock()
			p = right(p)
			if _, ok := seen[forget(p)]; !ok {
				seen[forget(p)] = p
			}
			return seen[forget(p)]
		}
	}
	return []entry[T]{
		{"cache-without-divisor", "PyTorch MPS", "pytorch/pytorch#94348", []string{"divisor-cache-key"},
			lawSequence, "compiled poolings are kept under a key that lacks the divisor", nil,
			func(m *pool[T]) {
				cached(m, func(p pool2d.Params) pool2d.Params { p.Divisor = 0; return p })
			}},
		{"cache-without-trailing-pads", "gorgonia", "gorgonia/gorgonia@d7a3ce27 op_nn.go WriteHash", []string{"op-hash-misses-params"},
			lawSequence, "equal operations are merged by a hash that lacks the trailing pads", nil,
			func(m *pool[T]) {
				cached(m, func(p pool2d.Params) pool2d.Params { p.Pad.Bottom, p.Pad.Right = 0, 0; return p })
			}},
		{"cache-without-op", "oneDNN", "twin of uxlfoundation/oneDNN#1727, whose key lacked the layout", []string{"bwd-equal-input-kernel-cache"},
			lawSequence, "primitives are kept under a key that lacks the operation and its options", nil,
			func(m *pool[T]) {
				cached(m, func(p pool2d.Params) pool2d.Params {
					p.Op, p.CountPad, p.Divisor, p.Ceil = pool2d.Max, false, 0, false
					return p
				})
			}},
		{"setup-of-last-call", "derived", "twin of pytorch/pytorch#94348, which keeps one setup", nil,
			lawSequence, "the setup of the last call is used again for the same plane and parameters, and the divisor is not compared", nil,
			func(m *pool[T]) {
				type setup struct {
					in pool2d.Shape
					p  pool2d.Params
				}
				var mu sync.Mutex
				var last setup
				m.touch = func(c *call[T]) {
					mu.Lock()
					defer mu.Unlock()
					now := setup{c.src.Shape, c.params}
					if now.p.Divisor = last.p.Divisor; now == last {
						c.params = last.p
						return
					}
					last = setup{c.src.Shape, c.params}
				}
				m.lacks = pool2d.Concurrency // so that only the order of calls matters
			}},
		{"plan-of-first-plane", "derived", "a cache of plans by parameters", nil,
			lawSequence, "the windows of a plane are those of the first plane seen with these parameters", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				seen := map[pool2d.Params]pool2d.Shape{}
				m.bounds = func(in pool2d.Shape) pool2d.Shape { return in }
				m.touch = func(c *call[T]) {
					mu.Lock()
					defer mu.Unlock()
					if _, ok := seen[c.params]; !ok {
						seen[c.params] = c.src.Shape
					}
					h, w := axes(seen[c.params], m.forTaps(c.params))
					h.extent, w.extent = min(h.extent, c.src.H), min(w.extent, c.src.W)
					c.rows, c.cols = m.sides(h, c.dst.H), m.sides(w, c.dst.W)
				}
			}},
		{"buffer-of-first-call", "gorgonia", "gorgonia/gorgonia@d7a3ce27 maxPoolOp.mask", []string{"op-carries-mask-state"},
			lawSequence, "a buffer has the size of the first call", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				size := -1
				right := m.result
				m.result = func(c *call[T], n int) []T {
					mu.Lock()
					defer mu.Unlock()
					if size < 0 {
						size = n
					}
					return right(c, max(n, size))[:size:size][:n]
				}
			}},
		{"result-reused", "gorgonia", "gorgonia/gorgonia@d7a3ce27 maxPoolOp.mask", []string{"op-carries-mask-state"},
			lawRepeatable, "every call returns the same memory", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				var buffer []T
				m.lacks = pool2d.Concurrency // declared, so that only the reuse is wrong
				m.result = func(_ *call[T], n int) []T {
					mu.Lock()
					defer mu.Unlock()
					if len(buffer) < n {
						buffer = make([]T, n)
					}
					return buffer[:n:n]
				}
			}},
		{"average-after-maximum", "tt-metal", "tenstorrent/tt-metal#31238", []string{"nd-tt-metal"},
			lawSequence, "an average after a maximum starts from what the maximum left behind", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				var left, previous T
				m.touch = func(c *call[T]) {
					mu.Lock()
					defer mu.Unlock()
					if previous, left = left, 0; c.params.Op == pool2d.Max && len(c.src.Data) > 0 {
						left = c.src.Data[0]
					}
				}
				right := m.sum
				m.sum = func(w *window[T]) float64 {
					mu.Lock()
					defer mu.Unlock()
					if (w.out == pool2d.Cell{}) {
						return right(w) + float64(previous)
					}
					return right(w)
				}
				m.lacks = pool2d.Concurrency // so that only the order of calls matters
			}},
		{"divisor-of-last-call", "derived", "an option kept in the operation", nil,
			lawSequence, "an option stays set until it is set again", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				divisor := 0
				right := m.defaults
				m.defaults = func(p pool2d.Params) pool2d.Params {
					mu.Lock()
					defer mu.Unlock()
					if p = right(p); p.Op == pool2d.Avg && p.Divisor == 0 {
						p.Divisor = divisor
					}
					if p.Divisor != 0 {
						divisor = p.Divisor
					}
					return p
				}
			}},
		{"scratch-shared", "Intel Caffe", "intel/caffe#37", []string{"thread-count-dependent", "op-carries-mask-state"},
			lawConcurrent, "calls at the same time share the window's values", nil,
			func(m *pool[T]) {
				var mu sync.Mutex
				var scratch []T
				right := m.write
				m.write = func(c *call[T], w *window[T], value T) {
					mu.Lock()
					scratch = append(scratch[:0], value)
					mu.Unlock()
					runtime.Gosched()
					mu.Lock()
					value = scratch[0]
					mu.Unlock()
					right(c, w, value)
				}
			}},
		{"sum-split-by-processors", "Intel Caffe", "intel/caffe#37", []string{"thread-count-dependent"},
			lawProcs, "a sum is split into as many parts as there are processors", isFloat[T],
			func(m *pool[T]) {
				m.sum = func(w *window[T]) float64 {
					parts := make([]T, maxProcs())
					for i, v := range w.values {
						parts[i%len(parts)] += v
					}
					var sum T
					for _, part := range parts {
						sum += part
					}
					return float64(sum)
				}
			}},
		{"planes-split-by-processors", "Intel Caffe", "intel/caffe#37", []string{"thread-count-dependent", "grid-limit-drop"},
			lawProcs, "each processor does an equal chunk of the planes, and those left over are not done", nil,
			func(m *pool[T]) {
				m.each = parallel(maxProcs, func(planes, workers int) int { return planes / workers })
			}},
		{"sum-order-alternates", "PyTorch XPU, CNTK", "intel/torch-xpu-ops#619", []string{"bwd-race-atomic", "nd-tt-metal"},
			lawRepeatable, "the order of a sum differs from call to call: two forward, two backward", isFloat[T],
			func(m *pool[T]) {
				var mu sync.Mutex
				calls := 0
				m.touch = func(*call[T]) {
					mu.Lock()
					defer mu.Unlock()
					calls++
				}
				m.sum = func(w *window[T]) float64 {
					mu.Lock()
					backward := calls&2 != 0
					mu.Unlock()
					var sum T
					for i := range w.values {
						if backward {
							i = len(w.values) - 1 - i
						}
						sum += w.values[i]
					}
					return float64(sum)
				}
			}},
		{"gradient-not-zeroed", "ExecuTorch", "pytorch/executorch#21686", []string{"bwd-grad-not-zeroed"},
			lawGradFresh, "a gradient is added to what the buffer held", isFloat[T],
			func(m *pool[T]) {
				var mu sync.Mutex
				kept := map[int][]T{}
				m.blank = func(n int) []T {
					mu.Lock()
					defer mu.Unlock()
					dx := append([]T(nil), kept[n]...)
					if dx == nil {
						dx = make([]T, n)
					}
					kept[n] = dx
					return dx
				}
				m.lacks = pool2d.Concurrency
			}},
		{"gradient-of-last-forward", "gorgonia", "gorgonia/gorgonia@d7a3ce27 maxPoolOp.mask", []string{"op-carries-mask-state"},
			lawGradFresh, "the gradient of a maximum uses the positions of the last forward call, if there are as many", isFloat[T],
			func(m *pool[T]) {
				var mu sync.Mutex
				mask := map[pool2d.Cell]pool2d.Cell{}
				m.lacks = pool2d.Concurrency
				write, spread := m.write, m.spread
				m.write = func(c *call[T], w *window[T], value T) {
					if _, at := m.maxOf(w); c.params.Op == pool2d.Max && at >= 0 {
						mu.Lock()
						mask[w.out] = w.cells[at]
						mu.Unlock()
					}
					write(c, w, value)
				}
				m.spread = func(w *window[T], dx []T, g T) {
					mu.Lock()
					cell, ok := mask[w.out]
					mu.Unlock()
					if ok && w.call.params.Op == pool2d.Max && cell.H < w.call.src.H && cell.W < w.call.src.W {
						m.scatter(dx, w.call.src.Offset(cell), g)
						return
					}
					spread(w, dx, g)
				}
			}},
	}
}
