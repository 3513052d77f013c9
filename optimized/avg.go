package optimized

import (
	"math"

	"example.com/pool2d"
)

// rowsCounted returns how many rows of window y count in the divisor.
func (p *plan) rowsCounted(y int) int { return p.counted(p.h, y) }

// colsCounted returns how many columns of window x count in the divisor.
func (p *plan) colsCounted(x int) int { return p.counted(p.w, x) }

func (p *plan) counted(a axis, i int) int {
	if p.count {
		return a.counted(i)
	}
	_, n := a.taps(i)
	return n
}

// windowDivisor returns the divisor of a window of which rows·cols taps count. It is 0 where the sum is, without a tap.
func (p *plan) windowDivisor(rows, cols int) int {
	if p.divisor > 0 {
		return p.divisor
	}
	return rows * cols
}

// reciprocal returns 1/divisor, and 0 for the divisor 0 of a window without taps.
func reciprocal[T pool2d.Elem](divisor int) T {
	if divisor == 0 {
		return 0
	}
	return 1 / T(divisor)
}

// countColumns computes, once a call, how many columns of a window count in the divisor: two divisions of integers for
// each that hangs over an edge. Done for every row, they were three quarters of 31×31 on 128×128.
func (c *call[T]) countColumns() {
	c.in0, c.in1 = c.w.inner()
	c.edges = c.edges[:0]
	if c.in0+c.w.out-c.in1 > maxEdges {
		return
	}
	for x := range c.in0 {
		c.edges = append(c.edges, c.colsCounted(x))
	}
	for x := c.in1; x < c.w.out; x++ {
		c.edges = append(c.edges, c.colsCounted(x))
	}
}

// maxEdges is how many of these numbers are kept, 32 KiB.
const maxEdges = 1 << 12

// columns returns what colsCounted does.
func (c *call[T]) columns(x int) int {
	switch {
	case c.in0 <= x && x < c.in1:
		return c.w.k // all alike
	case len(c.edges) == 0:
		return c.colsCounted(x)
	case x < c.in0:
		return c.edges[x]
	}
	return c.edges[c.in0+x-c.in1]
}

// scales computes the reciprocals of the divisors of the windows [x0, x1) of a row of which so many rows count.
func (c *call[T]) scales(by []T, rows, x0, x1 int) {
	in0, in1 := min(max(c.in0, x0), x1), min(max(c.in1, x0), x1)
	edge := func(from, to int) {
		for x := from; x < to; x++ {
			r := reciprocal[T](c.windowDivisor(rows, c.columns(x)))
			for i := range c.unit {
				by[(x-x0)*c.unit+i] = r
			}
		}
	}
	edge(x0, in0)
	fill(by[(in0-x0)*c.unit:(in1-x0)*c.unit], reciprocal[T](c.windowDivisor(rows, c.w.k)))
	edge(in1, x1)
}

// scaleRows computes the reciprocals of the divisors of all windows, so many apart from row to row.
func (c *call[T]) scaleRows(apart int) {
	n := c.w.out * c.unit
	c.by = c.sharedRows(c.h.out * apart)
	counted := -1
	for y := range c.h.out {
		row := c.by[y*apart:][:n]
		if rows := c.rowsCounted(y); rows != counted {
			counted = rows
			c.scales(row, rows, 0, c.w.out)
		} else {
			copy(row, c.by[(y-1)*apart:])
		}
	}
}

// factors computes the reciprocals of the divisors that all chunks share.
func (c *call[T]) factors() {
	c.by = nil
	if !c.scaled {
		return
	}
	if c.path == pathWhole {
		c.by = c.sharedRows(1)
		c.by[0] = reciprocal[T](c.windowDivisor(c.rowsCounted(0), c.colsCounted(0)))
		return
	}
	c.countColumns()
	switch {
	case c.path == pathFused:
		n, reach := pitch(c.w.out), c.h.k/2 // rows that can hang over an edge
		c.by = c.sharedRows((2*reach + 1) * n)
		for i := range 2*reach + 1 { // as band.factors has them; k3s1Same takes the second for a last row too, where it is the second
			y := min(i, c.h.out-1)
			if i > reach {
				y = max(0, c.h.out-(2*reach+1)+i)
			}
			c.scales(c.by[i*n:], c.rowsCounted(y), 0, c.w.out)
		}
	case c.path == pathCells && c.together:
		windows := 0 // unlike each other along a row
		for x := 0; x < c.w.out; x += c.alike(x) {
			windows++
		}
		c.by = c.sharedRows(windows * c.h.out)
		i := 0
		for x := 0; x < c.w.out; x += c.alike(x) {
			for y := range c.h.out {
				c.by[i] = reciprocal[T](c.windowDivisor(c.rowsCounted(y), c.columns(x)))
				i++
			}
		}
	case c.path == pathChannels:
		c.by = c.sharedRows(c.h.out * c.w.out)
		for i := range c.by {
			c.by[i] = reciprocal[T](c.windowDivisor(c.rowsCounted(i/c.w.out), c.columns(i%c.w.out)))
		}
	case c.path == pathNarrow:
		c.scaleRows(narrowWidth)
	case c.path == pathHeld:
		c.heldFactors()
	case c.path == pathFlat || c.path == pathPacked || (c.path == pathBlocks || c.path == pathRows && !c.byCells) && c.h.out*c.w.out*c.unit <= sharedCells:
		c.scaleRows(c.w.out * c.unit)
	}
}

// sharedCells is up to how many divisors of a plane are computed once a call, not once a row that differs from the
// last. Divisions are 4 to 6 cycles each; a plane has few rows that differ, but small planes are many.
const sharedCells = 1 << 14

// sharedRows returns n elements for by.
func (c *call[T]) sharedRows(n int) []T {
	if cap(c.shared) < n {
		c.shared = make([]T, n)
	}
	return c.shared[:n]
}

func directSum[T pool2d.Elem](out, src []T, p plan, row, nrows, col, ncols int) {
	clear(out)
	for range nrows {
		at := (row*p.w.in + col) * p.unit
		for range ncols {
			for i, v := range src[at:][:len(out)] {
				out[i] += v
			}
			at += p.w.d * p.unit
		}
		row += p.h.d
	}
}

// directMean computes the exact average of integers, rounded half away from zero and saturated.
func directMean[T pool2d.Elem](out, src []T, p plan, row, nrows, col, ncols, divisor int) {
	low, high := int64(least[T]()), greatest[T]()
	for i := range out {
		var sum int64
		for r := range nrows {
			at := ((row+r*p.h.d)*p.w.in+col)*p.unit + i
			for range ncols {
				sum += int64(src[at])
				at += p.w.d * p.unit
			}
		}
		out[i] = T(min(max(roundedQuotient(sum, int64(divisor)), low), high))
	}
}

// roundedQuotient returns a/b rounded half away from zero, and 0 for b = 0.
func roundedQuotient(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	q, r := a/b, a%b
	switch {
	case r > 0 && r >= b-r:
		q++
	case r < 0 && -r >= b+r:
		q--
	}
	return q
}

// greatest returns the greatest integer of T. It is not meant for floating-point types.
func greatest[T pool2d.Elem]() int64 {
	switch least := int64(least[T]()); least {
	case 0:
		return math.MaxUint8
	default:
		return -(least + 1)
	}
}
