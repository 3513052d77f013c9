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
	u, w, used := c.unit, c.w, s.used
	defer func() { s.used = used }()
	for x0 := 0; x0 < w.out; x0 += c.strip {
		x1 := min(x0+c.strip, w.out)
		lo := x0*w.s - w.l // columns under the strip
		hi := (x1-1)*w.s - w.l + w.span()
		r0, r1 := min(max(lo, 0), w.in), min(max(hi, 0), w.in) // the real ones
		s.used = used
		off := -(r0 - lo) * u & 15 // so that the real ones begin a line
		buf := carve[T](s, off+(hi-lo)*u)[off:]
		fill(buf[:(r0-lo)*u], c.ops.identity)
		fill(buf[(r0-lo)*u+(r1-r0)*u:], c.ops.identity)
		v := vertical[T]{ops: c.ops, h: c.h, pitch: w.in * u, src: src[r0*u:], dst: buf[(r0-lo)*u:][:(r1-r0)*u]}
		if c.herk {
			v.open(s)
		}
		hz := newHorizontal(c.ops, w, u, buf, s)
		var by []T
		counted := -1
		if c.paired {
			hz.picks = &c.picks
		}
		if c.scaled && c.by == nil && !c.byCells {
			by = carve[T](s, (x1-x0)*u)
		}
		for y := y0; y < y1; y++ {
			out := dst[(y*w.out+x0)*u : (y*w.out+x1)*u]
			if !v.row(y) {
				fill(out, c.ops.identity)
				continue
			}
			if c.byCells && hz.chain.first == 0 && (c.scaled || w.s > 1) {
				c.cellsAlong(out, buf, cellWindows{step: w.s * u, cols: w.k, right: w.d * u}, y, x0, x1, s)
				continue
			}
			var factors []T
			switch {
			case c.by != nil:
				factors = c.by[(y*w.out+x0)*u:]
			case by != nil:
				if n := c.rowsCounted(y); n != counted {
					counted = n
					c.scales(by, counted, x0, x1)
				}
				factors = by
			}
			hz.run(out, factors, hint[T]{next: v.next(y), stream: c.stream})
			if c.byCells && c.scaled {
				c.cellsAlong(out, out, cellWindows{step: u, cols: 1}, y, x0, x1, s)
			}
		}
	}
}

