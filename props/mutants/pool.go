package mutants

import (
	"fmt"
	"math"
	"math/bits"

	"example.com/pool2d"
)

// A pool is one plain, right implementation of the contract, cut into its steps. A mutant is a pool with one of them
// replaced, and so is a lawful variant. Every step has the default that its comment describes.
type pool[T pool2d.Elem] struct {
	layout pool2d.Layout
	into   bool           // offers Pool2DInto instead of Pool2D
	lacks  pool2d.Feature // what the variant does not offer

	// At the door.
	limits   []limit                                        // what is refused, in order
	defaults func(p pool2d.Params) pool2d.Params            // zero strides and dilations spelled out
	valid    func(src pool2d.Tensor[T]) error               // the length of the data
	accepts  func(c *call[T], dst pool2d.Tensor[T]) bool    // Pool2DInto: dst is of the result's shape and does not overlap src
	suits    func(c *call[T], grad pool2d.Tensor[T]) bool   // Grad: grad is of the result's shape
	refuse   func(err error) error                          // the answer to what is out of bounds
	anyIndex bool                                           // Indices: of averages too
	label    func(result pool2d.Tensor[T]) pool2d.Tensor[T] // what is said of the result's cells

	// The parameters as each stage sees them. A stage that mixes up axes or sides rewrites them on the way in.
	forShape, forTaps, forDivisor, forGrad func(p pool2d.Params) pool2d.Params
	bounds                                 func(in pool2d.Shape) pool2d.Shape // what taps are checked against

	// The number of outputs on an axis.
	floor   func(room, stride int) int    // room/stride rounded down, room may be negative
	clip    func(a axis, outputs int) int // ceil mode: without a last window that starts behind the plane
	outputs func(a axis) int              // made of the two

	// The taps of a window on an axis. A tap is real if its cell lies in the plane.
	start   func(a axis, i int) int                // the cell of window i's first tap
	first   func(a axis, start int) int            // the first real tap
	end     func(a axis, start int) int            // one past the last real tap
	tap     func(a axis, start, j int) int         // the cell of tap j
	counted func(a axis, start int) int            // how many taps lie inside the plane and its pads
	offset  func(c *call[T], cell pool2d.Cell) int // where a source cell lies in memory

	// A maximum.
	maximum func(w *window[T]) (best T, at int) // the value and which tap it is; -1 if there is none
	better  func(v, best T) bool                // whether v replaces best: greater, or NaN
	empty   T                                   // the maximum of no taps
	index   func(w *window[T], at int) int64    // of tap at, in the unpadded plane

	// An average.
	sum     func(w *window[T]) float64
	divisor func(w *window[T]) int
	mean    func(sum float64, divisor int) T // the quotient, rounded and saturated
	average func(w *window[T]) T             // made of the three

	// The gradient.
	blank   func(n int) []T // zeros
	share   func(w *window[T], g T) T
	scatter func(dx []T, i int, g T)                          // dx[i] += g
	spread  func(w *window[T], dx []T, g T)                   // one output's gradient to its cells
	back    func(planes int, plane func(i int))               // the order of the planes
	order   func(c *call[T], n, ch int, f func(w *window[T])) // the order of the windows

	// The call as a whole.
	touch  func(c *call[T])                        // before the work
	result func(c *call[T], n int) []T             // memory for the outputs
	each   func(planes int, plane func(i int))     // the order of the planes, and who does them
	paths  []path[T]                               // special cases: the first that fits does the plane
	write  func(c *call[T], w *window[T], value T) // stores an output
}

// A path is a special case: a loop of its own for the calls that it fits.
type path[T pool2d.Elem] struct {
	fits  func(c *call[T]) bool
	plane func(c *call[T], n, ch int)
}

// A limit is one reason to refuse a call.
type limit struct {
	field  string
	broken func(in pool2d.Shape, p pool2d.Params) bool
}

// An axis is one axis of a pooling.
type axis struct {
	name                                          byte // 'h' or 'w'
	extent, kernel, stride, dilation, lead, trail int
	ceil                                          bool
}

func (a axis) span() int { return a.dilation*(a.kernel-1) + 1 }

