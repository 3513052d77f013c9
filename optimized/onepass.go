package optimized

import (
	"unsafe"

	"example.com/pool2d"
)

// In plain Go, windows of 2×2/2, 3×3/2, 3×3/1 and 5×5/1 are computed in one pass over the rows under them, at stride 1 for two
// rows of windows, which share all rows but one each:
//
//	cells    a ┬                      column of up    a + m       m = b + c
//	         b │ ┬                    column of low       m + d
//	         c ┴ │                    up[x]           p + (q + r), columns x … x+2; and up[x+1] is (q + r) + s
//	         d   ┴
//
// Columns beyond an edge are the identity, and so are rows beyond one, but that a maximum takes the row at the edge once more. Maxima
// are what min makes of cells negated, negated: on amd64 three instructions for six.

// float is what plain Go pools in one pass.
type float interface{ float32 | float64 }

// lines are rows of windows and the rows of cells under them.
type lines[T float] struct {
	cells   [6][]T
	out, by [2][]T
	left    int // pad
}

// onePass returns the kernel of op for windows of a kind.
func onePass[T float](op pool2d.Op, kind int) fusedKernels[T] {
	shape := windowOf[kind]
	together := 2 / shape.stride // rows of windows
	n := shape.k + together - 1  // of cells; the next windows are two further down
	return fusedKernels[T]{exact: func(dst, src []T, f *band, by []T) bool {
		l := lines[T]{left: f.left}
		for plane := range f.planes {
			cells := src[plane*f.h*f.w:][:f.h*f.w]
			for y := f.y0; y < f.y1; y += together {
				i := 0
				for ; y > f.y0 && i < n-2; i++ {
					l.cells[i] = l.cells[i+2]
				}
				for ; i < n; i++ {
					row := y*shape.stride - f.top + i
					if op == pool2d.Avg && (row < 0 || row >= f.h) {
						l.cells[i] = zeroRow[T]()[:f.w]
						continue
					}
					row = min(max(row, 0), f.h-1)
					l.cells[i] = cells[row*f.w:][:f.w]
				}
				for i := range together { // a last row without a partner is written twice, at last as it should be
					row := min(y+i, f.y1-1)
					l.out[i] = dst[(plane*f.oh+row)*f.ow:][:f.ow]
					if op == pool2d.Avg {
						l.by[i] = by[f.factors(shape.k, row)*pitch(f.ow):][:f.ow]
					}
				}
				l.run(op, kind)
			}
		}
		return true
	}}
}

// run is a switch, since a function of a table would have lines on the heap.
func (l *lines[T]) run(op pool2d.Op, kind int) {
	switch {
	case kind == k2s2 && op == pool2d.Max:
		l.max2()
	case kind == k2s2:
		l.sum2()
	case kind == k3s2 && op == pool2d.Max:
		l.max32()
	case kind == k3s2:
		l.sum32()
	case kind == k3s1 && op == pool2d.Max:
		l.max3()
	case kind == k3s1:
		l.sum3()
	case kind == k5s1 && op == pool2d.Max:
		l.max5()
	case kind == k5s1:
		l.sum5()
	}
}

func (l *lines[T]) max2() {
	a, b, out := l.cells[0], l.cells[1], l.out[0]
	n := min(len(out), len(a)/2)
	p, q, whole := pairs(a)[:n], pairs(b)[:n], out[:n]
	for x := range whole {
		whole[x] = -min(-p[x][0], -p[x][1], -q[x][0], -q[x][1])
	}
	if n < len(out) {
		out[n] = max(a[2*n], b[2*n])
	}
}

func (l *lines[T]) sum2() {
	a, b, out, by := l.cells[0], l.cells[1], l.out[0], l.by[0]
	n := min(len(out), len(a)/2)
	p, q, whole, factors := pairs(a)[:n], pairs(b)[:n], out[:n], by[:n]
	for x := range whole {
		whole[x] = (p[x][0] + p[x][1] + (q[x][0] + q[x][1])) * factors[x]
	}
	if n < len(out) {
		out[n] = (a[2*n] + b[2*n]) * by[n]
	}
}

