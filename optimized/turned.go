package optimized

// Planes of keys, by windows of 5×5 at stride 1, are turned on their side and back:
//
//	source          columns                       result
//	a b c d e   ►   · a a∘b a∘b∘c b∘c∘d …    ►    a row of the source is a column of what it is folded into, with identities
//	                                              before and behind; each column of that, folded, is one of the result
//
// So both folds go along a line: each cell is loaded once, four windows at a time share their maxima (10, where one by one they take
// 16), and keys are made and undone on the way.

// turnedRows is how many rows are turned at a time, and turnedWidth how many columns a plane may have. 24 rows take 1.04 to 1.1 times as
// long, 32 and 48 as long but for planes of 33 to 40 rows. Rows of the result are written a cell each: 40 that are 1 KiB apart are
// in four sets of the first-level cache, and 2 KiB apart in two, which do not hold them (128 rows of 512 columns 1.5 to 1.8 times as long as
// not turned, of 224 and of 384 0.8; by a benchmark that was not kept).
const (
	turnedRows  = 40
	turnedWidth = 224
)

// turns reports whether planes of keys are turned.
func (p *plan) turns() bool { return p.fusedKind() == k5s1 && p.w.in <= turnedWidth }

// turnedRun computes the rows [y0, y1) of planes [p0, p1).
func (c *call[T]) turnedRun(p0, p1, y0, y1 int, s *scratch) {
	s.reset()
	h, w := c.h, c.w
	bands := (y1 - y0 + turnedRows - 1) / turnedRows
	columns := carve[int32](s, (w.in+w.t)*(turnedRows+h.k-1))
	var laid struct{ pitch, top, rows int } // how columns are: as many cells, those before the first row, and rows
	for i := p0 * bands; i < p1*bands; i++ {
		band := i % bands
		from, to := y0+(y1-y0)*band/bands, y0+(y1-y0)*(band+1)/bands
		r0, r1 := h.under(from, to)
		at := laid
		at.pitch, at.top, at.rows = to-from+h.k-1, r0-(from-h.l), r1-r0
		if laid != at {
			laid = at
			fill(columns, leastKey)
		}
		plane := i / bands
		src, dst := cellBits(c.src[plane*h.in*w.in:][:h.in*w.in]), cellBits(c.dst[plane*h.out*w.out:][:h.out*w.out])
		for r := r0; r < r1; r++ {
			along5(columns[at.top+r-r0:], at.pitch, src[r*w.in:][:w.in], w.t)
		}
		for x := range w.out {
			down5(dst[from*w.out+x:], w.out, columns[(w.k-1-w.l+x)*at.pitch:][:at.pitch])
		}
	}
}

// along5 folds the keys of src: dst[i·step] is the window that ends in cell i, which may be so many cells behind the last.
func along5(dst []int32, step int, src []int32, behind int) {
	var a, b, c, d int32 = leastKey, leastKey, leastKey, leastKey
	at := 0
	for ; len(src) >= 4; src = src[4:] {
		e, f, g, h := toKey(src[0]), toKey(src[1]), toKey(src[2]), toKey(src[3])
		de := max(d, e)
		cde, def := max(c, de), max(de, f)
		dst[at] = max(cde, max(a, b))
		at += step
		cdef := max(cde, f)
		dst[at] = max(cdef, b)
		at += step
		dst[at] = max(cdef, g)
		at += step
		dst[at] = max(def, max(g, h))
		at += step
		a, b, c, d = e, f, g, h
	}
	for i := range len(src) + behind {
		var e int32 = leastKey
		if i < len(src) {
			e = toKey(src[i])
		}
		dst[at] = max(max(a, b), max(c, d), e)
		at += step
		a, b, c, d = b, c, d, e
	}
}

// down5 folds src, of whole windows only, and undoes keys.
func down5(dst []int32, step int, src []int32) {
	at := 0
	for ; len(src) >= 8; src = src[4:] {
		s := (*[8]int32)(src)
		de := max(s[3], s[4])
		cde, def := max(s[2], de), max(de, s[5])
		dst[at] = fromKey(max(cde, max(s[0], s[1])))
		at += step
		cdef := max(cde, s[5])
		dst[at] = fromKey(max(cdef, s[1]))
		at += step
		dst[at] = fromKey(max(cdef, s[6]))
		at += step
		dst[at] = fromKey(max(def, max(s[6], s[7])))
		at += step
	}
	for ; len(src) >= 5; src = src[1:] {
		dst[at] = fromKey(max(max(src[0], src[1]), max(src[2], src[3]), src[4]))
		at += step
	}
}
