package optimized

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// randomCase draws a valid case: the window, then the pads, then an extent that they fit.
func randomCase(r *rand.Rand) (pool2d.Shape, pool2d.Params) {
	centred := r.IntN(4) == 0 // as many windows as cells, one around each
	axis := func() (extent, k, s, l, t, d int) {
		k, d = 1+r.IntN(5), 1
		switch r.IntN(6) {
		case 0:
			k = 1 + r.IntN(20)
		case 1:
			d = 1 + r.IntN(4)
		}
		s = 1 + r.IntN(3)
		if r.IntN(6) == 0 {
			s = 1 + r.IntN(9)
		}
		span := d*(k-1) + 1
		if r.IntN(3) > 0 {
			l, t = r.IntN(span/2+1), r.IntN(span/2+1)
		}
		if centred {
			k, s, d = k|1, 1, 1
			span, l, t = k, k/2, k/2
		}
		extent = max(1, span-l-t+r.IntN(24))
		if r.IntN(4) == 0 {
			extent += r.IntN(60)
		}
		return
	}
	var p pool2d.Params
	in := pool2d.Shape{N: 1 + r.IntN(3), C: 1 + r.IntN(20)}
	in.H, p.Kernel.H, p.Stride.H, p.Pad.Top, p.Pad.Bottom, p.Dilation.H = axis()
	in.W, p.Kernel.W, p.Stride.W, p.Pad.Left, p.Pad.Right, p.Dilation.W = axis()
	p.Ceil = r.IntN(3) == 0
	if r.IntN(2) == 0 {
		p.Op = pool2d.Avg
		p.CountPad = r.IntN(2) == 0
		if r.IntN(4) == 0 {
			p.Divisor = 1 + r.IntN(9)
		}
	}
	return in, p
}

// randomTensor draws cells that are integers, whose sums are exact, with NaN and infinities among them if weird.
func randomTensor[T pool2d.Elem](r *rand.Rand, in pool2d.Shape, l pool2d.Layout, weird bool) pool2d.Tensor[T] {
	t := pool2d.Tensor[T]{Shape: in, Layout: l, Data: make([]T, in.N*in.C*in.H*in.W)}
	for i := range t.Data {
		t.Data[i] = T(r.IntN(201) - 100)
		if f, ok := any(&t.Data[i]).(*float32); ok && weird && r.IntN(8) == 0 {
			*f = []float32{float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.Copysign(0, -1))}[r.IntN(4)]
		}
	}
	return t
}

func caseName(in pool2d.Shape, p pool2d.Params, l pool2d.Layout) string {
	return pool2d.Descriptor{Shape: in, Params: p, Layout: l}.String()
}

// differ returns the first cell in which got is not want: unequal, or for an average of randomTensor's cells, of 100 at most, further off
// than it may be where each row of a window is divided by itself: their sums are exact.
func differ[T pool2d.Elem](got, want []T, p pool2d.Params) int {
	roundings := float64(p.Kernel.H + 4)
	most := 100.0
	if p.Divisor > 0 {
		most *= max(1, float64(p.Kernel.H*p.Kernel.W)/float64(p.Divisor))
	}
	for i, w := range want {
		g := got[i]
		if g == w || g != g && w != w {
			continue
		}
		if p.Op == pool2d.Avg && isFloat[T]() && math.Abs(float64(g)-float64(w)) <= roundings*0x1p-24*most {
			continue
		}
		return i
	}
	return -1
}

// testEquals compares n random cases with the reference.
func testEquals[T pool2d.Elem](t *testing.T, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	if raceEnabled {
		n /= 10
	}
	for range n {
		testCase[T](t, r)
	}
}

