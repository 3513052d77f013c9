package bench_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/pool2d"
	"example.com/pool2d/bench"
	"example.com/pool2d/optimized"
	"example.com/pool2d/reference"
)

func ours[T pool2d.Elem](layout pool2d.Layout) pool2d.Impl[T] {
	return pool2d.Impl[T]{Name: "optimized", Pool2DInto: optimized.Pool2DInto[T], Layout: layout}
}

func BenchmarkPool2D(b *testing.B) {
	bench.Run(b, pool2d.Impl[float32]{Name: "reference", Pool2D: reference.Pool2D[float32]}, ours[float32](pool2d.NCHW))
	bench.Run(b, ours[float32](pool2d.NHWC))
	bench.RunOn(b, bench.Compared(), ours[float32](pool2d.NCHW), ours[float32](pool2d.NHWC))
	bench.RunOn(b, bench.Core(), ours[float64](pool2d.NCHW))
	bench.RunOn(b, bench.Core(), ours[int8](pool2d.NCHW))
}

// Every workload is a pooling that there is, and its name is one word that benchstat takes for one value.
func TestWorkloads(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range append(bench.Workloads(), bench.Compared()...) {
		name := w.Name + "/" + w.Params.Op.String()
		t.Run(name, func(t *testing.T) {
			if _, err := pool2d.OutputShape(w.Shape, w.Params); err != nil {
				t.Error(err)
			}
			if w.Bytes(4) <= 0 || w.Taps() <= 0 || w.Source == "" || w.Why == "" {
				t.Errorf("%d bytes, %d taps, source %q, why %q", w.Bytes(4), w.Taps(), w.Source, w.Why)
			}
			for _, r := range w.Name {
				if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
					t.Errorf("the name has %q", r)
				}
			}
			if seen[name] {
				t.Error("the name is there twice")
			}
			seen[name] = true
		})
	}
}

// The core layers are those of the corpus, whose results' sizes were checked against the frameworks.
func TestCoreIsTheCorpus(t *testing.T) {
	folder := os.Getenv("POOL2D_DATA")
	if folder == "" {
		t.Skip("POOL2D_DATA is not set")
	}
	type layer struct {
		ID             string
		Batch, C, H, W int
		Op             string
		Kernel, Stride [2]int
		Pad            [4]int `json:"pad_tblr"`
		Ceil           bool   `json:"ceil_mode"`
		CountPad       bool   `json:"count_include_pad"`
		Out            [2]int
	}
	data, err := os.ReadFile(filepath.Join(folder, "core12.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Layers []layer }
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	var got []layer
	for _, w := range bench.Core() {
		out, err := pool2d.OutputShape(w.Shape, w.Params)
		if err != nil {
			t.Fatal(err)
		}
		p := w.Params
		got = append(got, layer{
			w.Name, w.Shape.N, w.Shape.C, w.Shape.H, w.Shape.W, p.Op.String(),
			[2]int{p.Kernel.H, p.Kernel.W}, [2]int{p.Stride.H, p.Stride.W},
			[4]int{p.Pad.Top, p.Pad.Bottom, p.Pad.Left, p.Pad.Right}, p.Ceil, p.CountPad, [2]int{out.H, out.W},
		})
	}
	if diff := cmp.Diff(want.Layers, got); diff != "" {
		t.Errorf("core layers (-corpus +ours):\n%s", diff)
	}
}

func TestName(t *testing.T) {
	got := bench.Name(bench.Core()[0], ours[int8](pool2d.NHWC))
	want := "workload=vgg16-pool1/op=max/dtype=int8/layout=nhwc/impl=optimized"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a call needs and an implementation lacks is skipped by name, and a call that fails is an error, not a time.
func TestCall(t *testing.T) {
	var tiny bench.Workload
	for _, w := range bench.Hurtful() {
		if w.Name == "tiny" {
			tiny = w
		}
	}
	for _, im := range []pool2d.Impl[float32]{ours[float32](pool2d.NCHW), ours[float32](pool2d.NHWC), {Name: "reference", Pool2D: reference.Pool2D[float32]}} {
		call, err := bench.Call(tiny, im)
		if err != nil {
			t.Fatal(err)
		}
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	if _, err := bench.Call(tiny, pool2d.Impl[float32]{Name: "empty"}); err == nil {
		t.Error("an implementation without functions is timed")
	}
	tiny.Params.Kernel.H = 9
	if _, err := bench.Call(tiny, ours[float32](pool2d.NCHW)); err == nil {
		t.Error("a window larger than the plane is timed")
	}
}