// cellsAlong folds the windows [x0, x1) of row y, of cells of several elements, along a row. Of an average it multiplies
// by the reciprocals of the divisors: one number for all elements of a cell, and for all windows that hang over no edge.
func (c *call[T]) cellsAlong(dst, src []T, f cellWindows, y, x0, x1 int, s *scratch) {
	f.c, f.rows = c.unit, 1
	run := func(from, to int, by T) {
		if from == to {
			return
		}
		f.n = to - from
		s.cells = f
		c.ops.cells(dst[(from-x0)*f.c:], src[(from-x0)*f.step:], &s.cells, by)
	}
	if !c.scaled {
		run(x0, x1, 1)
		return
	}
	rows := c.rowsCounted(y)
	in0, in1 := min(max(c.in0, x0), x1), min(max(c.in1, x0), x1)
	for x := x0; x < x1; {
		n := 1
		if x == in0 && in1 > in0 {
			n = in1 - in0
		}
		run(x, x+n, reciprocal[T](c.windowDivisor(rows, c.columns(x))))
		x += n
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
	switch end := v.end(b, first); {
	case b == e:
		copy(v.dst, end) // a whole block, or cut off by the lower edge
	case v.prefixOf == e && v.upto == last-1: // as for most windows at stride 1
		v.upto = last
		v.ops.prefix(v.dst, v.prefix, v.at(last), end)
	default:
		v.ops.pair(v.dst, end, v.beginning(e, last))
	}
	return true
}

// next returns the first row that the window of row y+1 needs and that of row y does not, or nothing.
func (v *vertical[T]) next(y int) []T {
	first, n := v.h.taps(y)
	if y := first + n; v.h.d == 1 && y < v.h.in {
		return v.at(y)
	}
	return nil
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
	ops   *ops[T]
	w     axis
	u     int
	buf   []T
	chain chain
	tmp   [2][]T
	every []T // windows at stride 1, of which dst takes each s-th
	rest  []T
	picks *cellPicks // how dst takes cells of several elements at stride 2, if not nil
}

// chain is how long windows are folded: as windows of first cells, by ops.slide if slide, then by ops.fold from one
// scratch row to the next; last, rest taps behind.
type chain struct {
	first int // 0: windows are not long
	slide bool
	steps [2]step
	n     int
	rest  int
}

type step struct{ taps, apart int }

func newHorizontal[T pool2d.Elem](o *ops[T], w axis, u int, buf []T, s *scratch) horizontal[T] {
	h := horizontal[T]{ops: o, w: w, u: u, buf: buf}
	slide := o.slide != nil && w.d == 1 && u == 1 && o.slidePays(w.k, len(buf))
	if w.s > 1 && w.k < 4*w.s || w.k < 6 && !slide {
		return h
	}
	if slide {
		h.chain = slideChain(w.k, o.widest, o.idempotent)
	} else {
		h.chain = foldChain(w.k, o.idempotent)
	}
	for i := range h.chain.n {
		h.tmp[i] = carve[T](s, len(buf))
	}
	if w.s > 1 {
		h.every = carve[T](s, len(buf)-(w.span()-1)*u)
	}
	if h.chain.rest > 0 {
		h.rest = carve[T](s, len(buf)-(w.span()-1)*u)
	}
	return h
}

// slideChain starts with a slide, whose cost hardly depends on its width, and goes on with as few taps as can be.
func slideChain(k, widest int, idempotent bool) chain {
	if k <= widest {
		return chain{first: k, slide: true}
	}
	best, c := k, chain{}
	for m := widest; m > widest/2; m-- {
		taps, apart, rest := k/m, m, k%m
		if idempotent && rest > 0 {
			// Windows of m may overlap, if that covers k exactly.
			taps, rest = 1, 0
			for taps++; (k-m)%(taps-1) != 0 || (k-m)/(taps-1) > m; taps++ {
			}
			apart = (k - m) / (taps - 1)
		}
		if cost := taps + rest; cost < best {
			best, c = cost, chain{first: m, slide: true, steps: [2]step{{taps, apart}}, n: 1, rest: rest}
		}
	}
	return c
}

// foldChain makes windows of k taps by folds alone, with as few taps as it can.
func foldChain(k int, idempotent bool) chain {
	best, c := k, chain{first: k}
	for m := 2; m < k; m++ {
		if !idempotent {
			q := k / m
			if cost := m + q + 1 + k%m + 2*min(k%m, 1); q > 1 && cost < best {
				best, c = cost, chain{first: m, steps: [2]step{{q, m}}, n: 1, rest: k % m}
			}
			continue
		}
		if m > 8 {
			break
		}
		// m, then t windows of m side by side, then as many of those as cover k, all of them overlapping alike.
		for t := 1; t <= 8 && t*m <= k; t++ {
			over := k - t*m
			parts := (over + t*m - 1) / (t * m)
			for parts > 0 && over%parts != 0 {
				parts++
			}
			try, cost := chain{first: m}, m
			if t > 1 {
				try.steps[try.n] = step{t, m}
				try.n++
				cost += t + 1
			}
			if parts > 0 {
				try.steps[try.n] = step{parts + 1, over / parts}
				try.n++
				cost += parts + 2
			}
			if cost < best {
				best, c = cost, try
			}
		}
	}
	return c
}

// run folds the windows along buf into dst, and multiplies them by by, if that is not nil.
func (h *horizontal[T]) run(dst, by []T, hint hint[T]) {
	w, u := h.w, h.u
	switch {
	case h.chain.first > 0 && w.s == 1:
		h.long(dst, by, hint)
		return
	case h.chain.first > 0:
		h.long(h.every, nil, hint)
		if u == 1 {
			h.ops.pick(dst, h.every, w.s, 1, 1)
			break
		}
		if h.picks != nil {
			h.ops.pickCells(dst, h.every, h.picks, 1, 1)
			break
		}
		for x := range len(dst) / u {
			copy(dst[x*u:][:u], h.every[x*w.s*u:])
		}
	case w.s == 1:
		h.ops.fold(dst, h.buf, w.k, w.d*u)
	case u == 1:
		h.ops.pick(dst, h.buf, w.s, w.k, w.d)
	case h.picks != nil:
		h.ops.pickCells(dst, h.buf, h.picks, w.k, w.d*u)
	default:
		for x := range len(dst) / u {
			h.ops.fold(dst[x*u:][:u], h.buf[x*w.s*u:], w.k, w.d*u)
		}
	}
	if by != nil {
		h.ops.scale(dst, by)
	}
}

// long folds the windows of stride 1 by the chain.
func (h *horizontal[T]) long(dst, by []T, hint hint[T]) {
	c, cell := &h.chain, h.w.d*h.u
	if c.slide && c.n == 0 {
		hint.stream = hint.stream && h.w.s == 1
		h.ops.slide(dst, h.buf, c.first, by, hint)
		return
	}
	hint.stream = false
	from := h.buf
	for i := -1; i < c.n; i++ {
		st := step{c.first, 1}
		if i >= 0 {
			st = c.steps[i]
		}
		to := dst
		if i < c.n-1 {
			to = h.tmp[i+1][:len(from)-(st.taps-1)*st.apart*cell]
		}
		if i < 0 && c.slide {
			h.ops.slide(to, from, st.taps, nil, hint)
		} else {
			h.ops.fold(to, from, st.taps, st.apart*cell)
		}
		from = to
	}
	if c.rest > 0 {
		rest, behind := h.rest[:len(dst)], h.buf[(h.w.k-c.rest)*cell:]
		if c.slide && c.rest > 1 {
			h.ops.slide(rest, behind, c.rest, nil, hint)
		} else {
			h.ops.fold(rest, behind, c.rest, cell)
		}
		h.ops.pair(dst, dst, rest)
	}
	if by != nil {
		h.ops.scale(dst, by)
	}
}

// fill sets all of s to v, by copies of what is set: cell by cell it was a tenth of 31×31 on 128×128.
func fill[T pool2d.Elem](s []T, v T) {
	n := min(len(s), 64)
	for i := range n {
		s[i] = v
	}
	for n < len(s) {
		n += copy(s[n:], s[:n])
	}
}