// testCase compares a random case with the reference: results, indices and gradients.
func testCase[T pool2d.Elem](t *testing.T, r *rand.Rand) {
	in, p := randomCase(r)
	l := pool2d.Layout(r.IntN(2))
	x := randomTensor[T](r, in, l, r.IntN(3) == 0)
	want, err := reference.Pool2D(x, p)
	if err != nil {
		return
	}
	got, err := Pool2D(x, p)
	if err != nil {
		t.Fatalf("%s: %v", caseName(in, p, l), err)
	}
	if i := differ(got.Data, want.Data, p); i >= 0 {
		t.Fatalf("%s: cell %v: got %v, want %v", caseName(in, p, l), want.CellAt(i), got.Data[i], want.Data[i])
	}
	if p.Op == pool2d.Max {
		want, wantAt, _ := reference.Pool2DIndices(x, p)
		got, at, err := Pool2DIndices(x, p)
		if err != nil {
			t.Fatal(err)
		}
		if i := differ(got.Data, want.Data, p); i >= 0 {
			t.Fatalf("%s: maximum at %v: got %v, want %v", caseName(in, p, l), want.CellAt(i), got.Data[i], want.Data[i])
		}
		for i := range at {
			if at[i] != wantAt[i] {
				t.Fatalf("%s: index at %v: got %d, want %d", caseName(in, p, l), want.CellAt(i), at[i], wantAt[i])
			}
		}
	}
	if isFloat[T]() {
		g := randomTensor[T](r, want.Shape, l, false)
		want, _ := reference.Pool2DGrad(g, x, p)
		got, err := Pool2DGrad(g, x, p)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want.Data {
			if d := float64(got.Data[i]) - float64(w); math.Abs(d) > 1e-3 {
				t.Fatalf("%s: gradient at %v: got %v, want %v", caseName(in, p, l), want.CellAt(i), got.Data[i], w)
			}
		}
	}
}

// FuzzEqualsReference is TestEqualsReference for as long as one likes, on the kernel set that POOL2D_KERNELS names.
func FuzzEqualsReference(f *testing.F) {
	f.Fuzz(func(t *testing.T, a, b uint64) { testCase[float32](t, rand.New(rand.NewPCG(a, b))) })
}

func TestEqualsReference(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testEquals[float32](t, 2000) })
	t.Run("float64", func(t *testing.T) { testEquals[float64](t, 400) })
	t.Run("int8", func(t *testing.T) { testEquals[int8](t, 400) })
	t.Run("uint8", func(t *testing.T) { testEquals[uint8](t, 200) })
	t.Run("int32", func(t *testing.T) { testEquals[int32](t, 200) })
}

// TestHostile pools shapes that break loops over windows, strips and blocks.
func TestHostile(t *testing.T) {
	hw := func(h, w int) pool2d.HW { return pool2d.HW{H: h, W: w} }
	big := 1 << 31
	for _, c := range []struct {
		in pool2d.Shape
		p  pool2d.Params
	}{
		{pool2d.Shape{N: 1, C: 2, H: 1, W: 3}, pool2d.Params{Kernel: hw(big, big/2), Stride: hw(1, 1), Pad: pool2d.Pad{Top: big / 2, Bottom: big / 2, Left: big / 4, Right: big / 4}}},
		{pool2d.Shape{N: 1, C: 2, H: 2, W: 3}, pool2d.Params{Kernel: hw(2, 2), Stride: hw(1, big), Dilation: hw(big, 1), Pad: pool2d.Pad{Top: big / 2, Bottom: big / 2}, Ceil: true}},
		{pool2d.Shape{N: 0, C: 2, H: 2, W: 3}, pool2d.Params{Kernel: hw(2, 2)}},
		{pool2d.Shape{N: 1, C: 1, H: 3, W: 40000}, pool2d.Params{Kernel: hw(2, 5), Stride: hw(1, 2), Pad: pool2d.Pad{Left: 2}}},
		{pool2d.Shape{N: 1, C: 1, H: 40, W: 20000}, pool2d.Params{Kernel: hw(31, 31), Stride: hw(1, 1), Pad: pool2d.Pad{Left: 15, Top: 15, Right: 2}}},
		{pool2d.Shape{N: 1, C: 1, H: 900, W: 300}, pool2d.Params{Kernel: hw(63, 7), Stride: hw(2, 3), Pad: pool2d.Pad{Left: 3, Top: 30, Right: 2, Bottom: 31}}},
		{pool2d.Shape{N: 1, C: 1, H: 250, W: 260}, pool2d.Params{Kernel: hw(9, 5), Stride: hw(1, 1), Pad: pool2d.Pad{Left: 2, Top: 4, Right: 1, Bottom: 4}}},
		{pool2d.Shape{N: 1, C: 2, H: 200, W: 160}, pool2d.Params{Kernel: hw(7, 13), Stride: hw(3, 2), Dilation: hw(2, 1), Pad: pool2d.Pad{Left: 6, Top: 6}}},
		{pool2d.Shape{N: 1, C: 1, H: 2, W: 9000}, pool2d.Params{Kernel: hw(1, 9000)}},
		{pool2d.Shape{N: 1, C: 70, H: 300, W: 31}, pool2d.Params{Kernel: hw(300, 31)}},
		{pool2d.Shape{N: 110, C: 50, H: 1, W: 4}, pool2d.Params{Kernel: hw(1, 3), Stride: hw(1, 1), Pad: pool2d.Pad{Left: 1}, Dilation: hw(1, 2)}},
	} {
		for _, set := range KernelSets() {
			undo, _ := force(set)
			defer undo()
			for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
				for _, l := range []pool2d.Layout{pool2d.NCHW, pool2d.NHWC} {
					c.p.Op = op
					x := randomTensor[float32](rand.New(rand.NewPCG(3, 4)), c.in, l, false)
					got, err := Pool2D(x, c.p)
					if err != nil {
						t.Fatalf("set %s: %s: %v", set, caseName(c.in, c.p, l), err)
					}
					if c.p.Kernel.H >= big || c.p.Dilation.H >= big {
						continue // a loop over every tap does not end
					}
					for i := 0; i < len(got.Data); i += max(1, len(got.Data)/500) {
						if g, w := got.Data[i], window(x, c.p, got.CellAt(i)); g != w && math.Abs(float64(g-w)) > 1e-4 {
							t.Fatalf("set %s: %s: cell %v: got %v, want %v", set, caseName(c.in, c.p, l), got.CellAt(i), g, w)
						}
					}
				}
			}
		}
	}
}

