package optimized

import "example.com/pool2d"

// rows computes the output rows [y0, y1) of a plane in two passes: the rows under a window are folded into one row in
// the first-level cache, then each window along that row.
//
//	         W columns                     strip
//	    ┌──────────────────┐     id id ┌────────────────┐ id        buf: (columns under the strip)·unit elements,
//	kh  │ rows of src      │ ──────►   │ folded row     │           the identity where the plane ends
//	    └──────────────────┘           └──[──kw──]──────┘
//	                                       └─► dst[x]
func (c *call[T]) rows(dst, src []T, y0, y1 int, s *scratch) {
	u, w := c.unit, c.w
	for x0 := 0; x0 < w.out; x0 += c.strip {
		x1 := min(x0+c.strip, w.out)
		lo := x0*w.s - w.l // columns under the strip
		hi := (x1-1)*w.s - w.l + w.span()
		r0, r1 := min(max(lo, 0), w.in), min(max(hi, 0), w.in) // the real ones
		s.reset()
		buf := carve[T](s, (hi-lo)*u)
		fill(buf[:(r0-lo)*u], c.ops.identity)
		fill(buf[(r0-lo)*u+(r1-r0)*u:], c.ops.identity)
		v := vertical[T]{ops: c.ops, h: c.h, pitch: w.in * u, src: src[r0*u:], dst: buf[(r0-lo)*u:][:(r1-r0)*u]}
		if c.herk {
			v.open(s)
		}
		hz := newHorizontal(c.ops, w, u, buf, s)
		var by []T
		counted := -1
		if c.scaled && c.by == nil {
			by = carve[T](s, (x1-x0)*u)
		}
		for y := y0; y < y1; y++ {
			out := dst[(y*w.out+x0)*u : (y*w.out+x1)*u]
			if !v.row(y) {
				fill(out, c.ops.identity)
				continue
			}
			hz.run(out)
			switch {
			case c.by != nil:
				c.ops.scale(out, c.by[(y*w.out+x0)*u:])
			case c.scaled:
				if n := c.rowsCounted(y); n != counted {
					counted = n
					c.scales(by, counted, x0, x1)
				}
				c.ops.scale(out, by)
			}
		}
	}
}

// vertical folds the rows under the windows of one output row.
type vertical[T pool2d.Elem] struct {
	ops   *ops[T]
	h     axis
	pitch int // elements from row to row of src
	src   []T // from the first column on
	dst   []T

	// By blocks: every k rows of the plane are a block. A window of k rows is the end of one block and the beginning
	// of the next, so it costs one operation if the folds of all ends (suffix) and of the beginning (prefix) are kept:
	// three a row, whatever k (van Herk 1992; Gil, Werman 1993). Only cells of the window enter.
	//
	//	block   0         k         2k
	//	rows    ··········|··········|
	//	window       [────|───]
	//	             suffix prefix
	block          int // its rows; 0: no blocks
	suffix         []T // rows of len(dst)
	suffixOf       int // the block whose ends are kept
	prefix         []T
	prefixOf, upto int // the block whose beginning is kept, and its last row
}

// open prepares for folding by blocks.
func (v *vertical[T]) open(s *scratch) {
	v.block = min(v.h.k, v.h.in)
	v.suffix = carve[T](s, v.block*len(v.dst))
	v.prefix = carve[T](s, len(v.dst))
	v.suffixOf, v.prefixOf = -1, -1
}

// at returns row y of src.
func (v *vertical[T]) at(y int) []T { return v.src[y*v.pitch:][:len(v.dst)] }

// row folds the rows under window y into dst. It reports false if there are none.
func (v *vertical[T]) row(y int) bool {
	first, n := v.h.taps(y)
	if n == 0 {
		return false
	}
	if len(v.dst) == 0 {
		return true
	}
	if v.block == 0 {
		v.ops.fold(v.dst, v.src[first*v.pitch:], n, v.h.d*v.pitch)
		return true
	}
	last := first + n - 1
	b, e := first/v.block, last/v.block
	if b == e && first == b*v.block && n < v.block {
		copy(v.dst, v.beginning(e, last)) // cut off by the upper edge
		return true
	}
	end := v.end(b, first)
	if b == e {
		copy(v.dst, end) // a whole block, or cut off by the lower edge
	} else {
		v.ops.pair(v.dst, end, v.beginning(e, last))
	}
	return true
}

// end returns the fold of the rows of block b from first on.
func (v *vertical[T]) end(b, first int) []T {
	n := len(v.dst)
	at := func(y int) []T { return v.suffix[(y-b*v.block)*n:][:n] }
	if v.suffixOf != b { // windows come in order, so no earlier row of the block will be asked for
		v.suffixOf = b
		last := min((b+1)*v.block, v.h.in) - 1
		copy(at(last), v.at(last))
		for y := last - 1; y >= first; y-- {
			v.ops.pair(at(y), v.at(y), at(y+1))
		}
	}
	return at(first)
}