func (l *lines[T]) max32() {
	a, b, c, out := l.cells[0], l.cells[1], l.cells[2], l.out[0]
	p := -least[T]()
	at := 1 - l.left // columns that are taken
	if at == 1 {
		p = min(-a[0], -b[0], -c[0])
	}
	n := min(len(out), (len(a)-at)/2)
	{
		a, b, c, out := pairs(a[at:])[:n], pairs(b[at:])[:n], pairs(c[at:])[:n], out[:n]
		for x := range out {
			q, r := min(-a[x][0], -b[x][0], -c[x][0]), min(-a[x][1], -b[x][1], -c[x][1])
			out[x] = -min(p, q, r)
			p = r
		}
	}
	if n < len(out) {
		if at += 2 * n; at < len(a) {
			p = min(p, -a[at], -b[at], -c[at])
		}
		out[n] = -p
	}
}

func (l *lines[T]) sum32() {
	a, b, c, out, by := l.cells[0], l.cells[1], l.cells[2], l.out[0], l.by[0]
	var p T
	at := 1 - l.left
	if at == 1 {
		p = a[0] + b[0] + c[0]
	}
	n := min(len(out), (len(a)-at)/2)
	{
		a, b, c, out, by := pairs(a[at:])[:n], pairs(b[at:])[:n], pairs(c[at:])[:n], out[:n], by[:n]
		for x := range out {
			q, r := a[x][0]+b[x][0]+c[x][0], a[x][1]+b[x][1]+c[x][1]
			out[x] = (p + q + r) * by[x]
			p = r
		}
	}
	if n < len(out) {
		if at += 2 * n; at < len(a) {
			p += a[at] + b[at] + c[at]
		}
		out[n] = p * by[n]
	}
}

func (l *lines[T]) max3() {
	a := l.cells[0]
	b, c, d := l.cells[1][:len(a)], l.cells[2][:len(a)], l.cells[3][:len(a)]
	column := func(i int) (up, low T) {
		m := min(-b[i], -c[i])
		return min(-a[i], m), min(m, -d[i])
	}
	up := l.out[0]
	low := l.out[1][:len(up)]
	none := -least[T]()
	p0, q0, p1, q1 := none, none, none, none
	at, x := 0, 0
	for ; at < 2-l.left; at++ {
		r0, r1 := none, none
		if at < len(a) {
			r0, r1 = column(at)
		}
		p0, q0, p1, q1 = q0, r0, q1, r1
	}
	for ; x < len(up)-1 && at < len(a)-1; x, at = x+2, at+2 {
		r0, r1 := column(at)
		s0, s1 := column(at + 1)
		qr0, qr1 := min(q0, r0), min(q1, r1)
		low[x], low[x+1] = -min(p1, qr1), -min(qr1, s1)
		up[x], up[x+1] = -min(p0, qr0), -min(qr0, s0)
		p0, q0, p1, q1 = r0, s0, r1, s1
	}
	for ; x < len(up); x, at = x+1, at+1 {
		r0, r1 := none, none
		if at < len(a) {
			r0, r1 = column(at)
		}
		low[x] = -min(p1, q1, r1)
		up[x] = -min(p0, q0, r0)
		p0, q0, p1, q1 = q0, r0, q1, r1
	}
}

func (l *lines[T]) sum3() {
	a := l.cells[0]
	b, c, d := l.cells[1][:len(a)], l.cells[2][:len(a)], l.cells[3][:len(a)]
	column := func(i int) (up, low T) {
		m := b[i] + c[i]
		return a[i] + m, m + d[i]
	}
	up := l.out[0]
	low, byUp, byLow := l.out[1][:len(up)], l.by[0][:len(up)], l.by[1][:len(up)]
	var p0, q0, p1, q1 T
	at, x := 0, 0
	for ; at < 2-l.left; at++ {
		var r0, r1 T
		if at < len(a) {
			r0, r1 = column(at)
		}
		p0, q0, p1, q1 = q0, r0, q1, r1
	}
	for ; x < len(up)-1 && at < len(a)-1; x, at = x+2, at+2 {
		r0, r1 := column(at)
		s0, s1 := column(at + 1)
		qr0, qr1 := q0+r0, q1+r1
		low[x], low[x+1] = (p1+qr1)*byLow[x], (qr1+s1)*byLow[x+1]
		up[x], up[x+1] = (p0+qr0)*byUp[x], (qr0+s0)*byUp[x+1]
		p0, q0, p1, q1 = r0, s0, r1, s1
	}
	for ; x < len(up); x, at = x+1, at+1 {
		var r0, r1 T
		if at < len(a) {
			r0, r1 = column(at)
		}
		low[x] = (p1 + q1 + r1) * byLow[x]
		up[x] = (p0 + q0 + r0) * byUp[x]
		p0, q0, p1, q1 = q0, r0, q1, r1
	}
}

