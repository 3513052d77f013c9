package props

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"example.com/pool2d"
)

// callLimit is how long one call may take. It is far above what any case needs, on a slow machine under the race
// detector too: it tells a hang from a slow implementation, and nothing else.
const callLimit = 30 * time.Second

// fence is how many cells stand on each side of every buffer: more than the widest vector reaches.
const fence = 64

// subject is an implementation under judgement. Laws speak NCHW; the subject hands tensors over in the layout that the
// implementation wants, each in a fenced buffer of its own, and turns results back.
type subject[T pool2d.Elem] struct {
	impl  pool2d.Impl[T]
	limit time.Duration
	dead  atomic.Pointer[string] // set once a call has not answered: nothing more is asked of it
}

func newSubject[T pool2d.Elem](impl pool2d.Impl[T]) *subject[T] {
	return &subject[T]{impl: impl, limit: callLimit}
}

// poisons returns what output buffers hold before a call: two values, so that one at least differs from any result.
func poisons[T pool2d.Elem]() [2]T {
	var a, b any
	switch any(T(0)).(type) {
	case float32:
		a, b = math.Float32frombits(0x7fc5a5a5), float32(-1.2345678e+33)
	case float64:
		a, b = math.Float64frombits(0x7ff8a5a5a5a5a5a5), -1.2345678e+303
	case int8:
		a, b = int8(0x55), int8(-0x56)
	case uint8:
		a, b = uint8(0x55), uint8(0xaa)
	case int32:
		a, b = int32(0x55555555), int32(-0x55555556)
	}
	return [2]T{a.(T), b.(T)}
}

// identical reports whether a and b are the same bits, NaN payloads included.
func identical[T pool2d.Elem](a, b T) bool {
	switch a := any(a).(type) {
	case float32:
		return math.Float32bits(a) == math.Float32bits(any(b).(float32))
	case float64:
		return math.Float64bits(a) == math.Float64bits(any(b).(float64))
	}
	return a == b
}

// fenced is a buffer with fences on both sides. Its fences hold what would show if it were read: a NaN that wins every
// maximum and spoils every sum, or the greatest integer.
type fenced[T pool2d.Elem] struct {
	all  []T
	data []T // all[fence : fence+n], with no capacity beyond
}

func newFenced[T pool2d.Elem](n int) fenced[T] {
	all := make([]T, n+2*fence)
	f := fenced[T]{all: all, data: all[fence : fence+n : fence+n]}
	loud := loudest[T]()
	for i := range fence {
		all[i], all[fence+n+i] = loud, loud
	}
	return f
}

// loudest returns a value that wins every maximum.
func loudest[T pool2d.Elem]() T {
	if isFloat[T]() {
		return poisons[T]()[0] // a NaN
	}
	return greatest[T]()
}

// breach says which cell of the fences was written, or "".
func (f fenced[T]) breach() string {
	loud := loudest[T]()
	n := len(f.data)
	for i := range fence {
		if !identical(f.all[fence-1-i], loud) {
			return fmt.Sprintf("%d before its first cell", i+1)
		}
		if !identical(f.all[fence+n+i], loud) {
			return fmt.Sprintf("%d behind its last cell", i+1)
		}
	}
	return ""
}

// what is one of the functions of an implementation.
type what int

const (
	forward what = iota
	indexed
	backward
)

func (w what) String() string { return [...]string{"Pool2D", "Indices", "Grad"}[w] }

// request is one call, in NCHW.
type request[T pool2d.Elem] struct {
	what   what
	src    pool2d.Tensor[T]
	grad   pool2d.Tensor[T]
	p      pool2d.Params
	poison int

	// spoil, if set, makes an invalid call of a valid one just before it is made.
	spoil func(*spoiled[T])
}

// spoiled is a call on its way to being invalid, in the layout of the implementation.
type spoiled[T pool2d.Elem] struct {
	dst, src, grad pool2d.Tensor[T]
	p              pool2d.Params
}

