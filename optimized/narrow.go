package optimized

import (
	"slices"
	"unsafe"
)

// isNarrow reports whether there is a kernel that holds the rows of these planes in a register, and prepares for it.
func (c *call[T]) isNarrow() bool {
	h, w := c.h, c.w
	if c.ops.narrow.exact == nil || c.unit != 1 || h.d != 1 || w.d != 1 ||
		w.in > narrowWidth || w.out > narrowWidth || h.in > narrowHeight || h.out > narrowHeight || w.l > w.in || w.k > 3*narrowWidth || (w.out-1)*w.s >= w.in {
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

	if !c.ops.idempotent {
		c.sumsOfRow()
		return true
	}
	return n.maxima(w)
}

// maxima prepares for maxima: doubling makes windows of m cells that end in their lane, or with mirrored begin there, and
// of which the row's edge cuts off what is behind it; a window is the maximum of two of them. It reports false if windows
// are too unlike, as they hang over both edges by more than half.
//
//	cells           0 1 2 3 4 5 6 7 8 9
//	window                [───────]        5 cells, m = 3: those that end in 5 and in 7
//	              [───]                    3 left by the edge: those that end in 0 and in 2
func (n *narrowPlanes) maxima(w axis) bool {
	longest := 0
	for x := range w.out {
		_, taps := w.taps(x)
		longest = max(longest, taps)
	}
	m := (longest + 1) / 2 // with more, more windows were too short
	return n.cover(w, m, false) || n.cover(w, m, true)
}

// cover prepares for maxima of windows of m cells, if it can be done with them.
func (n *narrowPlanes) cover(w axis, m int, mirrored bool) bool {
	last := w.in - 1
	lane := func(i int) uint32 { // of cell i counted from the edge that windows are cut off by
		if i = min(max(i, 0), last); mirrored {
			i = last - i
		}
		return uint32(i)
	}
	n.index, n.steps = n.index[:0], 0
	for size := 1; size < m; n.steps += 2 {
		shift := min(size, m-size)
		for x := range narrowWidth {
			if mirrored {
				x = last - x
			}
			n.index = append(n.index, lane(x-shift))
		}
		size += shift
	}
	var one, other [narrowWidth]uint32
	own := true // each lane's one window is its own
	for x := range w.out {
		first, taps := w.taps(x)
		if taps == 0 {
			return false
		}
		end := first + taps - 1
		if mirrored {
			first, end = last-end, last-first
		}
		// The one that begins with the window: if the edge cuts it off, any that the other follows.
		i := first + m - 1
		if at := int(lane(x)); first == 0 && end-m <= at && at < m {
			i = at
		}
		if i > end && first > 0 {
			return false
		}
		one[x], other[x] = lane(min(i, end)), lane(end)
		own = own && one[x] == uint32(x)
	}
	n.index = append(n.index, other[:]...)
	if !own {
		n.steps++
		n.index = append(n.index, one[:]...)
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
	tmp := carve[T](s, narrowScratch(c.h.in))
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