// axes cuts a call into its two axes; p is normalized.
func axes(in pool2d.Shape, p pool2d.Params) (h, w axis) {
	return axis{'h', in.H, p.Kernel.H, p.Stride.H, p.Dilation.H, p.Pad.Top, p.Pad.Bottom, p.Ceil},
		axis{'w', in.W, p.Kernel.W, p.Stride.W, p.Dilation.W, p.Pad.Left, p.Pad.Right, p.Ceil}
}

// A side is one window on one axis.
type side struct {
	axis  axis
	start int   // the cell of its first tap, which may lie in the padding
	cells []int // its real taps
}

// A window is one output: its taps in row-major order.
type window[T pool2d.Elem] struct {
	call       *call[T]
	out        pool2d.Cell
	rows, cols side
	cells      []pool2d.Cell
	values     []T
}

// padded reports whether some tap of the window is not real.
func (w *window[T]) padded() bool {
	return len(w.rows.cells) < w.rows.axis.kernel || len(w.cols.cells) < w.cols.axis.kernel
}

// A call is one call's arguments and what was derived from them.
type call[T pool2d.Elem] struct {
	pool       *pool[T]
	params     pool2d.Params // normalized
	src, dst   pool2d.Tensor[T]
	indices    []int64 // nil unless asked for
	rows, cols []side  // the windows
}

func same(p pool2d.Params) pool2d.Params { return p }

// plain returns the right implementation.
func plain[T pool2d.Elem]() *pool[T] {
	m := &pool[T]{
		limits:     limits(),
		defaults:   pool2d.Params.Normalized,
		forShape:   same,
		forTaps:    same,
		forDivisor: same,
		forGrad:    same,
		bounds:     func(in pool2d.Shape) pool2d.Shape { return in },
		floor:      floorDiv,
		start:      func(a axis, i int) int { return i*a.stride - a.lead },
		first:      func(a axis, start int) int { return max(0, -floorDiv(start, a.dilation)) },
		end:        func(a axis, start int) int { return min(a.kernel, floorDiv(a.extent-1-start, a.dilation)+1) },
		tap:        func(a axis, start, j int) int { return start + j*a.dilation },
		counted:    func(a axis, start int) int { return min(a.kernel, (a.extent+a.trail-1-start)/a.dilation+1) },
		offset:     func(c *call[T], cell pool2d.Cell) int { return c.src.Offset(cell) },
		better:     func(v, best T) bool { return v > best || isNaN(v) },
		empty:      least[T](),
		blank:      func(n int) []T { return make([]T, n) },
		scatter:    func(dx []T, i int, g T) { dx[i] += g },
		touch:      func(*call[T]) {},
		each:       inOrder,
		back:       inOrder,
		order:      (*call[T]).windows,
		result:     func(_ *call[T], n int) []T { return make([]T, n) },
	}
	m.valid = pool2d.Tensor[T].Validate
	m.accepts = func(c *call[T], dst pool2d.Tensor[T]) bool {
		return m.suits(c, dst) && !overlap(dst.Data, c.src.Data)
	}
	m.suits = func(c *call[T], x pool2d.Tensor[T]) bool {
		return x.Shape == c.dst.Shape && x.Layout == c.dst.Layout && x.Validate() == nil
	}
	m.refuse = func(err error) error { return err }
	m.label = func(result pool2d.Tensor[T]) pool2d.Tensor[T] { return result }
	m.clip = func(a axis, outputs int) int {
		if outputs > floorDiv(a.extent+a.lead-1, a.stride)+1 { // (outputs-1)·stride >= extent+lead, without the product
			outputs--
		}
		return outputs
	}
	m.outputs = func(a axis) int {
		room := a.extent + a.lead + a.trail - a.span()
		if !a.ceil {
			return m.floor(room, a.stride) + 1
		}
		return m.clip(a, -m.floor(-room, a.stride)+1)
	}
	m.maximum = m.maxOf
	m.index = func(w *window[T], at int) int64 {
		if at < 0 {
			return -1
		}
		return int64(w.cells[at].H*w.call.src.W + w.cells[at].W)
	}
	m.sum = func(w *window[T]) (sum float64) {
		for _, v := range w.values {
			sum += float64(v)
		}
		return sum
	}
	m.divisor = func(w *window[T]) int {
		p := m.forDivisor(w.call.params)
		switch {
		case p.Divisor != 0:
			return p.Divisor
		case p.CountPad:
			h, v := axes(w.call.src.Shape, p)
			return m.counted(h, w.rows.start) * m.counted(v, w.cols.start)
		}
		return len(w.cells)
	}
	m.mean = func(sum float64, divisor int) T {
		if isFloat[T]() {
			return T(sum / float64(divisor))
		}
		return T(min(max(math.Round(sum/float64(divisor)), float64(least[T]())), float64(greatest[T]())))
	}
	m.average = func(w *window[T]) T {
		if len(w.values) == 0 {
			return 0
		}
		return m.mean(m.sum(w), m.divisor(w))
	}
	m.share = func(w *window[T], g T) T { return T(float64(g) / float64(m.divisor(w))) }
	m.spread = func(w *window[T], dx []T, g T) {
		if w.call.params.Op == pool2d.Max {
			if _, at := m.maximum(w); at >= 0 {
				m.scatter(dx, w.call.src.Offset(w.cells[at]), g)
			}
			return
		}
		for _, cell := range w.cells {
			m.scatter(dx, w.call.src.Offset(cell), m.share(w, g))
		}
	}
	m.write = func(c *call[T], w *window[T], value T) { c.dst.Data[c.dst.Offset(w.out)] = value }
	return m
}

