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
// more for each cell, of source and of result: 5×5/1 takes 0.4 of the time (turned.go), 5×5/2 0.8 (-bench Shapes).
func (p *plan) keyed() bool {
	o := &active.ops[pool2d.Max]
	if p.op != pool2d.Max || !o.keys || p.h.in*p.w.in*p.unit > keyCells || p.h.whole() && p.w.whole() {
		return false
	}
	if kind := p.fusedKind(); kind >= 0 && o.fused[kind].exact != nil && !p.turns() {
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
// those of numbers with one. So reduceMax is left with cells that all have a sign, and with those that may have a NaN, whose sum is
// NaN. That is one addition for each cell, where to tell a NaN by its bits was a second maximum, of two instructions.
func reduceBits(src, tmp []float32) float32 {
	bits := cellBits(src)
	a := bits[0]
	b := a
	var p, q float32
	i := 0
	for ; i < len(src)-7; i += 8 {
		x, y := (*[8]float32)(src[i:]), (*[8]int32)(bits[i:])
		a = max(a, max(max(y[0], y[1]), max(y[2], y[3])))
		b = max(b, max(max(y[4], y[5]), max(y[6], y[7])))
		p, q = p+((x[0]+x[1])+(x[2]+x[3])), q+((x[4]+x[5])+(x[6]+x[7]))
	}
	for ; i < len(src); i++ {
		a = max(a, bits[i])
		p += src[i]
	}
	p += q
	if a = max(a, b); a >= 0 && p == p {
		return math.Float32frombits(uint32(a))
	}
	return reduceMax(src, tmp)
}

// maxFloat32 returns the maxima of float32 in plain Go.
func maxFloat32() ops[float32] {
	o := maxFloat[float32]()
	if runtime.GOARCH == "amd64" {
		o.keys, o.reduce = true, reduceBits
	}
	return o
}