// answer is what a call did. The tensors are in NCHW, and copies.
type answer[T pool2d.Elem] struct {
	y       pool2d.Tensor[T]
	indices []int64
	err     error // the implementation refused

	// fault says that there was no answer: a panic, a hang, or a result that is not a tensor of its layout.
	fault error

	// What a call must not do; only the laws on safety look at it.
	wroteSource string // the first cell of a source that was written
	wroteFence  string // the first fence cell that was written
	wroteResult string // for a refused call, the first cell of dst that was written
	aliases     bool   // the result shares memory with a source

	held pool2d.Tensor[T] // the result as the implementation returned it, not a copy
}

// do makes one call.
func (s *subject[T]) do(r request[T]) answer[T] {
	if said := s.dead.Load(); said != nil {
		return answer[T]{fault: errors.New(*said)}
	}
	p := r.p
	srcBuf, src := s.hand(r.src)
	gradBuf, grad := s.hand(r.grad)
	into := r.what == forward && s.impl.Pool2DInto != nil
	var dstBuf fenced[T]
	var dst pool2d.Tensor[T]
	junk := poisons[T]()[r.poison]
	if into {
		out, _ := pool2d.OutputShape(r.src.Shape, r.p)
		dstBuf = newFenced[T](out.N * out.C * out.H * out.W)
		for i := range dstBuf.data {
			dstBuf.data[i] = junk
		}
		dst = pool2d.Tensor[T]{Shape: out, Data: dstBuf.data, Layout: s.impl.Layout}
	}
	if r.spoil != nil {
		call := spoiled[T]{dst: dst, src: src, grad: grad, p: p}
		r.spoil(&call)
		dst, src, grad, p = call.dst, call.src, call.grad, call.p
	}

	var a answer[T]
	var indices []int64
	y := dst
	a.fault = s.timed(r, func() (err error) {
		switch {
		case into:
			err = s.impl.Pool2DInto(dst, src, p)
		case r.what == forward:
			y, err = s.impl.Pool2D(src, p)
		case r.what == indexed:
			y, indices, err = s.impl.Indices(src, p)
		default:
			y, err = s.impl.Grad(grad, src, p)
		}
		a.err = err
		return err
	})
	if s.dead.Load() != nil {
		return answer[T]{fault: a.fault} // the call may still be running: look at nothing that it can write
	}

	a.wroteSource = wrote("the source", srcBuf, r.src.In(s.impl.Layout).Data)
	if a.wroteSource == "" && r.what == backward {
		a.wroteSource = wrote("the gradient", gradBuf, r.grad.In(s.impl.Layout).Data)
	}
	for _, b := range []struct {
		name string
		buf  fenced[T]
	}{{"the source", srcBuf}, {"the gradient", gradBuf}, {"the result", dstBuf}} {
		if b.buf.all == nil || a.wroteFence != "" {
			continue
		}
		if where := b.buf.breach(); where != "" {
			a.wroteFence = b.name + ", " + where
		}
	}
	if a.err != nil {
		for i, v := range dstBuf.data {
			if !identical(v, junk) {
				a.wroteResult = fmt.Sprintf("cell %d of the result: %s", i, show(v))
				break
			}
		}
	}
	if a.fault != nil || a.err != nil || r.spoil != nil {
		return a
	}

	// The result must be a tensor of its layout before a law can look at it.
	if err := y.Validate(); err != nil {
		a.fault = fmt.Errorf("%v returned no valid tensor: %w", r.what, err)
		return a
	}
	if y.Layout != s.impl.Layout {
		a.fault = fmt.Errorf("%v of a source in %v returned a tensor in %v", r.what, s.impl.Layout, y.Layout)
		return a
	}
	if r.what == indexed && len(indices) != len(y.Data) {
		a.fault = fmt.Errorf("%v returned %d indices for %d maxima", r.what, len(indices), len(y.Data))
		return a
	}
	a.held = y
	a.y = pool2d.Tensor[T]{Shape: y.Shape, Data: append([]T(nil), y.Data...), Layout: y.Layout}
	if len(y.Data) > 0 && len(srcBuf.data) > 0 && !into {
		// Scribble over the sources: a result that changes shares their memory.
		for _, buf := range [][]T{srcBuf.data, gradBuf.data} {
			for i := range buf {
				buf[i] = junk
			}
		}
		for i, v := range y.Data {
			if !identical(v, a.y.Data[i]) {
				a.aliases = true
				break
			}
		}
	}
	a.indices = indices
	if s.impl.Layout != pool2d.NCHW {
		if indices != nil {
			a.indices = make([]int64, len(indices))
		}
		nchw := pool2d.Tensor[T]{Shape: a.y.Shape}
		for i, at := range indices {
			a.indices[nchw.Offset(a.y.CellAt(i))] = at
		}
		a.y = a.y.In(pool2d.NCHW)
	}
	return a
}

