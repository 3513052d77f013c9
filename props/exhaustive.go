package props

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/pool2d"
)

// Scope is a finite set of geometries, complete up to its limits: on each axis, every extent, kernel, stride and
// dilation from 1 to the limit, every leading and trailing pad from 0 to half of the span, and of these whatever has an
// output; every pair of axes, with and without ceil mode, with and without CountPad.
type Scope struct {
	Extent, Kernel, Stride, Dilation int
}

var (
	// SmallScope has 184,628 geometries and takes a few seconds. It holds everything that two windows can do to each
	// other on an axis: overlap, touch, leave gaps, hang over on either side, step over a plane of one cell.
	SmallScope = Scope{Extent: 4, Kernel: 3, Stride: 3, Dilation: 2}

	// LargeScope has 1,132,436 geometries. The reference takes 7 s for them, on two cores of an Intel Xeon (family 6
	// model 167; POOL2D_CAMPAIGN=1 go test ./props -run ExhaustiveMillion -v).
	LargeScope = Scope{Extent: 5, Kernel: 3, Stride: 3, Dilation: 3}
)

// Exhaustive pools every geometry of the scope with impl, both ways, and holds each result against the windows of the
// contract. What impl lacks is left out.
//
// Each geometry is pooled with one plane for each cell, in which that cell alone is hot, and with planes whose cells are
// all distinct. That decides more than any number of random cells could: a maximum over some set of cells is hot exactly
// where its set has the hot cell, and a sum of cells with fixed weights shows, for each hot cell, that cell's weight.
// So an implementation that is any maximum over windows, or any fixed-weight sum, and passes, has the windows and the
// divisors of the contract in every geometry of the scope, completely, and is right there for all cells that there are.
// What it does not prove: that the implementation is of that kind (that it does not look at the cells' values to choose
// windows, or at the number of planes), and what it does beyond the scope. The laws look for these.
//
// The windows of an axis do not depend on the other axis: they are derived once for each, and a result is judged by the
// pair. It is the pooling of planes that is judged, for every pair.
func Exhaustive[T pool2d.Elem](t *testing.T, impl pool2d.Impl[T], scope Scope) {
	t.Helper()
	if err := sound(impl); err != nil {
		t.Error(err)
		return
	}
	n, c, err := exhaust(impl, scope)
	if err != nil {
		rep := report[T]{
			law:  Law[T]{Name: "exhaustive", Law: fmt.Sprintf("every geometry of %+v has the windows of the contract", scope)},
			impl: impl, c: c, broken: err, dir: artifactDir(t),
		}
		t.Error(rep.text())
		return
	}
	t.Logf("%d geometries", n)
}

// Geometries returns how many geometries the scope has.
func (s Scope) Geometries() int {
	n := 0
	for _, ceil := range []bool{false, true} {
		axes := len(s.axes(ceil))
		n += 2 * axes * axes
	}
	return n
}

// An axisCase is one axis of a geometry, with its windows.
type axisCase struct {
	k, s, d, lead, trail, extent int

	windows []axisWindow
	has     [][]bool // whether window i has cell j
}

// axes returns every axis of the scope, short ones first.
func (s Scope) axes(ceil bool) []axisCase {
	var all []axisCase
	for extent := 1; extent <= s.Extent; extent++ {
		for k := 1; k <= s.Kernel; k++ {
			for d := 1; d <= s.Dilation; d++ {
				half := (d*(k-1) + 1) / 2
				for stride := 1; stride <= s.Stride; stride++ {
					for lead := 0; lead <= half; lead++ {
						for trail := 0; trail <= half; trail++ {
							a := axisCase{k: k, s: stride, d: d, lead: lead, trail: trail, extent: extent}
							if a.derive(ceil) {
								all = append(all, a)
							}
						}
					}
				}
			}
		}
	}
	return all
}

// derive finds the windows, and reports whether there are any.
func (a *axisCase) derive(ceil bool) bool {
	p, in := paramsOf(*a, axisCase{k: 1, s: 1, d: 1, extent: 1}), pool2d.Shape{N: 1, C: 1, H: a.extent, W: 1}
	p.Ceil = ceil
	out, err := pool2d.OutputShape(in, p)
	if err != nil {
		return false
	}
	a.windows = axisWindows(a.extent, out.H, a.k, a.s, a.d, a.lead, a.trail)
	a.has = make([][]bool, len(a.windows))
	for i, w := range a.windows {
		a.has[i] = make([]bool, a.extent)
		for _, cell := range w.taps {
			a.has[i][cell] = true
		}
	}
	return true
}

