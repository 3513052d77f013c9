package mutants

import (
	"math"
	"sync"

	"example.com/pool2d"
)

// Lawful returns the variants: implementations that do what the contract leaves free in their own way. All must pass
// every law. Those that mutants of special cases are made of are among them, unbroken.
func Lawful[T pool2d.Elem]() []Variant[T] {
	var all []Variant[T]
	for _, e := range lawful[T]() {
		if e.on != nil && !e.on() {
			continue
		}
		all = append(all, Variant[T]{ID: e.id, Title: e.title, New: func() pool2d.Impl[T] {
			m := plain[T]()
			e.change(m)
			return m.impl(e.id)
		}})
	}
	return all
}

// A free is a variant as the table of this file writes it.
type free[T pool2d.Elem] struct {
	id, title string
	on        func() bool // the element types it exists for; nil is all
	change    func(m *pool[T])
}

func lawful[T pool2d.Elem]() []free[T] {
	one := T(1)
	return []free[T]{
		{"plain", "float64 sums, one division: the implementation that every mutant breaks", nil,
			func(m *pool[T]) {}},

		// Sums in other orders and forms.
		{"sum-row-major", "sums in the element type, row by row", isFloat[T],
			func(m *pool[T]) { m.average = quotientOf(m, rowMajor[T]) }},
		{"sum-column-major", "sums in the element type, column by column", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) (sum T) {
					for x := range w.cols.cells {
						for y := range w.rows.cells {
							sum += w.values[y*len(w.cols.cells)+x]
						}
					}
					return sum
				})
			}},
		{"sum-backwards", "sums in the element type, from the last tap", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) (sum T) {
					for i := range w.values {
						sum += w.values[len(w.values)-1-i]
					}
					return sum
				})
			}},
		{"sum-pairwise", "sums by halves", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) T { return pairwise(w.values) })
			}},
		{"sum-compensated", "sums with Kahan's compensation, where they are finite", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) T {
					var sum, lost T
					for _, v := range w.values {
						y := v - lost
						t := sum + y
						lost = (t - sum) - y
						sum = t
					}
					if isNaN(sum) || math.IsInf(float64(sum), 0) {
						return rowMajor(w)
					}
					return sum
				})
			}},
		{"sum-in-lanes", "sums in 4 partial sums, as vector code does", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) T {
					var lanes [4]T
					for i, v := range w.values {
						lanes[i%4] += v
					}
					return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
				})
			}},
		{"sum-separable", "sums rows, then the sums of rows", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) (sum T) {
					for y := range w.rows.cells {
						sum += sumOf(w.row(y))
					}
					return sum
				})
			}},
		{"mean-of-means", "averages rows, then their means, by two reciprocals, where the divisor is the number of taps", isFloat[T],
			func(m *pool[T]) {
				right := m.average
				m.average = func(w *window[T]) T {
					if len(w.values) == 0 || m.divisor(w) != len(w.values) {
						return right(w)
					}
					byCols, byRows := one/T(len(w.cols.cells)), one/T(len(w.rows.cells))
					var sum T
					for y := range w.rows.cells {
						sum += sumOf(w.row(y)) * byCols
					}
					return sum * byRows
				}
			}},
		{"sum-blocked", "row sums by prefixes and suffixes of blocks as long as the window (van Herk, Gil and Werman)", isFloat[T],
			func(m *pool[T]) {
				m.average = quotientOf(m, func(w *window[T]) (sum T) {
					for y := range w.rows.cells {
						sum += blocked(w, y, func(a, b T) T { return a + b }, 0)
					}
					return sum
				})
			}},
		{"reciprocal", "multiplies by the reciprocal of the divisor", isFloat[T],
			func(m *pool[T]) {
				m.average = func(w *window[T]) T {
					if len(w.values) == 0 {
						return 0
					}
					return rowMajor(w) * (one / T(m.divisor(w)))
				}
			}},
		{"scale-first", "multiplies each tap by the reciprocal of the divisor, then sums", isFloat[T],
			func(m *pool[T]) {
				m.average = func(w *window[T]) (sum T) {
					for _, v := range w.values {
						sum += T(v * (one / T(m.divisor(w))))
					}
					return sum
				}
			}},
		{"fma-chain", "a chain of fused multiply-adds with the reciprocal of the divisor", isFloat[T],
			func(m *pool[T]) {
				m.average = func(w *window[T]) (sum T) {
					for _, v := range w.values {
						sum = T(math.FMA(float64(v), float64(one/T(m.divisor(w))), float64(sum)))
					}
					return sum
				}
			}},

		// Maxima.
		{"max-blocked", "row maxima by prefixes and suffixes of blocks; indices tap by tap", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if w.call.indices != nil || at < 0 {
						return best, at
					}
					best = m.empty
					for y := range w.rows.cells {
						best = larger(best, blocked(w, y, larger[T], m.empty))
					}
					return best, at
				}
			}},
		{"max-from-least", "starts from -Inf, with the index of the first tap", nil,
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := least[T](), min(len(w.values), 1)-1
					for i, v := range w.values {
						if m.better(v, best) {
							best, at = v, i
						}
					}
					return best, at
				}
			}},
		{"max-by-columns", "the maximum of the maxima of columns; indices tap by tap", nil,
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if w.call.indices != nil || at < 0 {
						return best, at
					}
					best = m.empty
					for x := range w.cols.cells {
						for y := range w.rows.cells {
							best = larger(best, w.values[y*len(w.cols.cells)+x])
						}
					}
					return best, at
				}
			}},
		{"max-tournament", "the maximum by halves; of equals the left, of NaNs the right", nil,
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					if len(w.values) == 0 {
						return m.empty, -1
					}
					at := tournament(w.values, 0, len(w.values), m.better)
					return w.values[at], at
				}
			}},
		{"zero-made-positive", "a maximum of zero is +0, whichever zero came first", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					return best + 0, at
				}
			}},
		{"zero-made-negative", "a maximum of zero is -0", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if best == 0 {
						best = T(math.Copysign(0, -1))
					}
					return best, at
				}
			}},
		{"nan-canonical", "NaN comes out with another payload than it went in", isFloat[T],
			func(m *pool[T]) {
				m.maximum = func(w *window[T]) (T, int) {
					best, at := m.maxOf(w)
					if isNaN(best) {
						best = T(math.NaN())
					}
					return best, at
				}
			}},

		// Memory.
		{"nhwc", "wants channels last", nil, func(m *pool[T]) { m.layout = pool2d.NHWC }},
		{"into", "writes into the caller's buffer", nil, func(m *pool[T]) { m.into = true }},
		{"into-nhwc", "writes into the caller's buffer, channels last", nil,
			func(m *pool[T]) { m.into, m.layout = true, pool2d.NHWC }},
		{"scratch-pooled", "keeps its scratch memory from call to call, and does not trust it", nil,
			func(m *pool[T]) {
				spare := sync.Pool{New: func() any { return new([]T) }}
				m.maximum = func(w *window[T]) (T, int) {
					scratch := spare.Get().(*[]T)
					defer spare.Put(scratch)
					*scratch = append((*scratch)[:0], w.values...)
					copied := *w
					copied.values = *scratch
					return m.maxOf(&copied)
				}
			}},

		// Work.
		{"backwards", "does the planes from the last", nil,
			func(m *pool[T]) {
				m.each = func(planes int, plane func(i int)) {
					for i := range planes {
						plane(planes - 1 - i)
					}
				}
			}},
		{"blocks-of-planes", "does planes in blocks of 4, then those left over", nil,
			func(m *pool[T]) { m.each = inBlocks(4, func(planes, _ int) int { return planes }) }},
		{"parallel-planes", "a goroutine for each chunk of planes, as many as processors", nil,
			func(m *pool[T]) { m.each = parallel(maxProcs, roundedUp) }},
		{"parallel-bands", "a goroutine for each band of rows of a plane", nil,
			func(m *pool[T]) {
				m.paths = []path[T]{{
					fits: func(*call[T]) bool { return true },
					plane: func(c *call[T], n, ch int) {
						parallel(maxProcs, roundedUp)(len(c.rows), func(y int) {
							w := &window[T]{}
							for x := range c.cols {
								c.fill(w, n, ch, y, x)
								c.pooled(w)
							}
						})
					},
				}}
			}},

		// Special cases, unbroken.
		{"row-kernel", "maxima in blocks of 4 lanes with a tail", nil,
			func(m *pool[T]) { m.paths = []path[T]{newRow(m).path()} }},
		{"row-kernel-8", "maxima in blocks of 8 lanes with a tail", nil,
			func(m *pool[T]) {
				r := newRow(m)
				r.lanes = 8
				m.paths = []path[T]{r.path()}
			}},
		{"kernels-2x2s2-3x3s2-3x3s1", "row kernels for the windows that networks have", nil,
			func(m *pool[T]) {
				for _, k := range [][2]int{{2, 2}, {3, 2}, {3, 1}} {
					r := newRow(m)
					r.only(k[0], k[1])
					m.paths = append(m.paths, r.path())
				}
			}},
		{"copies-1x1", "copies where the window is one cell", nil,
			func(m *pool[T]) {
				m.paths = []path[T]{copies[T](func(p pool2d.Params) pool2d.HW { return p.Stride })}
			}},
		{"global", "one flat loop where the window is the plane", nil,
			func(m *pool[T]) { m.paths = []path[T]{global(unpadded[T], m.divisor)} }},

		// Gradients.
		{"gradient-in-reverse", "scatters the gradients of the last windows first", isFloat[T],
			func(m *pool[T]) { m.order = reversed[T] }},
		{"gradient-by-reciprocal", "multiplies an average's gradient by the reciprocal of the divisor", isFloat[T],
			func(m *pool[T]) { m.share = func(w *window[T], g T) T { return g * (one / T(m.divisor(w))) } }},

		// Less than the whole contract.
		{"lenient", "accepts what only a limit forbids, and says so", nil,
			func(m *pool[T]) {
				m.lacks = pool2d.Strictness
				m.limits = without(without(m.limits, "Pad limit"), "Divisor")
			}},
		{"dense-only", "knows no dilation, and says so", nil,
			func(m *pool[T]) {
				m.lacks = pool2d.Dilation | pool2d.AvgDilation
				m.limits = append(m.limits, limit{"Dilation", func(_ pool2d.Shape, p pool2d.Params) bool {
					return p.Dilation.H > 1 || p.Dilation.W > 1
				}})
			}},
		{"square-only", "one number for both axes and all sides, and says so", nil,
			func(m *pool[T]) {
				m.lacks = pool2d.RectWindow | pool2d.AsymPad
				m.limits = append(m.limits, limit{"Params", func(_ pool2d.Shape, p pool2d.Params) bool {
					p = p.Normalized()
					return p.Kernel.H != p.Kernel.W || p.Stride.H != p.Stride.W || p.Dilation.H != p.Dilation.W ||
						p.Pad != pool2d.Pad{Top: p.Pad.Top, Left: p.Pad.Top, Bottom: p.Pad.Top, Right: p.Pad.Top}
				}})
			}},
		{"valid-only", "no padding, no ceil mode, no gaps, and says so", nil,
			func(m *pool[T]) {
				m.lacks = pool2d.Padding | pool2d.AsymPad | pool2d.CeilMode | pool2d.Gaps | pool2d.CountPad
				m.limits = append(m.limits, limit{"Params", func(_ pool2d.Shape, p pool2d.Params) bool {
					p = p.Normalized()
					return p.Pad != pool2d.Pad{} || p.Ceil || p.Stride.H-1 > p.Dilation.H*(p.Kernel.H-1) || p.Stride.W-1 > p.Dilation.W*(p.Kernel.W-1)
				}})
			}},
		{"max-only", "has no average, and says so", nil,
			func(m *pool[T]) {
				m.lacks = pool2d.AvgOp
				m.limits = append(m.limits, limit{"Op", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Op != pool2d.Max }})
			}},
	}
}

