package optimized

import "example.com/pool2d"

// The row kernels as Go loops. len(dst) says how many cells to write; src must hold every cell that is named. dst
// overlaps no source, except that pair's dst may be its a or b. A sum adds from left to right. NaN wins every maximum
// (Go's max), and of equal zeros of both signs either may be the maximum.

// foldMax is
//
//	for i := range dst {
//		dst[i] = max(src[i], src[i+apart], …, src[i+(taps-1)*apart])
//	}
func foldMax[T pool2d.Elem](dst, src []T, taps, apart int) {
	first := src[:len(dst)]
	if taps == 1 {
		copy(dst, first)
	}
	for t := 1; t < taps; t += 4 {
		switch more := src[t*apart:]; taps - t {
		case 1:
			pairMax(dst, first, more)
		case 2:
			max3(dst, first, more, apart)
		case 3:
			max4(dst, first, more, apart)
		default:
			max5(dst, first, more, apart)
		}
		first = dst
	}
}

// These are not inlined: in one function they would not have enough registers, and be 1.1 to 1.3 times as slow.
//
//go:noinline
func max3[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i], c[i])
	}
}

//go:noinline
func max4[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c, d := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)], src[2*apart:][:len(dst)]
	for i := range dst {
		dst[i] = max(max(a[i], b[i]), max(c[i], d[i]))
	}
}

//go:noinline
func max5[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c, d, e := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)], src[2*apart:][:len(dst)], src[3*apart:][:len(dst)]
	for i := range dst {
		dst[i] = max(max(a[i], b[i]), max(c[i], d[i]), e[i])
	}
}

// pickMax is
//
//	for i := range dst {
//		dst[i] = max(src[i*step], src[i*step+apart], …, src[i*step+(taps-1)*apart])
//	}
func pickMax[T pool2d.Elem](dst, src []T, step, taps, apart int) {
	switch taps {
	case 2:
		for i := range dst {
			j := i * step
			dst[i] = max(src[j], src[j+apart])
		}
		return
	case 3:
		for i := range dst {
			j := i * step
			dst[i] = max(src[j], src[j+apart], src[j+2*apart])
		}
		return
	}
	for i := range dst {
		j := i * step
		m := src[j]
		for range taps - 1 {
			j += apart
			m = max(m, src[j])
		}
		dst[i] = m
	}
}

// pickCellsMax is
//
//	for i := range dst {
//		dst[i] = max(src[f.at(i)], src[f.at(i)+apart], …, src[f.at(i)+(taps-1)*apart])
//	}
func pickCellsMax[T pool2d.Elem](dst, src []T, f *cellPicks, taps, apart int) {
	for i := range dst {
		pickMax(dst[i:i+1], src[f.at(i):], 1, taps, apart)
	}
}

// pairMax is
//
//	for i := range dst {
//		dst[i] = max(a[i], b[i])
//	}
func pairMax[T pool2d.Elem](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// prefixMax is
//
//	for i := range dst {
//		acc[i] = max(acc[i], src[i])
//		dst[i] = max(end[i], acc[i])
//	}
func prefixMax[T pool2d.Elem](dst, acc, src, end []T) {
	acc, src, end = acc[:len(dst)], src[:len(dst)], end[:len(dst)]
	for i := range dst {
		a := max(acc[i], src[i])
		acc[i] = a
		dst[i] = max(end[i], a)
	}
}

// slideMax is
//
//	for i := range dst {
//		dst[i] = max(src[i], src[i+1], …, src[i+k-1])
//	}
func slideMax[T pool2d.Elem](dst, src []T, k int, _ []T, _ hint[T]) { foldMax(dst, src, k, 1) }

// slideBlockMax folds rows along themselves, and down.
func slideBlockMax[T pool2d.Elem](dst, acc, src, end []T, f *slideRows, by []T, h hint[T]) bool {
	row, v := make([]T, f.n+f.k-1), make([]T, f.n)
	for y := range f.rows {
		fill(row, least[T]())
		copy(row[f.lead:], src[y*f.srcRow:][:f.cells])
		slideMax(v, row, f.k, nil, h)
		prefixMax(dst[y*f.dstRow:][:f.n], acc, v, end[y*f.width:])
		copy(end[y*f.width:], v)
	}
	return true
}

// suffixMax leaves in each row what is behind it.
func suffixMax[T pool2d.Elem](s []T, n, width, rows int) {
	for y := range rows - 1 {
		foldMax(s[y*width:][:n], s[(y+1)*width:], rows-1-y, width)
	}
	fill(s[(rows-1)*width:][:n], least[T]())
}

// reduceMax returns the greatest cell of src, which has one. A tree of eight hides how long a maximum takes.
func reduceMax[T pool2d.Elem](src, _ []T) T {
	a := src[0]
	b := a
	for ; len(src) >= 8; src = src[8:] {
		a = max(a, max(max(src[0], src[1]), max(src[2], src[3])))
		b = max(b, max(max(src[4], src[5]), max(src[6], src[7])))
	}
	for _, v := range src {
		a = max(a, v)
	}
	return max(a, b)
}

// foldSum is foldMax with + for max.
func foldSum[T pool2d.Elem](dst, src []T, taps, apart int) {
	first := src[:len(dst)]
	if taps == 1 {
		copy(dst, first)
	}
	for t := 1; t < taps; t += 4 {
		switch more := src[t*apart:]; taps - t {
		case 1:
			pairSum(dst, first, more)
		case 2:
			sum3(dst, first, more, apart)
		case 3:
			sum4(dst, first, more, apart)
		default:
			sum5(dst, first, more, apart)
		}
		first = dst
	}
}

func sum3[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i] + c[i]
	}
}