// beginning returns the fold of the rows of block b up to last.
func (v *vertical[T]) beginning(b, last int) []T {
	if v.prefixOf != b {
		v.prefixOf, v.upto = b, b*v.block
		copy(v.prefix, v.at(v.upto))
	}
	for v.upto < last {
		v.upto++
		v.ops.pair(v.prefix, v.prefix, v.at(v.upto))
	}
	return v.prefix
}

// horizontal folds the windows along a row. Long ones are folded in steps, each a fold of what the last one made:
//
//	max   windows may overlap: of width m, then of (t−1)·m'+m for any m' <= m, until the width is k
//	sum   they must not: q of width m side by side, and k−q·m cells behind them
type horizontal[T pool2d.Elem] struct {
	ops      *ops[T]
	w        axis
	u        int
	buf      []T
	steps    [4]step // of ops.fold, all but the last from scratch row to scratch row
	n        int
	rest     int // sum: taps behind the steps
	tmp      [2][]T
	every    []T // windows at stride 1, of which dst takes each s-th
	restInto []T
}

type step struct{ taps, apart int }

func newHorizontal[T pool2d.Elem](o *ops[T], w axis, u int, buf []T, s *scratch) horizontal[T] {
	h := horizontal[T]{ops: o, w: w, u: u, buf: buf}
	if w.s > 1 && w.k < 4*w.s || w.k < 6 {
		return h
	}
	h.steps, h.n, h.rest = chain(w.k, o.idempotent)
	for i := range min(h.n-1, 2) {
		h.tmp[i] = carve[T](s, len(buf))
	}
	if w.s > 1 {
		h.every = carve[T](s, len(buf)-(w.span()-1)*u)
	}
	if h.rest > 0 {
		h.restInto = carve[T](s, len(buf)-(w.span()-1)*u)
	}
	return h
}

// chain returns folds that make windows of k taps, cheapest first.
func chain(k int, idempotent bool) (steps [4]step, n, rest int) {
	steps[0], n = step{k, 1}, 1
	best := k
	for m := 2; m < k; m++ {
		if !idempotent {
			q := k / m
			if cost := m + q + 1 + k%m + 2*min(k%m, 1); q > 1 && cost < best {
				best, n, rest = cost, 2, k%m
				steps[0], steps[1] = step{m, 1}, step{q, m}
			}
			continue
		}
		if m > 8 {
			break
		}
		// m, then t windows of m side by side, then as many of those as cover k.
		for t := 1; t <= 8 && t*m <= k; t++ {
			width := t * m
			over := k - width // what the last step must add, in equal parts of at most width
			parts := (over + width - 1) / width
			for parts > 0 && over%parts != 0 {
				parts++
			}
			cost := m + 1
			if t > 1 {
				cost += t + 1
			}
			if parts > 0 {
				cost += parts + 1
			}
			if cost-1 < best {
				best, n = cost-1, 1
				steps[0] = step{m, 1}
				if t > 1 {
					steps[n] = step{t, m}
					n++
				}
				if parts > 0 {
					steps[n] = step{parts + 1, over / parts}
					n++
				}
			}
		}
	}
	return steps, n, rest
}

// run folds the windows along buf into dst.
func (h *horizontal[T]) run(dst []T) {
	w, u := h.w, h.u
	switch {
	case h.n == 0 && w.s == 1:
		h.ops.fold(dst, h.buf, w.k, w.d*u)
	case h.n == 0 && u == 1:
		h.ops.pick(dst, h.buf, w.s, w.k, w.d)
	case h.n == 0:
		for x := range len(dst) / u {
			h.ops.fold(dst[x*u:][:u], h.buf[x*w.s*u:], w.k, w.d*u)
		}
	case w.s == 1:
		h.long(dst)
	default:
		h.long(h.every)
		if u == 1 {
			h.ops.pick(dst, h.every, w.s, 1, 1)
			return
		}
		for x := range len(dst) / u {
			copy(dst[x*u:][:u], h.every[x*w.s*u:])
		}
	}
}

// long folds the windows of stride 1 in steps.
func (h *horizontal[T]) long(dst []T) {
	from := h.buf
	for i := range h.n - 1 {
		st := h.steps[i]
		to := h.tmp[i%2][:len(from)-(st.taps-1)*st.apart*h.w.d*h.u]
		h.ops.fold(to, from, st.taps, st.apart*h.w.d*h.u)
		from = to
	}
	st := h.steps[h.n-1]
	h.ops.fold(dst, from, st.taps, st.apart*h.w.d*h.u)
	if h.rest > 0 {
		rest := h.restInto[:len(dst)]
		h.ops.fold(rest, h.buf[(h.w.k-h.rest)*h.w.d*h.u:], h.rest, h.w.d*h.u)
		h.ops.pair(dst, dst, rest)
	}
}

func fill[T pool2d.Elem](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
