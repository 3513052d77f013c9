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

// scales computes the reciprocals of the divisors of the windows [x0, x1) of a row of which so many rows count.
func (c *call[T]) scales(by []T, rows, x0, x1 int) {
	divisor, r := -1, T(0)
	for x := x0; x < x1; x++ {
		if d := c.windowDivisor(rows, c.colsCounted(x)); d != divisor {
			divisor, r = d, reciprocal[T](d)
		}
		fill(by[(x-x0)*c.unit:][:c.unit], r)
	}
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