// TestKeepsNothing pools planes with a NaN that registers would hold, where calls before left factors of averages: once, the
// call that takes over had them too.
func TestKeepsNothing(t *testing.T) {
	x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), pool2d.Shape{N: 1, C: 3, H: 9, W: 14}, pool2d.NCHW, false)
	x.Data[100] = float32(math.NaN())
	for k := 1; k <= 9; k += 2 {
		for range 2 { // as calls that were under way at the same time leave them
			c := &call[float32]{by: make([]float32, 6)}
			c.task = c
			calls[elemIndex[float32]()].Put(c)
		}
		p := squareParams(pool2d.Max, k, 1, k/2)
		y, err := Pool2D(x, p)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range y.Data {
			if w := window(x, p, y.CellAt(i)); g != w && (g == g || w == w) {
				t.Fatalf("%d×%d: cell %v: got %v, want %v", k, k, y.CellAt(i), g, w)
			}
		}
	}
}

// window is one window of the definition.
func window(x pool2d.Tensor[float32], p pool2d.Params, out pool2d.Cell) float32 {
	p = p.Normalized()
	best, sum, real, counted := math.Inf(-1), 0.0, 0, 0
	for a := range p.Kernel.H {
		for b := range p.Kernel.W {
			in := out
			in.H = out.H*p.Stride.H - p.Pad.Top + a*p.Dilation.H
			in.W = out.W*p.Stride.W - p.Pad.Left + b*p.Dilation.W
			if in.H < x.H+p.Pad.Bottom && in.W < x.W+p.Pad.Right {
				counted++
			}
			if in.H < 0 || in.H >= x.H || in.W < 0 || in.W >= x.W {
				continue
			}
			v := float64(x.Data[x.Offset(in)])
			best = max(best, v)
			sum += v
			real++
		}
	}
	switch {
	case p.Op == pool2d.Max:
		return float32(best)
	case real == 0:
		return 0
	case p.Divisor > 0:
		return float32(sum / float64(p.Divisor))
	case p.CountPad:
		return float32(sum / float64(counted))
	}
	return float32(sum / float64(real))
}

