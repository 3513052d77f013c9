package optimized

import "example.com/pool2d"

// The row kernels as Go loops. len(dst) says how many cells to write; src must hold every cell that is named. dst
// overlaps no source, except that pair's dst may be its a or b. A sum adds from left to right. NaN wins every maximum
// (Go's max), and of equal zeros of both signs either may be the maximum.

// maxFold is
//
//	for i := range dst {
//		dst[i] = max(src[i], src[i+apart], …, src[i+(taps-1)*apart])
//	}
func maxFold[T pool2d.Elem](dst, src []T, taps, apart int) {
	n := len(dst)
	t := 1
	switch a := src[:n]; {
	case taps == 1:
		copy(dst, a)
		return
	case taps == 2:
		b := src[apart:][:n]
		for i := range dst {
			dst[i] = max(a[i], b[i])
		}
		t = 2
	default:
		b, c := src[apart:][:n], src[2*apart:][:n]
		for i := range dst {
			dst[i] = max(a[i], b[i], c[i])
		}
		t = 3
	}
	for ; t+1 < taps; t += 2 {
		a, b := src[t*apart:][:n], src[(t+1)*apart:][:n]
		for i := range dst {
			dst[i] = max(dst[i], a[i], b[i])
		}
	}
	if t < taps {
		a := src[t*apart:][:n]
		for i := range dst {
			dst[i] = max(dst[i], a[i])
		}
	}
}

// maxPick is
//
//	for i := range dst {
//		dst[i] = max(src[i*step], src[i*step+apart], …, src[i*step+(taps-1)*apart])
//	}
func maxPick[T pool2d.Elem](dst, src []T, step, taps, apart int) {
	for i := range dst {
		w := src[i*step:][:(taps-1)*apart+1]
		m := w[0]
		for j := apart; j < len(w); j += apart {
			m = max(m, w[j])
		}
		dst[i] = m
	}
}

// maxPair is
//
//	for i := range dst {
//		dst[i] = max(a[i], b[i])
//	}
func maxPair[T pool2d.Elem](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// maxReduce returns the greatest cell of src, which has one.
func maxReduce[T pool2d.Elem](src []T) T {
	m := src[0]
	for _, v := range src[1:] {
		m = max(m, v)
	}
	return m
}

// sumFold is maxFold with + for max.
func sumFold[T pool2d.Elem](dst, src []T, taps, apart int) {
	n := len(dst)
	t := 1
	switch a := src[:n]; {
	case taps == 1:
		copy(dst, a)
		return
	case taps == 2:
		b := src[apart:][:n]
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
		t = 2
	default:
		b, c := src[apart:][:n], src[2*apart:][:n]
		for i := range dst {
			dst[i] = a[i] + b[i] + c[i]
		}
		t = 3
	}
	for ; t+1 < taps; t += 2 {
		a, b := src[t*apart:][:n], src[(t+1)*apart:][:n]
		for i := range dst {
			dst[i] = dst[i] + a[i] + b[i]
		}
	}
	if t < taps {
		a := src[t*apart:][:n]
		for i := range dst {
			dst[i] += a[i]
		}
	}
}

// sumPick is maxPick with + for max.
func sumPick[T pool2d.Elem](dst, src []T, step, taps, apart int) {
	for i := range dst {
		w := src[i*step:][:(taps-1)*apart+1]
		m := w[0]
		for j := apart; j < len(w); j += apart {
			m += w[j]
		}
		dst[i] = m
	}
}

// sumPair is maxPair with + for max.
func sumPair[T pool2d.Elem](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// sumReduce returns the sum of src in 16 lanes: cell i is added to lane i mod 16, then lanes 8 apart are added, then 4,
// 2 and 1 apart.
func sumReduce[T pool2d.Elem](src []T) T {
	var lane [16]T
	for len(src) >= 16 {
		for i, v := range src[:16] {
			lane[i] += v
		}
		src = src[16:]
	}
	for i, v := range src {
		lane[i] += v
	}
	for half := 8; half > 0; half /= 2 {
		for i := range half {
			lane[i] += lane[i+half]
		}
	}
	return lane[0]
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
