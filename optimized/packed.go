package optimized

// Small planes are packed where a set has kernels for it, eight at a time: a vector has a cell of each. So planes of any
// width fill vectors, neighbours are neighbouring vectors, and both axes are pooled alike, line by line:
//
//	planes  ▒▒▒▒▒▒▒  ▓▓▓▓▓▓▓  ░░░░░░░ …       pack: vectors of ▒▓░…, one for each cell
//
//	lines   ┌──────────────┐                  down: lines are rows
//	 first  │ ▒▓░… ▒▓░… …  │ ┐                along: lines are columns
//	        │ ▒▓░… ▒▓░… …  │ ├ ∘ ─► window
//	        │ ▒▓░… ▒▓░… …  │ ┘                of up to five lines: all of them; of more: the end of a block of
//	        └──────────────┘                  lines and the beginning of the next
type packed struct {
	down, along packedAxis
	src, suffix int        // vectors of the source and of ends; what is pooled one way comes behind
	rows        packedAxis // of channels: copied as they are
	pitch       int        // vectors from row to row of that: odd, so that the cells of a column lie in many sets of the cache
	vectors     int        // of all
}

// packedAxis is how one axis is pooled.
type packedAxis struct {
	block int   // lines of a block; 0: none
	table []int // for each window, how many lines make it, and where they are, in bytes: 1 + packedTaps numbers
}

const (
	packedPlanes = 8 // at a time
	packedTaps   = 5 // up to how many lines are combined one by one

	packedLeast  = 4       // planes: of so many, as few as half of the lanes are worth it
	packedCells  = 1 << 11 // 45×45. At 48×48 it is 1.6 times as slow as by flat planes, at 44×44 it takes half of the time
	packedSooner = 20      // columns, up to which it is faster than fused kernels, whose rows are few vectors
)

// isPacked reports whether planes are packed, and prepares for it.
func (c *call[T]) isPacked() bool {
	h, w := c.h, c.w
	if c.ops.pack == nil || c.unit != 1 || h.d != 1 || w.d != 1 || c.planes < packedLeast ||
		h.in*w.in < 4 || h.out*w.out < 4 || h.in > packedCells/w.in || h.out > packedCells/max(w.out, w.in) {
		return false
	}
	p := &c.packed
	p.src = max(h.in*w.in, h.out*w.out)
	p.pitch = w.in | 1
	p.suffix = max(h.in, h.out) * p.pitch
	p.vectors = p.src + p.suffix + h.out*p.pitch
	p.down.prepare(h, w.in*packedPlanes, p.src*packedPlanes)
	p.along.prepare(w, packedPlanes, -p.suffix*packedPlanes)
	return true
}

// prepare makes the table of an axis whose lines are so many elements apart. Ends of blocks come suffix elements behind.
func (p *packedAxis) prepare(a axis, line, suffix int) {
	p.block, p.table = 0, p.table[:0]
	if block := min(a.k, a.in); block > packedTaps {
		p.block = block
	}
	for i := range a.out {
		first, taps := a.taps(i)
		last := first + taps - 1
		var entry [1 + packedTaps]int
		add := func(elements int) {
			entry[0]++
			entry[entry[0]] = 4 * elements
		}
		switch {
		case p.block == 0:
			for t := range taps {
				add((first + t) * line)
			}
		case taps == 0:
		default:
			if first%p.block > 0 {
				add(first*line + suffix) // the end of a block
			}
			if first%p.block == 0 || first/p.block < last/p.block {
				add(last * line) // the beginning of one
			}
		}
		p.table = append(p.table, entry[:]...)
	}
}

// packedRun computes planes [p0, p1).
func (c *call[T]) packedRun(p0, p1 int, s *scratch) {
	s.reset()
	in, out := c.h.in*c.w.in, c.h.out*c.w.out
	tmp := carve[T](s, packedPlanes*c.packed.vectors)
	dst, src := c.dst[p0*out:p1*out], c.src[p0*in:p1*in]
	for ; len(src) >= packedPlanes*in; dst, src = dst[packedPlanes*out:], src[packedPlanes*in:] {
		c.pack(dst[:packedPlanes*out], src[:packedPlanes*in], tmp)
	}
	if len(src) > 0 { // fewer planes, among others
		few, results := carve[T](s, packedPlanes*in), carve[T](s, packedPlanes*out)
		fill(few[copy(few, src):], 0)
		c.pack(results, few, tmp)
		copy(dst, results)
	}
}

