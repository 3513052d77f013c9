package pool2d

import (
	"fmt"
	"strconv"
	"strings"
)

// Descriptor is a case without its cells: what is pooled, and how.
//
// Its string is the name of the case in test output, benchmark names, flags, corpora and on the wire:
//
//	n1c64h112w112_max_k3x3_s2x2_p1,1,1,1     pads are top, left, bottom, right
//	n2c3h5w7_avg_k2x3_s2x3_d2x2_ceil_countpad_div7_nhwc
//
// The fields p, d, ceil, countpad, div and nhwc stand, in this order, only where they are not the default.
type Descriptor struct {
	Shape  Shape
	Params Params
	Layout Layout
}

// String returns the name of the case. Descriptors that differ only in how a default is spelled have the same name.
func (d Descriptor) String() string {
	var b strings.Builder
	p := d.Params.Normalized()
	fmt.Fprintf(&b, "n%dc%dh%dw%d_%v_k%dx%d_s%dx%d", d.Shape.N, d.Shape.C, d.Shape.H, d.Shape.W, p.Op, p.Kernel.H, p.Kernel.W, p.Stride.H, p.Stride.W)
	if (p.Pad != Pad{}) {
		fmt.Fprintf(&b, "_p%d,%d,%d,%d", p.Pad.Top, p.Pad.Left, p.Pad.Bottom, p.Pad.Right)
	}
	if (p.Dilation != HW{1, 1}) {
		fmt.Fprintf(&b, "_d%dx%d", p.Dilation.H, p.Dilation.W)
	}
	if p.Ceil {
		b.WriteString("_ceil")
	}
	if p.CountPad {
		b.WriteString("_countpad")
	}
	if p.Divisor != 0 {
		fmt.Fprintf(&b, "_div%d", p.Divisor)
	}
	if d.Layout != NCHW {
		fmt.Fprintf(&b, "_%v", d.Layout)
	}
	return b.String()
}

// ParseDescriptor is the inverse of String: it returns the case that has the name s, with normalized parameters.
// It accepts no other spelling, and does not ask whether the case is valid: so that invalid calls have names too.
func ParseDescriptor(s string) (Descriptor, error) {
	var d Descriptor
	fields := strings.Split(s, "_")
	bad := func(field, want string) (Descriptor, error) {
		return Descriptor{}, fmt.Errorf("pool2d: case %q: %q, want %s", s, field, want)
	}
	// next takes the next field if its form is prefix, number, separator, number ….
	next := func(forms []string, numbers ...*int) bool {
		if len(fields) == 0 || !scan(fields[0], forms, numbers) {
			return false
		}
		fields = fields[1:]
		return true
	}
	word := func(w string) bool { return next([]string{w}) }
	field := func() string { return strings.Join(fields[:min(1, len(fields))], "") }

	p := &d.Params
	if !next([]string{"n", "c", "h", "w"}, &d.Shape.N, &d.Shape.C, &d.Shape.H, &d.Shape.W) {
		return bad(field(), "the shape first, as n1c64h112w112")
	}
	switch {
	case word("max"):
	case word("avg"):
		p.Op = Avg
	default:
		return bad(field(), "max or avg")
	}
	if !next([]string{"k", "x"}, &p.Kernel.H, &p.Kernel.W) {
		return bad(field(), "the kernel, as k3x3")
	}
	if !next([]string{"s", "x"}, &p.Stride.H, &p.Stride.W) {
		return bad(field(), "the stride, as s2x2")
	}
	next([]string{"p", ",", ",", ","}, &p.Pad.Top, &p.Pad.Left, &p.Pad.Bottom, &p.Pad.Right)
	next([]string{"d", "x"}, &p.Dilation.H, &p.Dilation.W)
	p.Ceil = word("ceil")
	p.CountPad = word("countpad")
	next([]string{"div"}, &p.Divisor)
	if word("nhwc") {
		d.Layout = NHWC
	}
	if len(fields) > 0 {
		return bad(field(), "p1,1,1,1 d2x2 ceil countpad div7 nhwc, each at most once, in this order")
	}
	*p = p.Normalized()
	if name := d.String(); name != s {
		return Descriptor{}, fmt.Errorf("pool2d: case %q, want the spelling %q", s, name)
	}
	return d, nil
}

// scan reports whether s is the forms, each followed by its number if it has one, and stores the numbers.
func scan(s string, forms []string, numbers []*int) bool {
	values := make([]int, len(numbers))
	for i, form := range forms {
		var ok bool
		if s, ok = strings.CutPrefix(s, form); !ok {
			return false
		}
		if i == len(numbers) {
			break
		}
		end := len(s)
		if at := strings.IndexFunc(s, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }); at >= 0 {
			end = at
		}
		v, err := strconv.Atoi(s[:end])
		if err != nil {
			return false
		}
		values[i], s = v, s[end:]
	}
	if s != "" {
		return false
	}
	for i, v := range values {
		*numbers[i] = v
	}
	return true
}