// paramsOf joins two axes.
func paramsOf(h, w axisCase) pool2d.Params {
	return pool2d.Params{
		Kernel:   pool2d.HW{H: h.k, W: w.k},
		Stride:   pool2d.HW{H: h.s, W: w.s},
		Dilation: pool2d.HW{H: h.d, W: w.d},
		Pad:      pool2d.Pad{Top: h.lead, Left: w.lead, Bottom: h.trail, Right: w.trail},
	}
}

// exhaust judges the scope and returns how many geometries it has, or the first case that is wrong.
func exhaust[T pool2d.Elem](impl pool2d.Impl[T], scope Scope) (judged int, wrong Case[T], broken error) {
	for _, ceil := range []bool{false, true} {
		var (
			axes   = scope.axes(ceil)
			next   atomic.Int64 // the first axis of the pair that a worker takes
			n      atomic.Int64
			failed atomic.Bool
			mu     sync.Mutex
			first  = math.MaxInt
			group  sync.WaitGroup
		)
		workers := runtime.GOMAXPROCS(0)
		if impl.Lacks&pool2d.Concurrency != 0 {
			workers = 1
		}
		for range workers {
			group.Go(func() {
				s := newSubject(impl)
				planes := map[pool2d.HW]*hotPlanes[T]{}
				for !failed.Load() {
					i := int(next.Add(1)) - 1
					if i >= len(axes) {
						return
					}
					for j := range axes {
						hw := pool2d.HW{H: axes[i].extent, W: axes[j].extent}
						if planes[hw] == nil {
							planes[hw] = newHotPlanes[T](hw)
						}
						done, c, err := planes[hw].judge(s, axes[i], axes[j], ceil)
						n.Add(int64(done))
						if err == nil {
							continue
						}
						failed.Store(true)
						mu.Lock()
						if i*len(axes)+j < first {
							first, wrong, broken = i*len(axes)+j, c, err
						}
						mu.Unlock()
						return
					}
				}
			})
		}
		group.Wait()
		judged += int(n.Load())
		if broken != nil {
			return judged, wrong, broken
		}
	}
	return judged, wrong, nil
}

// hotPlanes is what the geometries of one extent are pooled with: for each cell a plane (a channel) in which it is hot,
// then a plane that rises from cell to cell, then one that falls.
type hotPlanes[T pool2d.Elem] struct {
	max, avg     pool2d.Tensor[T]
	cold, hot    T // of a maximum: below zero where T goes there, so that zeros in the padding would win
	hotAvg       int
	rises, falls func(i int) T
}

func newHotPlanes[T pool2d.Elem](hw pool2d.HW) *hotPlanes[T] {
	cells := hw.H * hw.W
	x := &hotPlanes[T]{cold: 1, hot: 2, hotAvg: 1}
	base := 1
	if least[T]() < 0 {
		x.cold, x.hot = x.cold-3, x.hot-3
		base = -cells
	}
	if !isFloat[T]() {
		x.hotAvg = 100 // so that its quotients differ
	}
	x.rises = func(i int) T { return T(base + i) }
	x.falls = func(i int) T { return T(base + cells - 1 - i) }
	shape := pool2d.Shape{N: 1, C: cells + 2, H: hw.H, W: hw.W}
	x.max = pool2d.Tensor[T]{Shape: shape, Data: make([]T, shape.C*cells)}
	x.avg = pool2d.Tensor[T]{Shape: shape, Data: make([]T, shape.C*cells)}
	for c := range cells {
		for i := range cells {
			x.max.Data[c*cells+i] = x.cold
		}
		x.max.Data[c*cells+c] = x.hot
		x.avg.Data[c*cells+c] = T(x.hotAvg)
	}
	for i := range cells {
		rise, fall := cells*cells+i, cells*(cells+1)+i
		x.max.Data[rise], x.max.Data[fall] = x.rises(i), x.falls(i)
		x.avg.Data[rise], x.avg.Data[fall] = x.rises(i), x.falls(i)
	}
	return x
}

