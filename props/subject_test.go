package props

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// one is a valid request: a 2×2 window over a plane of 2×3.
func one() request[float32] {
	return request[float32]{
		src: pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		p:   pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}},
	}
}

func into(f func(dst, src pool2d.Tensor[float32], p pool2d.Params) error) *subject[float32] {
	return newSubject(pool2d.Impl[float32]{Name: "mine", Pool2DInto: f})
}

// Each thing that a call must not do is seen.
func TestSubject(t *testing.T) {
	right := func(dst, src pool2d.Tensor[float32], p pool2d.Params) {
		y, err := reference.Pool2D(src, p)
		if err != nil {
			panic(err)
		}
		copy(dst.Data, y.Data)
	}
	beside := func(x []float32, at int) *float32 { // what assembly reaches and Go does not
		return (*float32)(unsafe.Add(unsafe.Pointer(&x[0]), 4*at))
	}
	for _, test := range []struct {
		name string
		f    func(dst, src pool2d.Tensor[float32], p pool2d.Params) error
		want func(a answer[float32]) string
		text string
	}{
		{"nothing", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error { right(dst, src, p); return nil },
			func(a answer[float32]) string {
				if a.fault != nil || a.err != nil {
					return "an error"
				}
				return a.wroteSource + a.wroteFence + a.wroteResult
			}, ""},
		{"a panic", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error { _ = src.Data[len(src.Data)]; return nil },
			func(a answer[float32]) string { return a.fault.Error() }, "Pool2D panicked: runtime error: index out of range [6] with length 6, in props.TestSubject"},
		{"an error", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error { dst.Data[1] = 3; return errors.New("no") },
			func(a answer[float32]) string { return a.wroteResult }, "cell 1 of the result: 3"},
		{"the source", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error {
			right(dst, src, p)
			src.Data[2] = 0
			return nil
		}, func(a answer[float32]) string { return a.wroteSource }, "cell 2 of the source, 3, became 0"},
		{"behind the result", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error {
			right(dst, src, p)
			*beside(dst.Data, 2) = 0
			return nil
		}, func(a answer[float32]) string { return a.wroteFence }, "the result, 1 behind its last cell"},
		{"before the source", func(dst, src pool2d.Tensor[float32], p pool2d.Params) error {
			right(dst, src, p)
			*beside(src.Data, -3) = 0
			return nil
		}, func(a answer[float32]) string { return a.wroteFence }, "the source, 3 before its first cell"},
	} {
		a := into(test.f).do(one())
		if got := test.want(a); got != test.text && (test.text == "" || !strings.HasPrefix(got, test.text)) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.text)
		}
	}
}

// The law on fences reports what the subject sees.
func TestFences(t *testing.T) {
	s := into(func(dst, src pool2d.Tensor[float32], p pool2d.Params) error {
		*(*float32)(unsafe.Add(unsafe.Pointer(&dst.Data[0]), 4*len(dst.Data))) = 1
		return nil
	})
	r := one()
	err := staysInside(s, Case[float32]{Src: r.src, Params: r.p})
	if want := "Pool2D wrote beside the result, 1 behind its last cell"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A call that does not return is given up, and nothing more is asked.
func TestHang(t *testing.T) {
	release := make(chan bool)
	defer close(release)
	var calls atomic.Int64
	s := into(func(dst, src pool2d.Tensor[float32], p pool2d.Params) error { calls.Add(1); <-release; return nil })
	s.limit = 20 * time.Millisecond
	for range 2 {
		a := s.do(one())
		if want := "Pool2D did not answer within 20ms: n1c1h2w3_max_k2x2_s1x1"; a.fault == nil || a.fault.Error() != want {
			t.Errorf("got %v, want %s", a.fault, want)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// A result in memory of the source, in another layout, or of the wrong length is seen.
func TestResults(t *testing.T) {
	result := func(f func(src pool2d.Tensor[float32]) pool2d.Tensor[float32]) answer[float32] {
		s := newSubject(pool2d.Impl[float32]{Name: "mine", Pool2D: func(src pool2d.Tensor[float32], _ pool2d.Params) (pool2d.Tensor[float32], error) {
			return f(src), nil
		}})
		return s.do(one())
	}
	if a := result(func(src pool2d.Tensor[float32]) pool2d.Tensor[float32] { return src }); !a.aliases || a.y.Data[5] != 6 {
		t.Errorf("the source itself: %+v", a)
	}
	if a := result(func(src pool2d.Tensor[float32]) pool2d.Tensor[float32] { src.Layout = pool2d.NHWC; return src }); a.fault == nil {
		t.Error("another layout is accepted")
	}
	if a := result(func(src pool2d.Tensor[float32]) pool2d.Tensor[float32] { src.Data = src.Data[1:]; return src }); a.fault == nil {
		t.Error("a cell less is accepted")
	}
}

// A call that hangs is reported as itself, although rapid goes on asking for smaller cases.
func TestHangReport(t *testing.T) {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		t.Fatal(err)
	}
	defer flag.Set("rapid.nofailfile", "false")
	release := make(chan bool)
	defer close(release)
	impl := pool2d.Impl[float32]{Name: "mine", Pool2D: func(src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		if p.Stride.W == -1 {
			<-release
		}
		return reference.Pool2D(src, p)
	}}
	s := newSubject(impl)
	s.limit = 20 * time.Millisecond
	heard := &listener{}
	func() {
		defer func() { _ = recover() }()
		for _, l := range All[float32]() {
			if l.Name == "rejects_nonsense" {
				l.run(heard, impl, s)
			}
		}
	}()
	if want := "with Stride.W = -1, Pool2D did not answer within 20ms"; !strings.Contains(heard.said, want) {
		t.Errorf("got %s\nwant %q in it", heard.said, want)
	}
}

// listener is a test that keeps its last words.
type listener struct {
	rapid.TB
	said string
}

func (*listener) Helper()                     {}
func (*listener) Name() string                { return "TestMine" }
func (*listener) Logf(string, ...any)         {}
func (*listener) Failed() bool                { return false }
func (l *listener) Errorf(f string, a ...any) { l.said = fmt.Sprintf(f, a...) }
func (*listener) FailNow()                    { panic("over") }
