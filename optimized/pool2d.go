// Package optimized pools fast, with the contract of package pool2d and nothing beyond it.
//
// Pool2D, Pool2DInto, Pool2DIndices and Pool2DGrad serve every element type and both layouts. float32 has row kernels
// in assembly where the processor has AVX-512 or AVX2; everything else runs the Go loops that are their contract.
//
// # Environment
//
// Both variables are read once, when the package is initialized.
//
//	POOL2D_KERNELS   avx512, avx2 or generic: the kernel set to use; a set that is not available is passed over for
//	                 the next one in that order, and KernelSet tells which runs
//	POOL2D_SPIN      how long a helper stays awake for the next call before it parks, as a duration; 0 turns it off
//
// # Threads
//
// A call is cut into chunks that its goroutine and up to GOMAXPROCS−1 helpers take. The cut depends on the shapes alone,
// and one goroutine computes an output cell in one order, so the bits of a result do not depend on
// GOMAXPROCS. Helpers park when there is nothing to do, and end a second later.
//
// # Rounding
//
// An average of floating-point cells is a sum, in the element type and in a fixed order, times the reciprocal of the
// divisor: two roundings beyond those of the sum. Some kernels multiply parts of the sum before they add them. No cell is rounded more
// often, but a mean of cells whose sums are exact may then be some units of rounding off. An average of integers is exact, as the
// contract demands.
package optimized

import (
	"errors"
	"fmt"
	"unsafe"

	"example.com/pool2d"
)

// Pool2D returns the pooling of src with p, in src's layout.
// Its error names the parameter that is out of bounds.
func Pool2D[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	dst, err := result(src, p)
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	forward(dst, src, p)
	return dst, nil
}

// Pool2DInto writes the pooling of src with p into dst, which must have the shape that pool2d.OutputShape gives and
// src's layout, and must not overlap src. If it returns an error it has written nothing. It does not allocate.
func Pool2DInto[T pool2d.Elem](dst, src pool2d.Tensor[T], p pool2d.Params) error {
	out, err := check(src, p)
	if err != nil {
		return err
	}
	if err := dst.Validate(); err != nil {
		return fmt.Errorf("optimized: dst: %w", err)
	}
	if dst.Shape != out || dst.Layout != src.Layout {
		return fmt.Errorf("optimized: dst is %v %v, want %v %v", dst.Shape, dst.Layout, out, src.Layout)
	}
	if overlap(dst.Data, src.Data) {
		return errors.New("optimized: dst overlaps src")
	}
	forward(dst, src, p)
	return nil
}

// Pool2DIndices returns the maximum of each window and its position, h·W+w in the unpadded plane, in the order of the
// result's Data; −1 for a window with no real tap. An average has no indices: that is an error.
func Pool2DIndices[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], []int64, error) {
	dst, err := result(src, p)
	if err == nil && p.Op != pool2d.Max {
		err = fmt.Errorf("optimized: Op = %v, want max: an average has no indices", p.Op)
	}
	if err != nil {
		return pool2d.Tensor[T]{}, nil, err
	}
	indices := make([]int64, len(dst.Data))
	maxIndices(dst, src, p, indices)
	return dst, indices, nil
}

// Pool2DGrad returns the gradient at src of a pooling whose outputs have the gradient grad. grad must have the shape
// that pool2d.OutputShape gives and src's layout. Integer types are an error.
func Pool2DGrad[T pool2d.Elem](grad, src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	out, err := check(src, p)
	if err == nil {
		err = grad.Validate()
	}
	if err == nil && (grad.Shape != out || grad.Layout != src.Layout) {
		err = fmt.Errorf("optimized: grad is %v %v, want %v %v", grad.Shape, grad.Layout, out, src.Layout)
	}
	if err == nil && !isFloat[T]() {
		err = pool2d.ErrIntegerGrad
	}
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	dx := pool2d.Tensor[T]{Shape: src.Shape, Data: make([]T, len(src.Data)), Layout: src.Layout}
	backward(dx, grad, src, p)
	return dx, nil
}

// check is the door: what it lets through, the rest of the package trusts.
func check[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Shape, error) {
	if err := src.Validate(); err != nil {
		return pool2d.Shape{}, err
	}
	return pool2d.OutputShape(src.Shape, p)
}

// result returns a tensor for the pooling of src with p, if that is valid.
func result[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	out, err := check(src, p)
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	cells, err := out.Cells()
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	return pool2d.Tensor[T]{Shape: out, Data: make([]T, cells), Layout: src.Layout}, nil
}

// overlap reports whether a and b share memory.
func overlap[T pool2d.Elem](a, b []T) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var cell T
	p, q := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return p < q+uintptr(len(b))*unsafe.Sizeof(cell) && q < p+uintptr(len(a))*unsafe.Sizeof(cell)
}

// isFloat reports whether T is a floating-point type: one that knows a half.
func isFloat[T pool2d.Elem]() bool {
	one := T(1)
	return one/2 != 0
}
