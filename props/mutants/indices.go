package mutants

import (
	"slices"

	"example.com/pool2d"
)

// indices are the mutants whose maxima are right and whose positions are wrong.
func indices[T pool2d.Elem]() []entry[T] {
	// real numbers a tap that exists; a window without one keeps its -1.
	real := func(m *pool[T], number func(w *window[T], at int) int) {
		m.index = func(w *window[T], at int) int64 {
			if at < 0 {
				return -1
			}
			return int64(number(w, at))
		}
	}
	return []entry[T]{
		{"index-in-padded-plane", "TensorFlow, torch-mlir", "tensorflow/tensorflow#10216", []string{"index-padded-coordinates"},
			lawInWindow, "indices count in the padded plane", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int {
					p, cell := w.call.params.Pad, w.cells[at]
					return (cell.H+p.Top)*(w.call.src.W+p.Left+p.Right) + cell.W + p.Left
				})
			}},
		{"index-in-window", "oneDNN", "its workspace", nil,
			lawInWindow, "indices count in the window", nil,
			func(m *pool[T]) { real(m, func(w *window[T], at int) int { return at }) }},
		{"index-transposed", "OpenVINO, ONNX storage_order", "openvinotoolkit/openvino#33833", []string{"index-storage-order"},
			lawInWindow, "indices count column by column", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int { return w.cells[at].W*w.call.src.H + w.cells[at].H })
			}},
		{"index-decoded-transposed", "PyTorch Inductor", "pytorch/pytorch#197596", []string{"index-transposed"},
			lawInWindow, "the tap is encoded column by column and decoded row by row", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int {
					h, v := len(w.rows.cells), len(w.cols.cells)
					code := at%v*h + at/v
					return w.rows.cells[code/v]*w.call.src.W + w.cols.cells[code%v]
				})
			}},
		{"index-over-all-planes", "ONNX, tract, PyTorch export", "sonos/tract#2860", []string{"index-per-plane-vs-global"},
			lawInWindow, "indices count through the whole tensor", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int {
					s, cell := w.call.src, w.cells[at]
					return ((cell.N*s.C+cell.C)*s.H+cell.H)*s.W + cell.W
				})
			}},
		{"index-over-batch", "TensorFlow CPU", "tensorflow/tensorflow#22025", []string{"index-batch-cpu-gpu"},
			lawInWindow, "indices go on from one batch item to the next", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int {
					s, cell := w.call.src, w.cells[at]
					return (cell.N*s.H+cell.H)*s.W + cell.W
				})
			}},
		{"index-counts-channels", "TensorFlow", "max_pool_with_argmax", nil,
			lawInWindow, "indices of an NHWC tensor count its channels too", nil,
			func(m *pool[T]) {
				m.layout = pool2d.NHWC
				real(m, func(w *window[T], at int) int {
					return (w.cells[at].H*w.call.src.W+w.cells[at].W)*w.call.src.C + w.cells[at].C
				})
			}},
		{"index-by-value", "torch-mlir", "llvm/torch-mlir#518", []string{"index-by-value-search"},
			lawInWindow, "the index is that of the first cell of the plane with the value", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], at int) int {
					x, cell := w.call.src, w.cells[at]
					plane := x.Data[x.Offset(pool2d.Cell{N: cell.N, C: cell.C}):][:x.H*x.W]
					if first := slices.Index(plane, w.values[at]); first >= 0 {
						return first
					}
					return cell.H*x.W + cell.W // NaN is not found
				})
			}},
		{"index-left-at-minus-one", "PyTorch (THNN), TileOPs", "pytorch/pytorch#1465", []string{"minus-inf-window-index-minus-1", "tileops-inf-index"},
			lawInWindow, "nothing beats the sentinel -Inf, so a window of -Inf has no index", nil,
			func(m *pool[T]) { m.maximum = m.maxFrom(least[T]()) }},
		{"index-left-at-zero", "PyTorch (THNN)", "pytorch/pytorch#40131", []string{"minus-inf-window-index-minus-1"},
			lawInWindow, "nothing beats the sentinel -Inf, so a window of -Inf has the plane's first index", nil,
			func(m *pool[T]) {
				m.maximum = m.maxFrom(least[T]())
				right := m.index
				m.index = func(w *window[T], at int) int64 {
					if len(w.cells) == 0 {
						return -1
					}
					return max(0, right(w, at))
				}
			}},
		{"empty-window-has-index", "PyTorch", "named case no-real-tap", nil,
			lawInWindow, "a window without a real tap has the index 0", nil,
			func(m *pool[T]) {
				right := m.index
				m.index = func(w *window[T], at int) int64 { return max(0, right(w, at)) }
			}},
		{"tie-last", "PyTorch max, Theano, TensorFlow", "pytorch/pytorch#37921", []string{"tie-last-vs-first"},
			lawOrder, "of equal taps the last wins", nil,
			func(m *pool[T]) { m.better = func(v, best T) bool { return v >= best || isNaN(v) } }},
		{"tie-by-column", "derived", "a window walked column by column", nil,
			lawOrder, "of equal taps the first in column-major order wins", nil,
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.empty, -1
					for x := range w.cols.cells {
						for y := range w.rows.cells {
							if i := y*len(w.cols.cells) + x; at < 0 || m.better(w.values[i], best) {
								best, at = w.values[i], i
							}
						}
					}
					return best, at
				}
			}},
		{"index-of-last-tie", "derived", "twin of pytorch/pytorch#37921, where indices are a path of their own", nil,
			lawOrder, "of equal taps the last has the index, and the first the gradient", nil,
			func(m *pool[T]) {
				right := m.maximum
				m.maximum = func(w *window[T]) (T, int) {
					best, at := right(w)
					for i, v := range w.values {
						if v == best && w.call.indices != nil {
							at = i
						}
					}
					return best, at
				}
			}},
		{"nan-index-first", "derived", "named case nan-twice", nil,
			lawOrder, "of several NaNs the first has the index", isFloat[T],
			func(m *pool[T]) {
				m.better = func(v, best T) bool { return v > best || isNaN(v) && !isNaN(best) }
			}},
		{"zeros-ordered", "TileOPs", "tile-ai/TileOPs#2082", []string{"signed-zero"},
			lawOrder, "+0 is greater than -0, which moves the index", isFloat[T],
			func(m *pool[T]) {
				m.better = func(v, best T) bool {
					return v > best || isNaN(v) || v == 0 && best == 0 && !negative(v) && negative(best)
				}
			}},
		{"index-of-window-start", "derived", "the window's corner for its maximum", nil,
			lawInWindow, "the index is that of the window's first cell", nil,
			func(m *pool[T]) {
				real(m, func(w *window[T], _ int) int { return w.cells[0].H*w.call.src.W + w.cells[0].W })
			}},
	}
}