func sum4[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c, d := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)], src[2*apart:][:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i] + c[i] + d[i]
	}
}

func sum5[T pool2d.Elem](dst, a, src []T, apart int) {
	a, b, c, d, e := a[:len(dst)], src[:len(dst)], src[apart:][:len(dst)], src[2*apart:][:len(dst)], src[3*apart:][:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i] + c[i] + d[i] + e[i]
	}
}

// pickSum is pickMax with + for max.
func pickSum[T pool2d.Elem](dst, src []T, step, taps, apart int) {
	switch taps {
	case 2:
		for i := range dst {
			j := i * step
			dst[i] = src[j] + src[j+apart]
		}
		return
	case 3:
		for i := range dst {
			j := i * step
			dst[i] = src[j] + src[j+apart] + src[j+2*apart]
		}
		return
	}
	for i := range dst {
		j := i * step
		m := src[j]
		for range taps - 1 {
			j += apart
			m += src[j]
		}
		dst[i] = m
	}
}

// pickCellsSum is pickCellsMax with + for max.
func pickCellsSum[T pool2d.Elem](dst, src []T, f *cellPicks, taps, apart int) {
	for i := range dst {
		pickSum(dst[i:i+1], src[f.at(i):], 1, taps, apart)
	}
}

// pairSum is pairMax with + for max.
func pairSum[T pool2d.Elem](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// prefixSum is prefixMax with + for max.
func prefixSum[T pool2d.Elem](dst, acc, src, end []T) {
	acc, src, end = acc[:len(dst)], src[:len(dst)], end[:len(dst)]
	for i := range dst {
		a := acc[i] + src[i]
		acc[i] = a
		dst[i] = end[i] + a
	}
}

// slideSum is slideMax with + for max. The cells of a window may be added in any order that depends on k only.
// If by is not nil, window i is multiplied by by[i].
func slideSum[T pool2d.Elem](dst, src []T, k int, by []T, _ hint[T]) {
	foldSum(dst, src, k, 1)
	if by != nil {
		scale(dst, by)
	}
}

// slideBlockSum is slideBlockMax with + for max, in the order of slideSum.
func slideBlockSum[T pool2d.Elem](dst, acc, src, end []T, f *slideRows, by []T, h hint[T]) bool {
	row, v := make([]T, f.n+f.k-1), make([]T, f.n)
	for y := range f.rows {
		clear(row)
		copy(row[f.lead:], src[y*f.srcRow:][:f.cells])
		slideSum(v, row, f.k, nil, h)
		prefixSum(dst[y*f.dstRow:][:f.n], acc, v, end[y*f.width:])
		copy(end[y*f.width:], v)
		if by != nil {
			scale(dst[y*f.dstRow:][:f.n], by[y*f.byRow:])
		}
	}
	return true
}

// suffixSum is suffixMax with + for max, from the last row up.
func suffixSum[T pool2d.Elem](s []T, n, width, rows int) {
	for y := range rows - 1 {
		foldSum(s[y*width:][:n], s[(y+1)*width:], rows-1-y, width)
	}
	clear(s[(rows-1)*width:][:n])
}

// reduceSum returns the sum of src, in an order that depends on its length only: here, eight sums of every eighth cell.
func reduceSum[T pool2d.Elem](src, _ []T) T {
	var a, b, c, d, e, f, g, h T
	for ; len(src) >= 8; src = src[8:] {
		a, b, c, d = a+src[0], b+src[1], c+src[2], d+src[3]
		e, f, g, h = e+src[4], f+src[5], g+src[6], h+src[7]
	}
	for _, v := range src {
		a += v
	}
	return ((a + b) + (c + d)) + ((e + f) + (g + h))
}

// scale is
//
//	for i := range dst {
//		dst[i] *= by[i]
//	}
func scale[T pool2d.Elem](dst, by []T) {
	by = by[:len(dst)]
	for i := range dst {
		dst[i] *= by[i]
	}
}

// fusedMax is the contract of the maxima that are computed in one pass: each window of k×k at stride s in the band's
// rows, of its real cells.
func fusedMax[T pool2d.Elem](dst, src []T, f *band, k, s int) {
	for plane := range f.planes {
		for y := f.y0; y < f.y1; y++ {
			for x := range f.ow {
				m := least[T]()
				for r := max(0, y*s-f.top); r < min(f.h, y*s-f.top+k); r++ {
					for c := max(0, x*s-f.left); c < min(f.w, x*s-f.left+k); c++ {
						m = max(m, src[(plane*f.h+r)*f.w+c])
					}
				}
				dst[(plane*f.oh+y)*f.ow+x] = m
			}
		}
	}
}

// fusedSum is fusedMax with + for max, times by: rows of factors as band.factors says, each pitch(ow) long. The cells of a window may
// be added in any order that depends on k, s, x and the parity of y − y0 only.
func fusedSum[T pool2d.Elem](dst, src []T, f *band, k, s int, by []T) {
	for plane := range f.planes {
		for y := f.y0; y < f.y1; y++ {
			row := f.factors(k, y)
			for x := range f.ow {
				var sum T
				for r := max(0, y*s-f.top); r < min(f.h, y*s-f.top+k); r++ {
					for c := max(0, x*s-f.left); c < min(f.w, x*s-f.left+k); c++ {
						sum += src[(plane*f.h+r)*f.w+c]
					}
				}
				dst[(plane*f.oh+y)*f.ow+x] = sum * by[row*pitch(f.ow)+x]
			}
		}
	}
}

// narrowMax is the contract of the maxima of narrow planes, whether registers hold them whole or not: each window of h
// rows and w columns, of its real cells.
func narrowMax[T pool2d.Elem](dst, src []T, planes int, h, w axis) {
	for i := range planes * h.out * w.out {
		row, rows := h.taps(i / w.out % h.out)
		col, cols := w.taps(i % w.out)
		dst[i] = least[T]()
		for r := range rows {
			for c := range cols {
				dst[i] = max(dst[i], src[(i/(h.out*w.out)*h.in+row+r*h.d)*w.in+col+c*w.d])
			}
		}
	}
}

// narrowSum is narrowMax with + for max, times by: a row of narrowWidth factors for each row of windows. The cells of a
// window may be added in any order that depends on its place in the plane only.
func narrowSum[T pool2d.Elem](dst, src []T, planes int, h, w axis, by []T) {
	for i := range planes * h.out * w.out {
		row, rows := h.taps(i / w.out % h.out)
		col, cols := w.taps(i % w.out)
		var sum T
		for r := range rows {
			for c := range cols {
				sum += src[(i/(h.out*w.out)*h.in+row+r*h.d)*w.in+col+c*w.d]
			}
		}
		dst[i] = sum * by[i/w.out%h.out*narrowWidth+i%w.out]
	}
}

// cellsMax is the maximum over cells of several elements (NHWC): for each window x of f and element i of a cell,
//
//	dst[x*c+i] = the greatest of src[x*step + a*down + b*right + i], a < rows, b < cols
func cellsMax[T pool2d.Elem](dst, src []T, f *cellWindows, _ T) {
	for x := range f.n {
		out := dst[x*f.c:][:f.c]
		fill(out, least[T]())
		for a := range f.rows {
			for b := range f.cols {
				for i, v := range src[x*f.step+a*f.down+b*f.right:][:f.c] {
					out[i] = max(out[i], v)
				}
			}
		}
	}
}

// cellsSum is cellsMax with + for max, times by. It adds row by row.
func cellsSum[T pool2d.Elem](dst, src []T, f *cellWindows, by T) {
	for x := range f.n {
		out := dst[x*f.c:][:f.c]
		clear(out)
		for a := range f.rows {
			for b := range f.cols {
				for i, v := range src[x*f.step+a*f.down+b*f.right:][:f.c] {
					out[i] += v
				}
			}
		}
		for i := range out {
			out[i] *= by
		}
	}
}

// cellRowsMax is cellsMax for several rows of windows of 3 rows, stride rows apart: for each window x of row y,
//
//	dst[y*dstRow+x*c+i] = the greatest of src[x*step + (y*stride+a-above)*down + b*c + i], a < 3, b < cols, of real rows of src
func cellRowsMax[T pool2d.Elem](dst, src []T, f *cellWindows, _ []T) bool {
	for y := range f.windows {
		row, rows := f.under(y)
		one := cellWindows{n: f.n, c: f.c, step: f.step, rows: rows, down: f.down, cols: f.cols, right: f.c}
		cellsMax(dst[y*f.dstRow:], src[row*f.down:], &one, 1)
	}
	return true
}

// cellRowsSum is cellRowsMax with + for max, times by[y]. The cells of a window may be added in any order.
func cellRowsSum[T pool2d.Elem](dst, src []T, f *cellWindows, by []T) bool {
	for y := range f.windows {
		row, rows := f.under(y)
		one := cellWindows{n: f.n, c: f.c, step: f.step, rows: rows, down: f.down, cols: f.cols, right: f.c}
		cellsSum(dst[y*f.dstRow:], src[row*f.down:], &one, by[y])
	}
	return true
}

// under returns the first row of src under row y of cellRows' windows, and how many.
func (f *cellWindows) under(y int) (row, rows int) {
	row = max(0, y*f.stride-f.above)
	return row, min(f.real, y*f.stride-f.above+3) - row
}

// pitch returns how far apart rows of factors are: whole vectors may be read from each cell of a row.
func pitch(ow int) int { return (ow + 31) &^ 15 }