// TestRefuses checks that a bad call is an error, and writes nothing.
func TestRefuses(t *testing.T) {
	in := pool2d.Shape{N: 1, C: 1, H: 4, W: 4}
	src := pool2d.Tensor[float32]{Shape: in, Data: make([]float32, 16)}
	dst := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 2}, Data: []float32{7, 7, 7, 7}}
	p := pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}}
	with := func(f func(dst, src *pool2d.Tensor[float32], p *pool2d.Params)) error {
		d, s, q := dst, src, p
		f(&d, &s, &q)
		return Pool2DInto(d, s, q)
	}
	type tensor = pool2d.Tensor[float32]
	for name, err := range map[string]error{
		"kernel 0":     with(func(_, _ *tensor, p *pool2d.Params) { p.Kernel.W = 0 }),
		"pad":          with(func(_, _ *tensor, p *pool2d.Params) { p.Pad.Left = 2 }),
		"op":           with(func(_, _ *tensor, p *pool2d.Params) { p.Op = 9 }),
		"short source": with(func(_, s *tensor, _ *pool2d.Params) { s.Data = s.Data[1:] }),
		"short result": with(func(d, _ *tensor, _ *pool2d.Params) { d.Data = d.Data[1:] }),
		"shape":        with(func(d, _ *tensor, _ *pool2d.Params) { d.Shape = pool2d.Shape{N: 1, C: 1, H: 1, W: 4} }),
		"layout":       with(func(d, _ *tensor, _ *pool2d.Params) { d.Layout = pool2d.NHWC }),
		"overlap":      with(func(d, s *tensor, _ *pool2d.Params) { d.Data = s.Data[12:16] }),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, v := range dst.Data {
		if v != 7 {
			t.Fatalf("an erring call wrote %v", dst.Data)
		}
	}
	if err := with(func(_, _ *tensor, _ *pool2d.Params) {}); err != nil {
		t.Fatal(err)
	}
	avg := p
	avg.Op = pool2d.Avg
	if _, _, err := Pool2DIndices(src, avg); err == nil {
		t.Error("indices of an average: no error")
	}
	if _, err := Pool2DGrad(src, src, p); err == nil {
		t.Error("gradient of the wrong shape: no error")
	}
	ints := pool2d.Tensor[int8]{Shape: in, Data: make([]int8, 16)}
	grad := pool2d.Tensor[int8]{Shape: dst.Shape, Data: make([]int8, 4)}
	if _, err := Pool2DGrad(grad, ints, p); err == nil {
		t.Error("gradient of integers: no error")
	}
}

// TestSameBits pools with several GOMAXPROCS, and at the same time, and compares bits.
func TestSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	in := pool2d.Shape{N: 2, C: 3, H: 113, W: 111}
	for _, p := range []pool2d.Params{
		{Kernel: pool2d.HW{H: 3, W: 3}, Stride: pool2d.HW{H: 2, W: 2}, Pad: pool2d.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}},
		{Op: pool2d.Avg, Kernel: pool2d.HW{H: 2, W: 2}},
		{Op: pool2d.Avg, Kernel: pool2d.HW{H: 31, W: 31}, Stride: pool2d.HW{H: 1, W: 1}, Pad: pool2d.Pad{Top: 15, Left: 15, Bottom: 15, Right: 15}},
		{Op: pool2d.Avg, Kernel: pool2d.HW{H: 113, W: 111}},
		{Op: pool2d.Avg, Kernel: pool2d.HW{H: 3, W: 3}, Stride: pool2d.HW{H: 1, W: 1}, Dilation: pool2d.HW{H: 2, W: 3}},
	} {
		for _, l := range []pool2d.Layout{pool2d.NCHW, pool2d.NHWC} {
			x := randomTensor[float32](r, in, l, false)
			for i := range x.Data {
				x.Data[i] += r.Float32()
			}
			old := runtime.GOMAXPROCS(1)
			want, err := Pool2D(x, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, procs := range []int{2, 3, 8} {
				runtime.GOMAXPROCS(procs)
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						for range 5 {
							got, err := Pool2D(x, p)
							if err != nil {
								t.Error(err)
								return
							}
							for i, w := range want.Data {
								if g := got.Data[i]; math.Float32bits(g) != math.Float32bits(w) {
									t.Errorf("%s, GOMAXPROCS %d: got %v, want %v at %d", caseName(in, p, l), procs, g, w, i)
									return
								}
							}
						}
					})
				}
				wg.Wait()
			}
			runtime.GOMAXPROCS(old)
		}
	}
}

// counted is a task that counts how often each of its chunks runs.
type counted struct {
	job
	runs []atomic.Int32
}

func (c *counted) run(chunk int, _ *scratch) { c.runs[chunk].Add(1) }