func (l *lines[T]) max5() {
	a := l.cells[0]
	b, c, d, e, f := l.cells[1][:len(a)], l.cells[2][:len(a)], l.cells[3][:len(a)], l.cells[4][:len(a)], l.cells[5][:len(a)]
	column := func(i int) (up, low T) {
		m := min(-b[i], -c[i], -d[i], -e[i])
		return min(-a[i], m), min(m, -f[i])
	}
	up := l.out[0]
	low := l.out[1][:len(up)]
	none := -least[T]()
	p0, q0, r0, s0, p1, q1, r1, s1 := none, none, none, none, none, none, none, none
	at, x := 0, 0
	for ; at < 4-l.left; at++ {
		t0, t1 := none, none
		if at < len(a) {
			t0, t1 = column(at)
		}
		p0, q0, r0, s0 = q0, r0, s0, t0
		p1, q1, r1, s1 = q1, r1, s1, t1
	}
	for ; x < len(up)-1 && at < len(a)-1; x, at = x+2, at+2 {
		t0, t1 := column(at)
		u0, u1 := column(at + 1)
		m0, m1 := min(q0, r0, s0, t0), min(q1, r1, s1, t1)
		low[x], low[x+1] = -min(p1, m1), -min(m1, u1)
		up[x], up[x+1] = -min(p0, m0), -min(m0, u0)
		p0, q0, r0, s0 = r0, s0, t0, u0
		p1, q1, r1, s1 = r1, s1, t1, u1
	}
	for ; x < len(up); x, at = x+1, at+1 {
		t0, t1 := none, none
		if at < len(a) {
			t0, t1 = column(at)
		}
		low[x] = -min(p1, q1, r1, s1, t1)
		up[x] = -min(p0, q0, r0, s0, t0)
		p0, q0, r0, s0 = q0, r0, s0, t0
		p1, q1, r1, s1 = q1, r1, s1, t1
	}
}

func (l *lines[T]) sum5() {
	a := l.cells[0]
	b, c, d, e, f := l.cells[1][:len(a)], l.cells[2][:len(a)], l.cells[3][:len(a)], l.cells[4][:len(a)], l.cells[5][:len(a)]
	column := func(i int) (up, low T) {
		m := b[i] + c[i] + d[i] + e[i]
		return a[i] + m, m + f[i]
	}
	up := l.out[0]
	low, byUp, byLow := l.out[1][:len(up)], l.by[0][:len(up)], l.by[1][:len(up)]
	var p0, q0, r0, s0, p1, q1, r1, s1 T
	at, x := 0, 0
	for ; at < 4-l.left; at++ {
		var t0, t1 T
		if at < len(a) {
			t0, t1 = column(at)
		}
		p0, q0, r0, s0 = q0, r0, s0, t0
		p1, q1, r1, s1 = q1, r1, s1, t1
	}
	for ; x < len(up)-1 && at < len(a)-1; x, at = x+2, at+2 {
		t0, t1 := column(at)
		u0, u1 := column(at + 1)
		m0, m1 := q0+r0+s0+t0, q1+r1+s1+t1
		low[x], low[x+1] = (p1+m1)*byLow[x], (m1+u1)*byLow[x+1]
		up[x], up[x+1] = (p0+m0)*byUp[x], (m0+u0)*byUp[x+1]
		p0, q0, r0, s0 = r0, s0, t0, u0
		p1, q1, r1, s1 = r1, s1, t1, u1
	}
	for ; x < len(up); x, at = x+1, at+1 {
		var t0, t1 T
		if at < len(a) {
			t0, t1 = column(at)
		}
		low[x] = (p1 + q1 + r1 + s1 + t1) * byLow[x]
		up[x] = (p0 + q0 + r0 + s0 + t0) * byUp[x]
		p0, q0, r0, s0 = q0, r0, s0, t0
		p1, q1, r1, s1 = q1, r1, s1, t1
	}
}

// pairs returns cells two by two.
func pairs[T float](cells []T) [][2]T {
	return unsafe.Slice((*[2]T)(unsafe.Pointer(unsafe.SliceData(cells))), len(cells)/2)
}
