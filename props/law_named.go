package props

import (
	"fmt"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// namedWindows holds the windows that networks have against the reference, on the cells of any case: fast
// implementations have loops of their own for them, with blocks, tails and conditions that a window of random numbers
// meets too rarely. Each is pooled both ways, with a divisor, with CountPad, in ceil mode in turn, and so are a window
// that is the whole plane, and that with padding. Only the extents and the cells of a case are used, and windows
// whose taps are too many to be cheap are left out. It has no condition but that of equals_reference.
func namedWindows[T pool2d.Elem](s *subject[T], c Case[T]) error {
	random := stream(c.Seed)
	for _, p := range windowsFor(c.Src.Shape) {
		for _, p.Op = range []pool2d.Op{pool2d.Max, pool2d.Avg} {
			turn := random.next() >> 32
			p.Ceil = turn&3 == 3
			p.CountPad = p.Op == pool2d.Avg && turn>>2&1 != 0
			if p.Divisor = 0; p.Op == pool2d.Avg && turn>>3&3 == 3 {
				p.Divisor = 3
			}
			out, err := pool2d.OutputShape(c.Src.Shape, p)
			if err != nil || tapsOf(c.Src.Shape, out, p) > 1<<15 || needs(Case[T]{Src: c.Src, Params: p})&s.impl.Lacks != 0 {
				continue
			}
			y, err := s.pool(c.Src, p)
			if err != nil {
				return err
			}
			want, err := reference.Pool2D(c.Src, p)
			if err != nil {
				return say(c.Src, p, "the reference refuses the case: %v", err)
			}
			call := fmt.Sprintf("%v of %d×%d", p.Op, p.Kernel.H, p.Kernel.W)
			if err := right(call, c.Src, p, y, want); err != nil {
				return err
			}
		}
	}
	return nil
}

// tapsOf returns how many taps the windows of a pooling have, at most: what it costs.
func tapsOf(in, out pool2d.Shape, p pool2d.Params) int {
	return out.N * out.C * out.H * out.W * min(p.Kernel.H, in.H) * min(p.Kernel.W, in.W)
}

// windowsFor returns windows that networks have, one of a single cell whatever its dilation, and those that are as large
// as the plane.
func windowsFor(in pool2d.Shape) []pool2d.Params {
	square := func(n int) pool2d.HW { return pool2d.HW{H: n, W: n} }
	around := func(n int) pool2d.Pad { return pool2d.Pad{Top: n, Left: n, Bottom: n, Right: n} }
	var all []pool2d.Params
	for _, w := range []struct{ kernel, stride, pad int }{
		{2, 2, 0}, {2, 1, 0}, {3, 2, 0}, {3, 2, 1}, {3, 1, 0}, {3, 1, 1}, {3, 3, 0}, {1, 1, 0}, {1, 2, 0}, {5, 1, 2}, {7, 1, 3}, {9, 4, 0}, {13, 1, 6},
	} {
		all = append(all, pool2d.Params{Kernel: square(w.kernel), Stride: square(w.stride), Pad: around(w.pad)})
	}
	plane := pool2d.HW{H: in.H, W: in.W}
	half := pool2d.Pad{Top: in.H / 2, Left: in.W / 2, Bottom: in.H / 2, Right: in.W / 2}
	one := pool2d.Params{Kernel: square(1), Stride: square(1), Dilation: square(remotest)} // of a single tap: it changes nothing
	return append(all, one, pool2d.Params{Kernel: plane}, pool2d.Params{Kernel: plane, Stride: square(1), Pad: half})
}
