package optimized

import "example.com/pool2d"

// differentiation is a gradient under way. A chunk is whole planes: windows of a plane overlap.
type differentiation[T pool2d.Elem] struct {
	job
	plan
	cut
	dx, grad, src []T
}

// backward computes dx, which is zero.
func backward[T pool2d.Elem](dx, grad, src pool2d.Tensor[T], p pool2d.Params) {
	if len(dx.Data) == 0 {
		return
	}
	c := &differentiation[T]{plan: newPlan(src.Shape, grad.Shape, src.Layout, p), dx: dx.Data, grad: grad.Data, src: src.Data}
	c.task = c
	elements := 2*len(c.dx) + len(c.grad)
	procs := goroutines(elements)
	c.cut = newCut(c.planes, 1, 1, (c.h.in*c.w.in+c.h.out*c.w.out)*c.unit, procs)
	c.start(c.chunks, elements, procs)
}

func (c *differentiation[T]) run(i int, _ *scratch) {
	p0, p1, _, _ := c.at(i, c.planes, 1)
	in, out := c.h.in*c.w.in*c.unit, c.h.out*c.w.out*c.unit
	for plane := p0; plane < p1; plane++ {
		dx, grad, src := c.dx[plane*in:][:in], c.grad[plane*out:][:out], c.src[plane*in:][:in]
		if c.op == pool2d.Max {
			c.maxPlane(dx, grad, src)
		} else {
			c.avgPlane(dx, grad)
		}
	}
}

// maxPlane adds each output's gradient to the cell that is its maximum.
func (c *differentiation[T]) maxPlane(dx, grad, src []T) {
	best, index := make([]T, c.unit), make([]int64, c.unit)
	for y := range c.h.out {
		for x := range c.w.out {
			windowMax(best, index, src, c.plan, y, x)
			for i, g := range grad[(y*c.w.out+x)*c.unit:][:c.unit] {
				if index[i] >= 0 {
					dx[int(index[i])*c.unit+i] += g
				}
			}
		}
	}
}

// avgPlane is the adjoint of the separable average: a row of gradients, each over its divisor, is spread along the row
// under its windows, and that row is added to each row under them.
func (c *differentiation[T]) avgPlane(dx, grad []T) {
	u := c.unit
	spread := make([]T, c.w.in*u)
	for y := range c.h.out {
		row, nrows := c.h.taps(y)
		if nrows == 0 {
			continue
		}
		clear(spread)
		for x := range c.w.out {
			col, ncols := c.w.taps(x)
			by := reciprocal[T](c.windowDivisor(c.rowsCounted(y), c.colsCounted(x)))
			g := grad[(y*c.w.out+x)*u:][:u]
			for range ncols {
				to := spread[col*u:][:u]
				for i := range to {
					to[i] += g[i] * by
				}
				col += c.w.d
			}
		}
		for range nrows {
			to := dx[row*len(spread):][:len(spread)]
			for i := range to {
				to[i] += spread[i]
			}
			row += c.h.d
		}
	}
}