// hand copies t into a fenced buffer, in the layout of the implementation.
func (s *subject[T]) hand(t pool2d.Tensor[T]) (fenced[T], pool2d.Tensor[T]) {
	if t.Shape == (pool2d.Shape{}) {
		return fenced[T]{}, t
	}
	t = t.In(s.impl.Layout)
	buf := newFenced[T](len(t.Data))
	copy(buf.data, t.Data)
	t.Data = buf.data
	return buf, t
}

// wrote says which cell of buf is not what it was, or "".
func wrote[T pool2d.Elem](name string, buf fenced[T], was []T) string {
	for i, v := range buf.data {
		if !identical(v, was[i]) {
			return fmt.Sprintf("cell %d of %s, %s, became %s", i, name, show(was[i]), show(v))
		}
	}
	return ""
}

// timed runs call in a goroutine of its own and returns its fault: a panic, or no answer in time.
func (s *subject[T]) timed(r request[T], call func() error) error {
	done := make(chan error, 1)
	go func() {
		var fault = errors.New("ended its goroutine instead of returning")
		defer func() {
			if p := recover(); p != nil {
				fault = fmt.Errorf("%v panicked: %v%s", r.what, p, panicSite())
			}
			done <- fault
		}()
		_ = call()
		fault = nil
	}()
	timer := time.NewTimer(s.limit)
	defer timer.Stop()
	select {
	case fault := <-done:
		return fault
	case <-timer.C:
		said := fmt.Sprintf("%v did not answer within %v: %v", r.what, s.limit, pool2d.Descriptor{Shape: r.src.Shape, Params: r.p, Layout: s.impl.Layout})
		s.dead.Store(&said)
		return errors.New(said)
	}
}

// panicSite names the function and line that panicked: the first frame below the runtime's.
func panicSite() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf(", in %s at %s:%d", filepath.Base(f.Function), filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// pool returns the pooling of src, or what kept the implementation from answering with a tensor of the right shape.
func (s *subject[T]) pool(src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	a, err := s.valid(request[T]{what: forward, src: src, p: p})
	return a.y, err
}

// maxima returns the maxima of src and their indices.
func (s *subject[T]) maxima(src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], []int64, error) {
	a, err := s.valid(request[T]{what: indexed, src: src, p: p})
	return a.y, a.indices, err
}

// grad returns the gradient at src.
func (s *subject[T]) grad(grad, src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	a, err := s.valid(request[T]{what: backward, src: src, grad: grad, p: p})
	return a.y, err
}

// valid makes a call that is valid, and returns an error if the answer is not a tensor of the right shape.
func (s *subject[T]) valid(r request[T]) (answer[T], error) {
	a := s.do(r)
	fail := func(said string) error { return &finding[T]{src: r.src, p: r.p, said: said} }
	switch {
	case a.fault != nil:
		return a, fail(a.fault.Error())
	case a.err != nil:
		return a, fail(fmt.Sprintf("%v refused a valid call: %v", r.what, a.err))
	}
	want := r.src.Shape
	if r.what != backward {
		want, _ = pool2d.OutputShape(r.src.Shape, r.p)
	}
	if a.y.Shape != want {
		return a, fail(fmt.Sprintf("%v returned the shape %s, want %s", r.what, shapeName(a.y.Shape), shapeName(want)))
	}
	return a, nil
}

// shapeName returns the form n1c2h3w4.
func shapeName(s pool2d.Shape) string { return fmt.Sprintf("n%dc%dh%dw%d", s.N, s.C, s.H, s.W) }