// TestCut checks that chunks cover each row of each plane once, and that small calls have as many as goroutines can share.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		planes, rows := 1+r.IntN(300), 1+r.IntN(300)
		together, perRow := 1+r.IntN(rows), 1+r.IntN(1<<r.IntN(14))
		c := newCut(planes, rows, together, rows*perRow, 1+r.IntN(4))
		seen := make([]int, planes*rows)
		for i := range c.chunks {
			p0, p1, y0, y1 := c.at(i, planes, rows)
			for p := p0; p < p1; p++ {
				for y := y0; y < y1; y++ {
					seen[p*rows+y]++
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("%d planes of %d rows of %d elements, %d together, cut as %+v: row %d of plane %d is in %d chunks", planes, rows, perRow, together, c, i%rows, i/rows, n)
			}
		}
	}
	for _, c := range []struct{ planes, perPlane, procs, chunks int }{
		{512, 2 * 13 * 13, 4, 8}, {2048, 50, 4, 4}, {64, 112*112 + 56*56, 4, 16}, {3, 100, 4, 1},
		{512, 2 * 13 * 13, 2, 2}, {100, 2 * 13 * 13, 2, 1}, {512, 2 * 19 * 19, 2, 8}, {512, 2 * 13 * 13, 1, 1}, {64, 112*112 + 56*56, 1, 16},
	} {
		if got := newCut(c.planes, 1, 1, c.perPlane, c.procs).chunks; got != c.chunks {
			t.Errorf("%d planes of %d elements, %d goroutines: %d chunks, want %d", c.planes, c.perPlane, c.procs, got, c.chunks)
		}
	}
}

