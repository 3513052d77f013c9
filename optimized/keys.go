package optimized

import (
	"math"
	"runtime"
	"unsafe"

	"example.com/pool2d"
)

// A maximum of two float32 is one instruction of a vector set, and one of arm64. In Go on amd64 it is six, and of two
// int32 it is two. So there the float32 of planes whose cells enter many maxima are pooled as int32: as keys, which are
// in the order of maxima.
//
//	float32   −Inf … −0  +0 … +Inf  NaN (positive, then negative)
//	key       −2³¹ …                … 2³¹−1

// toKey returns the key of the bits of a float32: negative numbers are turned around, and then all are moved down by
// as many as there are NaNs of a sign, so that the negative ones go round and come last.
func toKey(bits int32) int32 { return bits ^ int32(uint32(bits>>31)>>1) - nans }

// fromKey undoes toKey.
func fromKey(key int32) int32 {
	key += nans
	return key ^ int32(uint32(key>>31)>>1)
}

// toKeys sets keys to those of bits.
func toKeys(keys, bits []int32) {
	keys = keys[:len(bits)]
	for i, v := range bits {
		keys[i] = toKey(v)
	}
}

// fromKeys undoes toKeys. bits may be keys.
func fromKeys(bits, keys []int32) {
	bits = bits[:len(keys)]
	for i, v := range keys {
		bits[i] = fromKey(v)
	}
}

const leastKey = math.MinInt32 // of −Inf

// nans is how many NaNs there are of a sign.
const nans = 1<<23 - 1

// keyCells is how many elements a plane may have to be pooled as keys: 256 KiB, and no more for blocks of its rows, are
// scratch beside the rows that paths need.
const keyCells = 1 << 16

// keyed reports whether maxima of float32 are to be pooled as keys. It takes about 0.4 ns less for each maximum and 0.5
// more for each cell, of source and of result: 3×3/1 takes 0.53 to 0.62 of the time, 5×5/1 0.4 (turned.go), 5×5/2 0.8 (-bench Shapes).
func (p *plan) keyed() bool {
	if p.op != pool2d.Max || !active.ops[pool2d.Max].keys || p.h.in*p.w.in*p.unit > keyCells || p.h.whole() && p.w.whole() {
		return false
	}
	maxima, cells := (p.h.k-1)*p.w.s+p.w.k-1, p.h.s*p.w.s+1 // for each result
	return maxima >= 2*cells
}

// cellBits returns the bits of cells, which are float32 or int32.
func cellBits[T pool2d.Elem](cells []T) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(cells))), len(cells))
}

// reduceBits is reduceMax of float32. The bits of numbers without a sign are in the order of maxima, as int32, and above
// those of numbers with one; as uint32, NaNs with a sign are above all. So reduceMax is left with cells that all have a
// sign, and with such NaNs.
func reduceBits(src, tmp []float32) float32 {
	bits := cellBits(src)
	a := bits[len(bits)-1]
	b, c, d := a, uint32(a), uint32(a)
	half := len(bits) / 2
	behind := bits[half:][:half]
	for i, v := range bits[:half] {
		w := behind[i]
		a, b = max(a, v), max(b, w)
		c, d = max(c, uint32(v)), max(d, uint32(w))
	}
	if a = max(a, b); a >= 0 && max(c, d) <= math.Float32bits(float32(math.Inf(-1))) {
		return math.Float32frombits(uint32(a))
	}
	return reduceMax(src, tmp)
}

// quadMax is fusedMax of windows of 2×2 at stride 2. A maximum of two float32 is what min makes of both negated, negated, so one of
// four takes 14 instructions, not 18.
func quadMax(dst, src []float32, f *band, _ []float32) bool {
	for row := range f.planes * (f.y1 - f.y0) {
		plane, y := row/(f.y1-f.y0), f.y0+row%(f.y1-f.y0)
		src, dst := src[plane*f.h*f.w:], dst[(plane*f.oh+y)*f.ow:][:f.ow]
		above, below := max(0, 2*y-f.top), min(2*y-f.top+1, f.h-1)
		a, b := src[above*f.w:][:f.w], src[below*f.w:][:f.w]
		whole := min(f.ow, f.w/2)
		p, q := pairs(a)[:whole], pairs(b)[:whole]
		for x := range dst[:whole] {
			dst[x] = -min(-p[x][0], -p[x][1], -q[x][0], -q[x][1])
		}
		if whole < f.ow {
			dst[whole] = max(a[f.w-1], b[f.w-1])
		}
	}
	return true
}

// pairs returns cells two by two.
func pairs(cells []float32) [][2]float32 {
	return unsafe.Slice((*[2]float32)(unsafe.Pointer(unsafe.SliceData(cells))), len(cells)/2)
}

// maxFloat32 returns the maxima of float32 in plain Go.
func maxFloat32() ops[float32] {
	o := maxGeneric[float32]()
	if runtime.GOARCH == "amd64" {
		o.keys, o.reduce = true, reduceBits
		o.fused[k2s2].exact = quadMax
	}
	return o
}
