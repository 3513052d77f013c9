package optimized

import (
	"slices"
	"unsafe"
)

// isNarrow reports whether there is a kernel that holds the rows of these planes in a register, and prepares for it.
func (c *call[T]) isNarrow() bool {
	h, w := c.h, c.w
	if c.ops.narrow.exact == nil || c.unit != 1 || h.d != 1 || w.d != 1 ||
		w.in > narrowWidth || w.out > narrowWidth || h.in > narrowHeight || h.out > narrowHeight || w.l > w.in || w.k > 3*narrowWidth || (w.out-1)*w.s >= w.in || w.s > 1 && c.ops.lanes < narrowWidth {
		return false
	}
	n := &c.narrow
	n.h, n.w, n.oh, n.ow = h.in, w.in, h.out, w.out
	n.block = min(h.k, h.in)
	n.index, n.rows = n.index[:0], n.rows[:0]

	// Two rows of tmp for each row of windows, as vertical.row chooses them: h suffixes, h prefixes, identities.
	const row = 4 * narrowWidth
	for y := range h.out {
		first, k := h.taps(y)
		last := first + k - 1
		b, e := first/n.block, last/n.block
		end, beginning := first*row, (h.in+last)*row
		switch {
		case k == 0:
			end, beginning = 2*h.in*row, 2*h.in*row
		case b == e && first == b*n.block:
			end = 2 * h.in * row
		case b == e:
			beginning = 2 * h.in * row
		}
		n.rows = append(n.rows, end, beginning)
	}

	n.pick = false
	left, right := w.l, w.k-1-w.l
	n.first = max(-left, 1-narrowWidth)
	n.taps = min(right, narrowWidth-1) - n.first + 1
	if !c.ops.idempotent {
		c.sumsOfRow()
		return true
	}

	// A window is the l columns to the left of its column l, that one, and those to the right.
	permutation := func(shift int) {
		for lane := range narrowWidth {
			from := lane + shift
			if from < 0 || from >= w.in {
				from = narrowWidth // the identity
			}
			n.index = append(n.index, uint32(from))
		}
	}
	n.steps = 0
	l, r, l1, r1 := 1, 1, min(left, narrowWidth-1)+1, min(right, narrowWidth-1)+1
	for ; n.steps == 0 || l < l1 || r < r1; n.steps++ { // at most four: widths double up to 16
		dl, dr := min(l, l1-l), min(r, r1-r)
		permutation(-dl)
		permutation(dr)
		l, r = l+dl, r+dr
	}
	n.pick = w.s > 1
	for lane := range narrowWidth {
		n.index = append(n.index, uint32(min(lane*w.s, narrowWidth-1)))
	}
	return true
}

// narrowSums are the ways to make windows of up to 4, 6, 10, 14 and 16 cells: each a choice, lane by lane, of one of two
// sums of so many cells or none, all added up. Kernels have a loop for each.
var narrowSums = [...][][2]int{
	{{2, 1}, {2, 1}},
	{{2, 1}, {2, 1}, {2, 1}},
	{{4, 2}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}, {2, 1}},
}

// sumsOfRow prepares for sums: how to make the windows of a row of sums of 1, 2, 4 and 8 cells.
func (c *call[T]) sumsOfRow() {
	n := &c.narrow
	longest := 1
	var from, left [narrowWidth]int
	for x := range c.w.out {
		from[x], left[x] = c.w.taps(x)
		longest = max(longest, left[x])
	}
	n.steps = slices.IndexFunc(narrowSums[:], func(sums [][2]int) bool {
		cells := 0
		for _, of := range sums {
			cells += of[0]
		}
		return longest <= cells
	})
	for _, of := range narrowSums[n.steps] {
		for x := range narrowWidth {
			switch lane := uint32(from[x]); {
			case left[x] >= of[0]:
				n.index = append(n.index, lane)
				from[x], left[x] = from[x]+of[0], left[x]-of[0]
			case left[x] >= of[1]:
				n.index = append(n.index, narrowWidth+lane)
				from[x], left[x] = from[x]+of[1], left[x]-of[1]
			default:
				n.index = append(n.index, 1<<31)
			}
		}
	}
}

// narrowHeight bounds the scratch memory of a narrow plane.
const narrowHeight = 1 << 11

// narrowRun computes planes [p0, p1).
func (c *call[T]) narrowRun(p0, p1 int, s *scratch) {
	in, out := c.h.in*c.w.in, c.h.out*c.w.out
	s.reset()
	tmp := carve[T](s, narrowScratch(c.h.in, c.h.out))
	s.narrow = c.narrow
	s.narrow.planes = p1 - p0
	if c.by != nil {
		s.narrow.by = unsafe.Slice((*float32)(unsafe.Pointer(&c.by[0])), len(c.by))
	} else {
		s.narrow.by = nil
	}
	dst, src := c.dst[p0*out:p1*out], c.src[p0*in:p1*in]
	if k := &c.ops.narrow; k.fast == nil || !k.fast(dst, src, tmp, &s.narrow) {
		k.exact(dst, src, tmp, &s.narrow)
	}
}
