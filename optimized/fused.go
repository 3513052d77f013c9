package optimized

// fusedKind returns the kind of windows, if there is a kernel that computes them in one pass, or -1.
func (c *call[T]) fusedKind() int {
	kind := -1
	h, w := c.h, c.w
	if c.unit == 1 && h.k == w.k && h.s == w.s && h.d == 1 && w.d == 1 && w.in <= maxFusedWidth {
		switch {
		case h.k == 2 && h.s == 2 && w.l == 0:
			kind = k2s2
		case h.k == 3 && h.s == 2:
			kind = k3s2
		case h.k == 3 && h.s == 1 && c.isSame():
			kind = k3s1Same
			c.ends.prepare(h.in, w.in)
		case h.k == 3 && h.s == 1:
			kind = k3s1
		}
	}
	if kind >= 0 && c.ops.fused[kind].exact == nil {
		return -1
	}
	return kind
}

// maxFusedWidth is how wide a plane may be for the kernels that compute windows in one pass: they read zeros in place
// of a row that is not there, and no call of theirs may take long.
const maxFusedWidth = 1 << 14

// isSame reports whether windows of 3×3/1 are computed by k3s1Same. Where there are as many as cells, each pad is one.
func (c *call[T]) isSame() bool {
	h, w := c.h, c.w
	return h.out == h.in && w.out == w.in && w.in <= sameWidth && h.in <= sameCells/w.in && c.ops.fused[k3s1Same].exact != nil
}

// sameWidth and sameCells are up to how wide and how large planes are taken as one long row each where results are as
// large as they are. For 3×3/1 that is twice as fast at 7×7 to 17×17, 1.2 to 1.5 times at 24 to 48 columns, and no gain
// from 80 on, where few vectors are part empty; averages then lose, since their factors, one a cell, do not fit the
// first-level cache.
const (
	sameWidth = 64
	sameCells = 1 << 12
)

// rowEnds are, for each 16 cells of rows that lie one behind the other, the lanes that do not begin a row, and those that
// do not end one.
type rowEnds struct {
	h, w  int
	lanes []uint16
}

// prepare makes them for h rows of w cells.
func (e *rowEnds) prepare(h, w int) {
	if e.h != h || e.w != w {
		*e = rowEnds{h, w, e.lanes[:0]}
		for i := 0; i < h*w; i += 16 {
			begins, ends := uint16(0), uint16(0)
			for lane := range 16 {
				if (i+lane)%w == 0 {
					begins |= 1 << lane
				}
				if (i+lane)%w == w-1 {
					ends |= 1 << lane
				}
			}
			e.lanes = append(e.lanes, ^begins, ^ends)
		}
	}
}

// fused computes the rows [y0, y1) of planes [p0, p1) in one pass.
func (c *call[T]) fused(p0, p1, y0, y1 int, s *scratch) {
	h, w := c.h, c.w
	s.band = band{planes: p1 - p0, h: h.in, w: w.in, oh: h.out, ow: w.out, y0: y0, y1: y1, top: h.l, left: w.l, ends: c.ends.lanes, stream: c.stream}
	src := c.src[p0*h.in*w.in : p1*h.in*w.in]
	dst := c.dst[p0*h.out*w.out : p1*h.out*w.out]
	k := &c.ops.fused[c.kind]
	if k.fast != nil && k.fast(dst, src, &s.band, c.by) {
		return
	}
	if c.stream {
		c.ops.fence() // before it is written again
	}
	k.exact(dst, src, &s.band, c.by)
}
