package props_test

import (
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/reference"
)

// referenceImpl is the reference, as an implementation to judge.
func referenceImpl[T pool2d.Elem](layout pool2d.Layout) pool2d.Impl[T] {
	impl := pool2d.Impl[T]{
		Name:    "reference",
		Pool2D:  reference.Pool2D[T],
		Indices: reference.Pool2DIndices[T],
		Layout:  layout,
	}
	half := 0.5
	if T(half) != 0 {
		impl.Grad = reference.Pool2DGrad[T]
	}
	return impl
}

func TestReferenceFloat32(t *testing.T) { props.Run(t, referenceImpl[float32](pool2d.NCHW)) }
func TestReferenceFloat64(t *testing.T) { props.Run(t, referenceImpl[float64](pool2d.NHWC)) }
func TestReferenceInt8(t *testing.T)    { props.Run(t, referenceImpl[int8](pool2d.NCHW)) }
func TestReferenceUint8(t *testing.T)   { props.Run(t, referenceImpl[uint8](pool2d.NCHW)) }
func TestReferenceInt32(t *testing.T)   { props.Run(t, referenceImpl[int32](pool2d.NHWC)) }