// judge pools the pair of axes: a maximum, an average, an average with CountPad. It returns how many geometries that
// were, and the case that is wrong.
func (x *hotPlanes[T]) judge(s *subject[T], h, w axisCase, ceil bool) (done int, wrong Case[T], err error) {
	for _, call := range []struct {
		op       pool2d.Op
		countPad bool
	}{{pool2d.Max, false}, {pool2d.Avg, false}, {pool2d.Avg, true}} {
		p := paramsOf(h, w)
		p.Op, p.CountPad, p.Ceil = call.op, call.countPad, ceil
		src := x.max
		if p.Op == pool2d.Avg {
			src = x.avg
		}
		if pool2d.Needs(src.Shape, p)&s.impl.Lacks != 0 {
			continue
		}
		if p.Op == pool2d.Avg || s.impl.Lacks&pool2d.AvgOp != 0 {
			done++
		}
		y, err := s.pool(src, p)
		if err != nil {
			return done, Case[T]{Src: src, Params: p}, err
		}
		if c := x.differs(y, p, h, w); c >= 0 {
			wrong, err := accuse(s, src, c, p)
			return done, wrong, err
		}
	}
	return done, wrong, nil
}

// differs returns a channel with a wrong cell, or -1.
func (x *hotPlanes[T]) differs(y pool2d.Tensor[T], p pool2d.Params, h, w axisCase) int {
	cells := h.extent * w.extent
	i := 0
	for c := range cells {
		hotRow, hotCol := c/w.extent, c%w.extent
		for oh := range h.windows {
			for ow := range w.windows {
				taps := len(h.windows[oh].taps) * len(w.windows[ow].taps)
				seen := h.has[oh][hotRow] && w.has[ow][hotCol]
				if p.Op == pool2d.Max {
					want := x.cold
					switch {
					case seen:
						want = x.hot
					case taps == 0:
						want = least[T]()
					}
					if y.Data[i] != want {
						return c
					}
				} else {
					sum := 0
					if seen {
						sum = x.hotAvg
					}
					if !isMean(y.Data[i], sum, sum, taps, divisorOf(p, h.windows[oh], w.windows[ow])) {
						return c
					}
				}
				i++
			}
		}
	}
	for c, value := range []func(i int) T{x.rises, x.falls} {
		for oh := range h.windows {
			for ow := range w.windows {
				best, sum, size, taps := least[T](), 0, 0, 0
				for _, row := range h.windows[oh].taps {
					for _, col := range w.windows[ow].taps {
						v := value(row*w.extent + col)
						best = max(best, v)
						sum += int(v)
						size += max(int(v), -int(v))
						taps++
					}
				}
				if p.Op == pool2d.Max && y.Data[i] != best ||
					p.Op == pool2d.Avg && !isMean(y.Data[i], sum, size, taps, divisorOf(p, h.windows[oh], w.windows[ow])) {
					return cells + c
				}
				i++
			}
		}
	}
	return -1
}

func divisorOf(p pool2d.Params, h, w axisWindow) int {
	if p.CountPad {
		return h.counted * w.counted
	}
	return len(h.taps) * len(w.taps)
}

// isMean reports whether got is the average that sum and divisor make, size being the sum of magnitudes: of integers
// exactly, else within the bound of package pool2d's doc, rounded down.
func isMean[T pool2d.Elem](got T, sum, size, taps, divisor int) bool {
	if taps == 0 || size == 0 {
		return got == 0
	}
	if !isFloat[T]() {
		return float64(got) == math.Round(float64(sum)/float64(divisor))
	}
	u := 0x1p-53
	if _, ok := any(got).(float32); ok {
		u = 0x1p-24
	}
	exact := float64(sum) / float64(divisor) // itself off by 2⁻⁵³, which the bound of a float64 has room for
	return math.Abs(float64(got)-exact) <= float64(taps+2)*u*float64(size)/float64(divisor)
}

// accuse makes a case of one channel, if that alone is wrong too, and else of all.
func accuse[T pool2d.Elem](s *subject[T], src pool2d.Tensor[T], channel int, p pool2d.Params) (Case[T], error) {
	cells := src.H * src.W
	one := Case[T]{Params: p, Src: pool2d.Tensor[T]{
		Shape: pool2d.Shape{N: 1, C: 1, H: src.H, W: src.W},
		Data:  append([]T(nil), src.Data[channel*cells:(channel+1)*cells]...),
	}}
	all := Case[T]{Params: p, Src: src}
	for _, c := range []Case[T]{one, all} {
		if err := equalsReference(s, c); err != nil {
			return c, err
		}
	}
	return all, say(src, p, "channel %d differed from its windows, and does not when it is pooled again", channel)
}
