package optimized

import "example.com/pool2d"

// ops are the row kernels of one operation on one element type. The Go loops in kernels_generic.go are their contract.
type ops[T pool2d.Elem] struct {
	identity   T    // what changes nothing
	idempotent bool // a cell may enter twice

	fold   func(dst, src []T, taps, apart int)       // dst[i] = src[i] ∘ src[i+apart] ∘ … taps of them
	pick   func(dst, src []T, step, taps, apart int) // dst[i] = src[i·step] ∘ src[i·step+apart] ∘ …
	pair   func(dst, a, b []T)                       // dst[i] = a[i] ∘ b[i]
	reduce func(src []T) T                           // src[0] ∘ src[1] ∘ …
	scale  func(dst, by []T)                         // dst[i] *= by[i]
}

// opsFor returns the kernels of op on T.
func opsFor[T pool2d.Elem](op pool2d.Op) *ops[T] {
	var v any
	var cell T
	switch any(cell).(type) {
	case float32:
		v = &opsFloat32[op]
	case float64:
		v = &opsFloat64[op]
	case int8:
		v = &opsInt8
	case uint8:
		v = &opsUint8
	default:
		v = &opsInt32
	}
	return v.(*ops[T])
}

var (
	opsFloat32 = [2]ops[float32]{maxGeneric[float32](), sumGeneric[float32]()}
	opsFloat64 = [2]ops[float64]{maxGeneric[float64](), sumGeneric[float64]()}
	opsInt8    = maxGeneric[int8]()
	opsUint8   = maxGeneric[uint8]()
	opsInt32   = maxGeneric[int32]()
)

func maxGeneric[T pool2d.Elem]() ops[T] {
	return ops[T]{
		identity: least[T](), idempotent: true,
		fold: maxFold[T], pick: maxPick[T], pair: maxPair[T], reduce: maxReduce[T],
	}
}

func sumGeneric[T pool2d.Elem]() ops[T] {
	return ops[T]{fold: sumFold[T], pick: sumPick[T], pair: sumPair[T], reduce: sumReduce[T], scale: scale[T]}
}