// quotientOf is an average made of a sum in the element type and one division.
func quotientOf[T pool2d.Elem](m *pool[T], sum func(w *window[T]) T) func(w *window[T]) T {
	return func(w *window[T]) T {
		if len(w.values) == 0 {
			return 0
		}
		return sum(w) / T(m.divisor(w))
	}
}

func rowMajor[T pool2d.Elem](w *window[T]) T { return sumOf(w.values) }

func sumOf[T pool2d.Elem](values []T) (sum T) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// row returns the values of one row of the window.
func (w *window[T]) row(y int) []T { return w.values[y*len(w.cols.cells):][:len(w.cols.cells)] }

func pairwise[T pool2d.Elem](values []T) T {
	if len(values) < 2 {
		return sumOf(values)
	}
	return pairwise(values[:len(values)/2]) + pairwise(values[len(values)/2:])
}

// larger is the maximum of two values, NaN if one is.
func larger[T pool2d.Elem](a, b T) T {
	if b > a || isNaN(b) {
		return b
	}
	return a
}

// tournament returns which of values[from:to] is best: of equals the first, of NaNs the last.
func tournament[T pool2d.Elem](values []T, from, to int, better func(v, best T) bool) int {
	if to-from == 1 {
		return from
	}
	middle := (from + to) / 2
	left, right := tournament(values, from, middle, better), tournament(values, middle, to, better)
	if better(values[right], values[left]) {
		return right
	}
	return left
}