func inOrder(planes int, plane func(i int)) {
	for i := range planes {
		plane(i)
	}
}

// maxOf returns the greatest value, of equals the first, of NaNs the last.
func (m *pool[T]) maxOf(w *window[T]) (T, int) {
	best, at := m.empty, -1
	for i, v := range w.values {
		if at < 0 || m.better(v, best) {
			best, at = v, i
		}
	}
	return best, at
}

// maxFrom is the maximum of an implementation that starts from a sentinel instead of the first tap.
func (m *pool[T]) maxFrom(sentinel T) func(w *window[T]) (T, int) {
	return func(w *window[T]) (T, int) {
		best, at := sentinel, -1
		for i, v := range w.values {
			if m.better(v, best) {
				best, at = v, i
			}
		}
		return best, at
	}
}

// impl returns m as an implementation.
func (m *pool[T]) impl(name string) pool2d.Impl[T] {
	im := pool2d.Impl[T]{Name: name, Layout: m.layout, Lacks: m.lacks, Indices: m.pool2DIndices}
	if m.into {
		im.Pool2DInto = m.pool2DInto
	} else {
		im.Pool2D = m.pool2D
	}
	if isFloat[T]() {
		im.Grad = m.pool2DGrad
	}
	return im
}

func (m *pool[T]) pool2D(src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	c, err := m.open(src, p)
	if err != nil {
		return pool2d.Tensor[T]{}, m.refuse(err)
	}
	c.dst.Data = m.result(c, c.dst.N*c.dst.C*c.dst.H*c.dst.W)
	m.run(c)
	return m.label(c.dst), nil
}

func (m *pool[T]) pool2DInto(dst, src pool2d.Tensor[T], p pool2d.Params) error {
	c, err := m.open(src, p)
	if err != nil {
		return err
	}
	if !m.accepts(c, dst) {
		return fmt.Errorf("dst is %v with %d cells, want %v apart from src", dst.Shape, len(dst.Data), c.dst.Shape)
	}
	c.dst.Data = dst.Data
	m.run(c)
	return nil
}

func (m *pool[T]) pool2DIndices(src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], []int64, error) {
	c, err := m.open(src, p)
	if err == nil && p.Op != pool2d.Max && !m.anyIndex {
		err = fmt.Errorf("an average has no indices")
	}
	if err != nil {
		return pool2d.Tensor[T]{}, nil, err
	}
	c.dst.Data = m.result(c, c.dst.N*c.dst.C*c.dst.H*c.dst.W)
	c.indices = make([]int64, len(c.dst.Data))
	m.run(c)
	return m.label(c.dst), c.indices, nil
}

