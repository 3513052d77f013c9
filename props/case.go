package props

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"example.com/pool2d"
)

// Case is what a law judges: one pooling, and a number for whatever else the law needs.
// Its GoString is a Go literal that can be pasted into Replay; its String is the name of the case.
type Case[T pool2d.Elem] struct {
	Src    pool2d.Tensor[T]
	Params pool2d.Params
	Seed   uint64 // a permutation, a shift, a gradient, other cells: each law derives from it what it needs
}

// String returns the name of the case: shape, parameters and layout, but not the cells.
func (c Case[T]) String() string {
	return pool2d.Descriptor{Shape: c.Src.Shape, Params: c.Params, Layout: c.Src.Layout}.String()
}

// GoString returns the case as a Go literal. Every value survives the way through source text, bit for bit: NaN, the
// infinities, −0 and subnormals are written as bits.
func (c Case[T]) GoString() string {
	var b strings.Builder
	fmt.Fprintf(&b, "props.Case[%s]{\n", typeName[T]())
	fmt.Fprintf(&b, "\tSrc:    pool2d.Tensor[%s]{Shape: pool2d.Shape{%s}, Data: %s%s},\n", typeName[T](),
		fields("N", c.Src.N, "C", c.Src.C, "H", c.Src.H, "W", c.Src.W), sliceLiteral(c.Src.Data), layoutField(c.Src.Layout))
	fmt.Fprintf(&b, "\tParams: %s,\n", paramsLiteral(c.Params))
	if c.Seed != 0 {
		fmt.Fprintf(&b, "\tSeed:   %d,\n", c.Seed)
	}
	b.WriteString("}")
	return b.String()
}

func layoutField(l pool2d.Layout) string {
	if l == pool2d.NHWC {
		return ", Layout: pool2d.NHWC"
	}
	return ""
}

// paramsLiteral returns p as a Go literal without its zero fields.
func paramsLiteral(p pool2d.Params) string {
	var parts []string
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(p.Op == pool2d.Avg, "Op: pool2d.Avg")
	add(true, "Kernel: pool2d.HW{%s}", fields("H", p.Kernel.H, "W", p.Kernel.W))
	add(p.Stride != pool2d.HW{}, "Stride: pool2d.HW{%s}", fields("H", p.Stride.H, "W", p.Stride.W))
	add(p.Pad != pool2d.Pad{}, "Pad: pool2d.Pad{%s}", fields("Top", p.Pad.Top, "Left", p.Pad.Left, "Bottom", p.Pad.Bottom, "Right", p.Pad.Right))
	add(p.Dilation != pool2d.HW{}, "Dilation: pool2d.HW{%s}", fields("H", p.Dilation.H, "W", p.Dilation.W))
	add(p.Ceil, "Ceil: true")
	add(p.CountPad, "CountPad: true")
	add(p.Divisor != 0, "Divisor: %d", p.Divisor)
	return "pool2d.Params{" + strings.Join(parts, ", ") + "}"
}

// fields returns "H: 2, W: 3" of its arguments, without what is zero.
func fields(namesAndValues ...any) string {
	var parts []string
	for i := 0; i < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != 0 {
			parts = append(parts, fmt.Sprintf("%v: %v", namesAndValues[i], namesAndValues[i+1]))
		}
	}
	return strings.Join(parts, ", ")
}

// sliceLiteral returns data as a Go literal: all of it, or only its nonzero cells with their positions where these are few.
func sliceLiteral[T pool2d.Elem](data []T) string {
	nonzero := 0
	for _, v := range data {
		if !isZeroBits(v) {
			nonzero++
		}
	}
	sparse := len(data) > 16 && nonzero*4 < len(data)
	var parts []string
	for i, v := range data {
		switch {
		case !sparse:
			parts = append(parts, literal(v))
		case !isZeroBits(v) || i == len(data)-1:
			parts = append(parts, fmt.Sprintf("%d: %s", i, literal(v)))
		}
	}
	return fmt.Sprintf("[]%s{%s}", typeName[T](), strings.Join(parts, ", "))
}

func isZeroBits[T pool2d.Elem](v T) bool { return v == 0 && !math.Signbit(float64(v)) }

// literal returns an expression of type T that has the value v bit for bit.
func literal[T pool2d.Elem](v T) string {
	switch v := any(v).(type) {
	case float32:
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 && math.Signbit(x) || x != 0 && math.Abs(x) < 0x1p-126 {
			return fmt.Sprintf("math.Float32frombits(%#08x)", math.Float32bits(v))
		}
		return strconv.FormatFloat(x, 'g', -1, 32)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) || v == 0 && math.Signbit(v) || v != 0 && math.Abs(v) < 0x1p-1022 {
			return fmt.Sprintf("math.Float64frombits(%#016x)", math.Float64bits(v))
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// show returns a value as people read it, in few characters; NaN, −0 and subnormals can be told apart.
func show[T pool2d.Elem](v T) string {
	switch v := any(v).(type) {
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func typeName[T pool2d.Elem]() string { return fmt.Sprintf("%T", T(0)) }

func isFloat[T pool2d.Elem]() bool {
	half := 0.5
	return T(half) != 0
}

func isNaN[T pool2d.Elem](v T) bool { return v != v }

// least is the result of a maximum over nothing, greatest the other end; the infinities for floats.
func least[T pool2d.Elem]() T { l, _ := ends[T](); return l }

func greatest[T pool2d.Elem]() T { _, g := ends[T](); return g }

func ends[T pool2d.Elem]() (T, T) {
	var l, g any
	switch any(T(0)).(type) {
	case float32:
		l, g = float32(math.Inf(-1)), float32(math.Inf(1))
	case float64:
		l, g = math.Inf(-1), math.Inf(1)
	case int8:
		l, g = int8(math.MinInt8), int8(math.MaxInt8)
	case uint8:
		l, g = uint8(0), uint8(math.MaxUint8)
	case int32:
		l, g = int32(math.MinInt32), int32(math.MaxInt32)
	}
	return l.(T), g.(T)
}

// sameBits reports whether a and b are the same value, the signs of zeros included; any NaN is any other.
func sameBits[T pool2d.Elem](a, b T) bool {
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b)) || isNaN(a) && isNaN(b)
}

// sameMax reports whether a and b are the same maximum: a zero's sign is free, and any NaN is any other.
func sameMax[T pool2d.Elem](a, b T) bool { return a == b || isNaN(a) && isNaN(b) }