// blocked reduces row y of a window as van Herk, Gil and Werman do. The positions that a window of k taps can have on
// an axis are cut into blocks of k; then a window is the suffix of one block and the prefix of the next. Taps that are
// not real contribute nothing. (A fast implementation keeps all prefixes and suffixes; this one computes the two that
// it needs, in the same order.)
//
//	block   | 0 1 2 | 3 4 5 | 6 7 8 |      k = 3
//	window      [ 1 2   3 ]                suffix 1 2, prefix 3
func blocked[T pool2d.Elem](w *window[T], y int, join func(a, b T) T, none T) T {
	row, a := w.row(y), w.cols.axis
	if len(row) == 0 {
		return none
	}
	// The window's taps are a.kernel positions of the comb that its start is on; the real ones begin at tap `skip`.
	skip := (w.cols.cells[0] - w.cols.start) / a.dilation
	position := floorDiv(w.cols.start+a.lead, a.dilation) // of tap 0; the first window's is 0
	left := a.kernel - position%a.kernel                  // taps before the end of the block
	suffix, prefix := none, none
	for i := len(row) - 1; i >= 0; i-- { // suffixes grow to the left
		if skip+i < left {
			suffix = join(row[i], suffix)
		}
	}
	for i := range row { // prefixes to the right
		if skip+i >= left {
			prefix = join(prefix, row[i])
		}
	}
	return join(suffix, prefix)
}

// reversed calls f with each window of a plane, the last first.
func reversed[T pool2d.Elem](c *call[T], n, ch int, f func(w *window[T])) {
	w := &window[T]{}
	for i := len(c.rows)*len(c.cols) - 1; i >= 0; i-- {
		c.fill(w, n, ch, i/len(c.cols), i%len(c.cols))
		f(w)
	}
}
