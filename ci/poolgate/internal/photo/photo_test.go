package photo

import (
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/pool2d"
)

var update = flag.Bool("update", false, "rewrite the picture")

// The picture of the README is the one that this program draws.
func TestPicture(t *testing.T) {
	const file = "testdata/shift.png"
	got := Picture(Embedded())
	if *update {
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, got); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("got %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			if R, G, B, _ := want.At(x, y).RGBA(); r != R || g != G || b != B {
				t.Fatalf("pixel %d,%d differs; go test ./ci/poolgate/internal/photo -update draws it anew", x, y)
			}
		}
	}
}

// Pooling over 2×2 cells keeps every edge at its place when the photograph moves by one pixel: that is a law. Without
// pooling, and beyond one pixel, it is up to the photograph.
func TestShifts(t *testing.T) {
	all := Shifts(Embedded())
	for by, s := range all {
		if s.By != by || s.Edges < 500 {
			t.Errorf("%+v", s)
		}
		if by <= 1 && s.After != 1 {
			t.Errorf("moved by %d: %v of the edges stay detected after pooling, want 1", by, s.After)
		}
		if s.After < s.Before {
			t.Errorf("moved by %d: fewer edges stay after pooling, %v, than before, %v", by, s.After, s.Before)
		}
	}
	if all[0].Before != 1 || all[1].Before > 0.7 {
		t.Errorf("before pooling: %v of the edges stay without a move, %v with a move by 1", all[0].Before, all[1].Before)
	}
}

// Features are whole numbers small enough that sums of a million of them are exact in float64.
func TestFeatures(t *testing.T) {
	f := Features(Embedded())
	if want := (pool2d.Shape{N: 1, C: 8, H: 101, W: 148}); f.Shape != want {
		t.Fatalf("shape %v, want %v", f.Shape, want)
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	for c := range f.C {
		answers := 0
		for i, v := range f.Data[c*f.H*f.W:][:f.H*f.W] {
			if v != float32(int(v)) || v > 2040 || v < -2040 {
				t.Fatalf("%s: cell %d is %v", bank[c].name, i, v)
			}
			if v != 0 {
				answers++
			}
		}
		if answers < f.H*f.W/2 {
			t.Errorf("%s answers at %d cells only", bank[c].name, answers)
		}
	}
}

func TestCorrelate(t *testing.T) {
	plane := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 4}, Data: []float32{1, 1, 0, 0, 1, 1, 0, 0}}
	if got := fmt.Sprint(correlate(plane, [][]float32{{1, -1}}).Data); got != "[0 1 0 0 1 0]" {
		t.Errorf("got %v", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, encode func(*os.File) error) string {
		file := filepath.Join(dir, name)
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := encode(f); err != nil {
			t.Fatal(err)
		}
		return file
	}
	gray := func(w, h int) func(*os.File) error {
		return func(f *os.File) error { return png.Encode(f, image.NewGray(image.Rect(0, 0, w, h))) }
	}
	for _, c := range []struct{ name, file, want string }{
		{"absent", filepath.Join(dir, "absent.png"), "absent.png"},
		{"a folder", dir, dir},
		{"empty", write("empty.png", func(*os.File) error { return nil }), "neither PNG nor JPEG"},
		{"text", write("text.png", func(f *os.File) error { _, err := f.WriteString("hello"); return err }), "neither PNG nor JPEG"},
		{"cut", write("cut.png", func(f *os.File) error { _, err := f.Write(embedded[:len(embedded)/2]); return err }), "cut.png"},
		{"narrow", write("narrow.png", gray(7, 100)), "7×100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	got, err := Load(write("large.png", gray(2000, 1100)))
	if want := (pool2d.Shape{N: 1, C: 1, H: 366, W: 666}); err != nil || got.Shape != want {
		t.Errorf("2000×1100 pixels are reduced to %v (%v), want %v", got.Shape, err, want)
	}
}
