package props

import "example.com/pool2d"

// geometry is where the windows of a pooling lie. It is the suite's own derivation, by division: the reference
// enumerates windows and asks each cell, OutputShape counts windows by formula, and the three are held against each other.
type geometry struct {
	in, out    pool2d.Shape
	p          pool2d.Params // normalized
	rows, cols []axisWindow
}

// axisWindow is a window on one axis.
type axisWindow struct {
	taps    []int // the real ones
	counted int   // taps inside the plane and its pads
}

// geometryOf trusts that the call is valid.
func geometryOf(in pool2d.Shape, p pool2d.Params) geometry {
	out, err := pool2d.OutputShape(in, p)
	if err != nil {
		panic("props: geometry of an invalid call: " + err.Error())
	}
	g := geometry{in: in, out: out, p: p.Normalized()}
	g.rows = axisWindows(in.H, out.H, g.p.Kernel.H, g.p.Stride.H, g.p.Dilation.H, g.p.Pad.Top, g.p.Pad.Bottom)
	g.cols = axisWindows(in.W, out.W, g.p.Kernel.W, g.p.Stride.W, g.p.Dilation.W, g.p.Pad.Left, g.p.Pad.Right)
	return g
}

func axisWindows(extent, outputs, kernel, stride, dilation, lead, trail int) []axisWindow {
	windows := make([]axisWindow, outputs)
	for i := range windows {
		start := i*stride - lead
		a, cell := 0, start
		if start < 0 {
			a = (-start-1)/dilation + 1
			cell = start + a*dilation
		}
		for ; a < kernel && cell < extent; a++ {
			windows[i].taps = append(windows[i].taps, cell)
			if dilation >= extent-cell { // the sum may overflow
				break
			}
			cell += dilation
		}
		windows[i].counted = min(kernel, (extent+trail-start-1)/dilation+1)
	}
	return windows
}

// taps appends the real taps of the window of output (h, w) to dst, as positions h·W+w in the plane, in row-major order.
func (g geometry) taps(dst []int, h, w int) []int {
	for _, y := range g.rows[h].taps {
		for _, x := range g.cols[w].taps {
			dst = append(dst, y*g.in.W+x)
		}
	}
	return dst
}

// full reports whether all taps of the window of output (h, w) are real.
func (g geometry) full(h, w int) bool {
	return len(g.rows[h].taps) == g.p.Kernel.H && len(g.cols[w].taps) == g.p.Kernel.W
}

// divisor returns what the sum of the window of output (h, w) is divided by; 0 only where there is no tap.
func (g geometry) divisor(h, w int) int {
	switch {
	case g.p.Divisor != 0:
		return g.p.Divisor
	case g.p.CountPad:
		return g.rows[h].counted * g.cols[w].counted
	}
	return len(g.rows[h].taps) * len(g.cols[w].taps)
}

// each calls f for every output cell, with where its plane begins in NCHW data and the taps of its window in that plane.
func (g geometry) each(f func(out pool2d.Cell, i, plane int, taps []int)) {
	var taps []int
	i := 0
	for n := range g.out.N {
		for c := range g.out.C {
			plane := (n*g.in.C + c) * g.in.H * g.in.W
			for h := range g.out.H {
				for w := range g.out.W {
					taps = g.taps(taps[:0], h, w)
					f(pool2d.Cell{N: n, C: c, H: h, W: w}, i, plane, taps)
					i++
				}
			}
		}
	}
}