// TestCover checks which cells the permutations for maxima of narrow planes take, and that pads of up to half a window
// can be done with them.
func TestCover(t *testing.T) {
	for in := 1; in <= narrowWidth; in++ {
		for k := 1; k <= 3*narrowWidth; k++ {
			for l := range k {
				for r := range k {
					for s := 1; s <= narrowWidth && k <= in+l+r; s++ {
						w := axis{in: in, out: (in+l+r-k)/s + 1, k: k, s: s, d: 1, l: l, t: r}
						if w.out > narrowWidth || (w.out-1)*s >= in || l > in {
							continue // see isNarrow
						}
						var n narrowPlanes
						if !n.maxima(w) {
							if 2*max(l, r) <= k {
								t.Fatalf("%+v: there are no permutations", w)
							}
							continue
						}
						var lanes [narrowWidth]uint32 // the cells in each, a bit a cell
						for x := range in {
							lanes[x] = 1 << x
						}
						permuted := func(i int) (p [narrowWidth]uint32) {
							for x := range p {
								p[x] = lanes[n.index[i*narrowWidth+x]]
							}
							return p
						}
						for i := range n.steps / 2 {
							for x, cells := range permuted(i) {
								lanes[x] |= cells
							}
						}
						one, other := lanes, permuted(n.steps/2)
						if n.steps%2 > 0 {
							one = permuted(n.steps/2 + 1)
						}
						for x := range w.out {
							first, taps := w.taps(x)
							if got, want := one[x]|other[x], uint32(1<<taps-1)<<first; got != want {
								t.Fatalf("%+v: window %d has cells %016b, want %016b", w, x, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// TestHalves follows cells through the lanes that sum rows by halves: each window has each of its cells once.
func TestHalves(t *testing.T) {
	longest := [heldReach + 1]int{5: 12, 6: 14, 7: 15} // which 16 lanes have room for
	for reach := range longest {
		for columns := reach + 1; columns <= narrowWidth; columns++ {
			var s halves
			if ok := s.set(columns, reach); ok != (columns <= longest[reach]) {
				t.Errorf("%d columns in windows that reach %d: by halves %v", columns, reach, ok)
			} else if !ok {
				continue
			}
			var sums [narrowWidth][]int
			for lane := range sums {
				if s.begin>>lane&1 == 1 {
					sums[lane] = []int{int(s.cells[lane])}
				}
			}
			for i, from := range s.add {
				before := sums
				for lane := range sums {
					if i == len(s.adds) || s.adds[i]>>lane&1 == 1 {
						sums[lane] = slices.Concat(before[lane], before[from[lane]])
					}
				}
			}
			for x := range columns {
				var want []int
				for cell := max(0, x-reach); cell <= min(columns-1, x+reach); cell++ {
					want = append(want, cell)
				}
				if slices.Sort(sums[x]); !slices.Equal(sums[x], want) {
					t.Errorf("%d columns: window %d that reaches %d has cells %v", columns, x, reach, sums[x])
				}
			}
		}
	}
}

// TestChunks checks that each chunk runs once, whoever takes it.
func TestChunks(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs := 1; procs <= 20; procs++ {
		runtime.GOMAXPROCS(procs)
		for _, chunks := range []int{1, 2, 3, maxParts - 1, maxParts, maxParts + 1, 97, 1000} {
			c := &counted{runs: make([]atomic.Int32, chunks)}
			c.task = c
			for again := range int32(10) {
				c.start(chunks, wakeAbove, procs)
				for i := range c.runs {
					if n := c.runs[i].Load(); n != again+1 {
						t.Fatalf("GOMAXPROCS %d, %d chunks: after %d calls chunk %d has run %d times", procs, chunks, again+1, i, n)
					}
				}
			}
		}
	}
}

// nextCall is a job that is over before its chunk 2, which is of the next call.
type nextCall struct {
	job
	carried []carried
}

func (n *nextCall) run(chunk int, s *scratch) {
	n.carried = append(n.carried, s.carried)
	s.carried = carried{chunk, chunk}
	if chunk == 1 {
		n.turn++
	}
}

// TestCarried checks that a goroutine carries nothing from one call to the next, though it goes on with the same job.
func TestCarried(t *testing.T) {
	n := &nextCall{}
	n.task = n
	n.turn++
	n.parts.Store(1)
	n.all[0].set(0, 4)
	n.work(0)
	nothing := carried{plane: -1}
	if want := []carried{nothing, {0, 0}, nothing, {2, 2}}; !slices.Equal(n.carried, want) {
		t.Errorf("carried %v, want %v", n.carried, want)
	}
}

// TestHelpersEnd checks that helpers neither spin nor stay when there is nothing to do.
func TestHelpersEnd(t *testing.T) {
	for deadline := time.Now().Add(10 * parkedFor); helpers.alive.Load() > 0; time.Sleep(parkedFor / 10) {
		if time.Now().After(deadline) {
			t.Fatalf("%d helpers are still there", helpers.alive.Load())
		}
	}
	if n, m := helpers.awake.Load(), helpers.parked.Load(); n != 0 || m != 0 {
		t.Fatalf("no helper is there, but %d are counted as awake and %d as parked", n, m)
	}
	if n := helpers.open.Load(); n != 0 {
		t.Fatalf("%d jobs are published, and no call is under way", n)
	}
}

// TestScratch checks that what is carved begins a line, and has one before it.
func TestScratch(t *testing.T) {
	s := new(scratch)
	for range 2 {
		s.reset()
		for range 3 {
			at := uintptr(unsafe.Pointer(&carve[float32](s, 5)[0]))
			if before := at - uintptr(unsafe.Pointer(&s.mem[0])); at%64 != 0 || before < 64 {
				t.Errorf("carved at %#x, %d bytes behind what there is", at, before)
			}
		}
	}
}

// TestAllocates checks that a call with the caller's buffer does not allocate.
func TestAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, set := range KernelSets() {
		undo, _ := force(set)
		t.Run("set="+set, testAllocates[float32])
		undo()
	}
	t.Run("float64", testAllocates[float64])
}

func testAllocates[T pool2d.Elem](t *testing.T) {
	for _, p := range []pool2d.Params{
		squareParams(pool2d.Max, 2, 2, 0), squareParams(pool2d.Max, 3, 2, 1), squareParams(pool2d.Max, 3, 1, 1), squareParams(pool2d.Max, 5, 1, 2),
		squareParams(pool2d.Avg, 2, 2, 0), squareParams(pool2d.Avg, 3, 2, 1), squareParams(pool2d.Avg, 3, 1, 1), squareParams(pool2d.Avg, 5, 1, 2),
		squareParams(pool2d.Avg, 13, 1, 0), squareParams(pool2d.Avg, 31, 1, 15), squareParams(pool2d.Avg, 56, 1, 0),
	} {
		for _, l := range []pool2d.Layout{pool2d.NCHW, pool2d.NHWC} {
			x := randomTensor[T](rand.New(rand.NewPCG(7, 8)), pool2d.Shape{N: 1, C: 16, H: 56, W: 56}, l, false)
			y, err := Pool2D(x, p)
			if err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(20, func() { _ = Pool2DInto(y, x, p) }); n != 0 {
				t.Errorf("%s: %v allocations a call", caseName(x.Shape, p, l), n)
			}
		}
	}
}
