// Package photo makes pooling visible: it turns a photograph into feature maps by edge filters, as the first layer of a
// network would, and shows what pooling keeps of them when the photograph moves.
package photo

import (
	"bytes"
	_ "embed"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"

	"example.com/pool2d"
	"example.com/pool2d/optimized"
)

// Name is where the photograph that comes with the package is from. Its licence is that of the Go distribution, BSD-3-Clause.
const Name = "image/testdata/video-001.png of the Go distribution"

//go:embed video-001.png
var embedded []byte

// Embedded returns the brightness of the photograph that comes with the package.
func Embedded() pool2d.Tensor[float32] {
	t, err := decode(bytes.NewReader(embedded))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return t
}

// The limits of an image: below least there is no window to look through, beyond most it is not decoded, and beyond
// large it is averaged down first, so that the reference has done with it in seconds.
const (
	least = 8
	most  = 200_000_000
	large = 500_000
)

// Load returns the brightness of a PNG or JPEG file.
func Load(file string) (pool2d.Tensor[float32], error) {
	f, err := os.Open(file)
	if err != nil {
		return pool2d.Tensor[float32]{}, err
	}
	defer f.Close()
	t, err := decode(f)
	if err != nil {
		return pool2d.Tensor[float32]{}, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// decode returns the brightness of an image as one plane of whole numbers from 0 to 255.
func decode(r io.ReadSeeker) (t pool2d.Tensor[float32], err error) {
	config, _, err := image.DecodeConfig(r)
	if err != nil {
		return t, fmt.Errorf("neither PNG nor JPEG: %w", err)
	}
	if w, h := config.Width, config.Height; w < least || h < least || w > most/h {
		return t, fmt.Errorf("it is %d×%d pixels, want at least %d×%[3]d and at most %d in all", w, h, least, most)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return t, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return t, err
	}
	b := img.Bounds()
	t.Shape = pool2d.Shape{N: 1, C: 1, H: b.Dy(), W: b.Dx()}
	t.Data = make([]float32, 0, b.Dy()*b.Dx())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			t.Data = append(t.Data, float32(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y))
		}
	}
	return reduce(t)
}

// reduce averages k×k cells to one, with the least k that makes the plane no larger than large. It is itself a pooling.
func reduce(t pool2d.Tensor[float32]) (pool2d.Tensor[float32], error) {
	k := 1
	for (t.H/k)*(t.W/k) > large && min(t.H, t.W)/(k+1) >= least {
		k++
	}
	if k == 1 {
		return t, nil
	}
	t, err := optimized.Pool2D(t, pool2d.Params{Op: pool2d.Avg, Kernel: pool2d.HW{H: k, W: k}})
	for i, v := range t.Data {
		t.Data[i] = float32(int(v + 0.5))
	}
	return t, err
}

// A filter is a small matrix that is slid over a plane: at each place, the sum of its products with the cells there.
type filter struct {
	name string
	rows [][]float32
}

// bank is the edge filters whose answers are the channels of Features. They have whole numbers, so that the features of
// an image are whole numbers and sums of them are exact.
var bank = []filter{
	{"step across", [][]float32{{1, -1}}},
	{"step down", [][]float32{{1}, {-1}}},
	{"Sobel across", [][]float32{{1, 0, -1}, {2, 0, -2}, {1, 0, -1}}},
	{"Sobel down", [][]float32{{1, 2, 1}, {0, 0, 0}, {-1, -2, -1}}},
	{"Sobel diagonal /", [][]float32{{0, 1, 2}, {-1, 0, 1}, {-2, -1, 0}}},
	{"Sobel diagonal \\", [][]float32{{2, 1, 0}, {1, 0, -1}, {0, -1, -2}}},
	{"Laplace", [][]float32{{0, 1, 0}, {1, -4, 1}, {0, 1, 0}}},
	{"line across", [][]float32{{-1, 2, -1}, {-1, 2, -1}, {-1, 2, -1}}},
}

// Features returns one channel for each filter of the bank, cut to the part of the plane where all of them fit.
func Features(plane pool2d.Tensor[float32]) pool2d.Tensor[float32] {
	h, w := plane.H-2, plane.W-2
	t := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: len(bank), H: h, W: w}}
	for _, f := range bank {
		answers := correlate(plane, f.rows)
		for y := range h {
			t.Data = append(t.Data, answers.Data[y*answers.W:][:w]...)
		}
	}
	return t
}

// correlate returns the cross-correlation of a plane with a filter, at the places where the filter fits.
func correlate(plane pool2d.Tensor[float32], rows [][]float32) pool2d.Tensor[float32] {
	t := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: plane.H - len(rows) + 1, W: plane.W - len(rows[0]) + 1}}
	for y := range t.H {
		for x := range t.W {
			var sum float32
			for i, row := range rows {
				for j, weight := range row {
					sum += weight * plane.Data[(y+i)*plane.W+x+j]
				}
			}
			t.Data = append(t.Data, sum)
		}
	}
	return t
}