func (m *pool[T]) pool2DGrad(grad, src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	c, err := m.open(src, p)
	if err == nil && !m.suits(c, grad) {
		err = fmt.Errorf("grad is %v, want %v", grad.Shape, c.dst.Shape)
	}
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	c.params = m.forGrad(c.params)
	c.place()
	dx := pool2d.Tensor[T]{Shape: src.Shape, Data: m.blank(len(src.Data)), Layout: src.Layout}
	m.back(src.N*src.C, func(i int) {
		m.order(c, i/src.C, i%src.C, func(w *window[T]) { m.spread(w, dx.Data, grad.Data[grad.Offset(w.out)]) })
	})
	return dx, nil
}

// open checks the arguments and derives the geometry. The result has its shape, but no cells yet.
func (m *pool[T]) open(src pool2d.Tensor[T], p pool2d.Params) (*call[T], error) {
	for _, l := range m.limits {
		if l.broken(src.Shape, p) {
			return nil, fmt.Errorf("%s is out of bounds: %v of %v", l.field, p, src.Shape)
		}
	}
	c := &call[T]{pool: m, params: m.defaults(p), src: src}
	h, w := axes(src.Shape, m.forShape(c.params))
	c.dst = pool2d.Tensor[T]{Shape: pool2d.Shape{N: src.N, C: src.C, H: m.outputs(h), W: m.outputs(w)}, Layout: src.Layout}
	if has(m.limits, "output") && (c.dst.H < 1 || c.dst.W < 1) {
		return nil, fmt.Errorf("output size %dx%d is out of bounds: %v of %v", c.dst.H, c.dst.W, p, src.Shape)
	}
	if err := m.valid(src); err != nil {
		return nil, err
	}
	// A right implementation never gets here with a result this large; a mutant with fewer limits must not take the
	// machine down.
	if most := 4*len(src.Data) + 1<<20; c.dst.H > most || c.dst.W > most || product(max(c.dst.H, 0), max(c.dst.W, 0)) > most {
		return nil, fmt.Errorf("output size %dx%d: no memory", c.dst.H, c.dst.W)
	}
	c.place()
	return c, nil
}

// place finds the taps of every window.
func (c *call[T]) place() {
	h, w := axes(c.pool.bounds(c.src.Shape), c.pool.forTaps(c.params))
	c.rows, c.cols = c.pool.sides(h, c.dst.H), c.pool.sides(w, c.dst.W)
}

// sides returns the windows of an axis.
func (m *pool[T]) sides(a axis, outputs int) []side {
	all := make([]side, max(outputs, 0))
	for i := range all {
		start := m.start(a, i)
		s := side{axis: a, start: start}
		for j := m.first(a, start); j < m.end(a, start); j++ {
			s.cells = append(s.cells, m.tap(a, start, j))
		}
		all[i] = s
	}
	return all
}

// run does a forward call.
func (m *pool[T]) run(c *call[T]) {
	m.touch(c)
	m.each(c.src.N*c.src.C, func(i int) {
		for _, path := range m.paths {
			if path.fits(c) {
				path.plane(c, i/c.src.C, i%c.src.C)
				return
			}
		}
		c.windows(i/c.src.C, i%c.src.C, c.pooled)
	})
}

// windows calls f with each window of a plane. A window lives until f returns.
func (c *call[T]) windows(n, ch int, f func(w *window[T])) {
	w := &window[T]{call: c}
	for y := range c.rows {
		for x := range c.cols {
			c.fill(w, n, ch, y, x)
			f(w)
		}
	}
}

// fill makes w the window of output n ch y x.
func (c *call[T]) fill(w *window[T], n, ch, y, x int) {
	w.call, w.out = c, pool2d.Cell{N: n, C: ch, H: y, W: x}
	w.rows, w.cols = c.rows[y], c.cols[x]
	w.cells, w.values = w.cells[:0], w.values[:0]
	for _, row := range w.rows.cells {
		for _, col := range w.cols.cells {
			cell := pool2d.Cell{N: n, C: ch, H: row, W: col}
			w.cells = append(w.cells, cell)
			w.values = append(w.values, c.src.Data[c.pool.offset(c, cell)])
		}
	}
}

// pooled computes one output.
func (c *call[T]) pooled(w *window[T]) {
	m := c.pool
	if c.params.Op == pool2d.Avg {
		m.write(c, w, m.average(w))
		return
	}
	best, at := m.maximum(w)
	m.write(c, w, best)
	if c.indices != nil {
		c.indices[c.dst.Offset(w.out)] = m.index(w, at)
	}
}