// pack computes as many planes as are packed.
func (c *call[T]) pack(dst, src, tmp []T) {
	const vector = packedPlanes
	h, w, p := c.h, c.w, &c.packed
	suffix, half := tmp[vector*p.src:], tmp[vector*(p.src+p.suffix):]
	k := c.ops.pack(tmp, src, h.in*w.in)
	if p.down.block > 0 {
		k.ends(suffix, tmp, w.in, vector, h.in, vector*w.in, p.down.block)
	}
	k.combine(half, tmp, w.in, vector, h.out, vector*p.pitch, vector, p.down.table, nil)
	if p.along.block > 0 {
		k.ends(suffix, half, h.out, vector*p.pitch, w.in, vector, p.along.block)
	}
	k.combine(tmp, half, h.out, vector*p.pitch, w.out, vector, vector*w.out, p.along.table, nil)
	c.ops.unpack(dst, tmp, h.out*w.out, c.by)
}

// Channels of small NHWC planes are pooled likewise, a vector of them at a time, which is copied first: so windows by blocks stay in
// the first-level cache, where rows of all channels do not, and runs of channels are chunks.

// channelCells is how many cells a plane may have of which channels are packed: 20×20. Windows of 13×13 on 28×28 take up to 1.4 times as
// long as by rows, and windows of less than half the plane up to 1.25 times (-bench Shapes/layout=nhwc, with other limits).
const channelCells = 400

// isChannels reports whether channels are packed, and prepares for it.
func (c *call[T]) isChannels() bool {
	h, w, lanes := c.h, c.w, c.ops.lanes
	fits := func(a axis) bool { return a.byBlocks() && 2*a.k > a.in }
	if c.ops.lines == nil || c.unit == 1 || c.unit%lanes != 0 || h.in*w.in > channelCells || !fits(h) || !fits(w) {
		return false
	}
	p := &c.packed
	p.pitch = w.in | 1
	p.src, p.suffix = h.in*p.pitch, h.in*(max(w.in, w.out)|1)
	p.vectors = p.src + p.suffix + h.in*(w.out|1)
	p.rows.prepare(axis{in: h.in, out: h.in, k: 1, s: 1, d: 1}, w.in*c.unit, 0)
	p.along.prepare(w, lanes, p.src*lanes)
	p.down.prepare(h, (w.out|1)*lanes, -p.suffix*lanes)
	return true
}

// channelsRun computes channels [c0, c1) of planes [p0, p1).
func (c *call[T]) channelsRun(p0, p1, c0, c1 int, s *scratch) {
	s.reset()
	h, w, u, lanes := c.h, c.w, c.unit, c.ops.lanes
	p, k := &c.packed, c.ops.lines
	tmp := carve[T](s, lanes*p.vectors)
	suffix, half := tmp[lanes*p.src:], tmp[lanes*(p.src+p.suffix):]
	pitch, halfPitch := lanes*p.pitch, lanes*(w.out|1)
	for plane := p0; plane < p1; plane++ {
		for i := c0; i < c1; i += lanes {
			k.combine(tmp, c.src[plane*h.in*w.in*u+i:], w.in, u, h.in, pitch, lanes, p.rows.table, nil)
			k.ends(suffix, tmp, h.in, pitch, w.in, lanes, p.along.block)
			k.combine(half, tmp, h.in, pitch, w.out, lanes, halfPitch, p.along.table, nil)
			k.ends(suffix, half, w.out, lanes, h.in, halfPitch, p.down.block)
			k.combine(c.dst[plane*h.out*w.out*u+i:], half, w.out, lanes, h.out, w.out*u, u, p.down.table, c.by)
		}
	}
}