// limits returns what the contract refuses of shape and parameters. The last is asked for by name, once the output size
// is known.
func limits() []limit {
	never := func(pool2d.Shape, pool2d.Params) bool { return false }
	return []limit{
		{"N", func(in pool2d.Shape, _ pool2d.Params) bool { return in.N < 0 }},
		{"C", func(in pool2d.Shape, _ pool2d.Params) bool { return in.C < 1 }},
		{"H", func(in pool2d.Shape, _ pool2d.Params) bool { return in.H < 1 }},
		{"W", func(in pool2d.Shape, _ pool2d.Params) bool { return in.W < 1 }},
		{"Op", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Op > pool2d.Avg }},
		{"Kernel", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Kernel.H < 1 || p.Kernel.W < 1 }},
		{"Stride", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Stride.H < 0 || p.Stride.W < 0 }},
		{"Dilation", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Dilation.H < 0 || p.Dilation.W < 0 }},
		{"Pad", func(_ pool2d.Shape, p pool2d.Params) bool {
			return min(p.Pad.Top, p.Pad.Left, p.Pad.Bottom, p.Pad.Right) < 0
		}},
		{"Divisor", func(_ pool2d.Shape, p pool2d.Params) bool { return p.Divisor < 0 }},
		{"taps", func(_ pool2d.Shape, p pool2d.Params) bool { return product(p.Kernel.H, p.Kernel.W) < 0 }},
		{"span", func(_ pool2d.Shape, p pool2d.Params) bool {
			p = p.Normalized()
			h, w := product(p.Dilation.H, p.Kernel.H-1), product(p.Dilation.W, p.Kernel.W-1)
			return h < 0 || h == math.MaxInt || w < 0 || w == math.MaxInt
		}},
		{"Pad limit", func(in pool2d.Shape, p pool2d.Params) bool {
			h, w := axes(in, p.Normalized())
			return max(h.lead, h.trail) > h.span()/2 || max(w.lead, w.trail) > w.span()/2
		}},
		{"plane", func(in pool2d.Shape, p pool2d.Params) bool {
			h, w := axes(in, p)
			return h.extent > math.MaxInt-h.lead-h.trail || w.extent > math.MaxInt-w.lead-w.trail
		}},
		{"output", never},
	}
}

// without returns m's limits but those of the field.
func without(all []limit, field string) (rest []limit) {
	for _, l := range all {
		if l.field != field {
			rest = append(rest, l)
		}
	}
	return rest
}

func has(all []limit, field string) bool { return len(without(all, field)) < len(all) }

// product returns a·b of two numbers that are not negative, or -1 if it is past the range of int.
func product(a, b int) int {
	if hi, lo := bits.Mul64(uint64(a), uint64(b)); hi == 0 && lo <= math.MaxInt {
		return int(lo)
	}
	return -1
}

// floorDiv returns a/b rounded down, b > 0.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func isNaN[T pool2d.Elem](v T) bool { return math.IsNaN(float64(v)) }

func isFloat[T pool2d.Elem]() bool {
	half := 0.5
	return T(half) != 0
}

// least returns −Inf, or the least integer of the type.
func least[T pool2d.Elem]() T {
	if isFloat[T]() {
		return T(math.Inf(-1))
	}
	return greatest[T]() + 1 // it wraps around
}

// greatest returns +Inf, or the greatest integer of the type.
func greatest[T pool2d.Elem]() T {
	var v any
	switch any(T(0)).(type) {
	case float32:
		v = float32(math.Inf(1))
	case float64:
		v = math.Inf(1)
	case int8:
		v = int8(math.MaxInt8)
	case uint8:
		v = uint8(math.MaxUint8)
	case int32:
		v = int32(math.MaxInt32)
	}
	return v.(T)
}

// overlap reports whether a and b share memory.
func overlap[T any](a, b []T) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	for i := range a {
		if &a[i] == &b[0] {
			return true
		}
	}
	for i := range b {
		if &b[i] == &a[0] {
			return true
		}
	}
	return false
}

// negative reports whether v has a minus sign, a zero included.
func negative[T pool2d.Elem](v T) bool { return math.Signbit(float64(v)) }
