//go:build linux

package peers

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"example.com/pool2d"
	"example.com/pool2d/optimized"
)

// serve is our own driver: package optimized behind the line protocol, in a process of its own as every contender is.
func serve(in io.Reader, out io.Writer) error {
	fmt.Fprintln(out, "hello pool2d", runtime.Version(), "nchw nhwc")
	var src, dst pool2d.Tensor[float32]
	var p pool2d.Params
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) >= 16 && words[0] == "load":
			release(src.Data)
			release(dst.Data)
			var threads int
			p = pool2d.Params{CountPad: words[1] == "avgi"}
			if words[1] != "max" {
				p.Op = pool2d.Avg
			}
			layout := pool2d.NCHW
			if words[2] == "nhwc" {
				layout = pool2d.NHWC
			}
			s := pool2d.Shape{}
			if _, err := fmt.Sscan(strings.Join(words[3:16], " "), &threads, &s.N, &s.C, &s.H, &s.W, &p.Kernel.H, &p.Kernel.W,
				&p.Stride.H, &p.Stride.W, &p.Pad.Top, &p.Pad.Left, &p.Pad.Bottom, &p.Pad.Right); err != nil {
				return err
			}
			o, err := pool2d.OutputShape(s, p)
			if err != nil {
				return err
			}
			runtime.GOMAXPROCS(threads)
			src = pool2d.Tensor[float32]{Shape: s, Data: cells(s.N * s.C * s.H * s.W), Layout: layout}
			dst = pool2d.Tensor[float32]{Shape: o, Data: cells(o.N * o.C * o.H * o.W), Layout: layout}
			each(src, func(i, offset int) {
				src.Data[offset] = float32(uint32(i)*2654435761>>8)*0x1p-24 - 0.5
			})
			if err := optimized.Pool2DInto(dst, src, p); err != nil {
				fmt.Fprintln(out, "lacks", err)
				continue
			}
			var sum checksum
			each(dst, func(i, offset int) {
				v := float64(dst.Data[offset])
				sum.sum += v
				sum.weighted += v * float64(i%61)
			})
			fmt.Fprintf(out, "ok %.17g %.17g\n", sum.sum, sum.weighted)
		case len(words) == 3 && words[0] == "time":
			var warm time.Duration // nanoseconds
			var reps int
			if _, err := fmt.Sscan(words[1]+" "+words[2], (*int64)(&warm), &reps); err != nil {
				return err
			}
			for start := time.Now(); ; {
				optimized.Pool2DInto(dst, src, p)
				if time.Since(start) >= warm {
					break
				}
			}
			start := time.Now()
			for range reps {
				if err := optimized.Pool2DInto(dst, src, p); err != nil {
					return err
				}
			}
			fmt.Fprintln(out, time.Since(start).Nanoseconds())
		default:
			return fmt.Errorf("bad line: %s", lines.Text())
		}
	}
	return nil
}

// each calls f for each cell in the order of NCHW, with its number in that order and its place in Data.
func each(t pool2d.Tensor[float32], f func(i, offset int)) {
	i := 0
	for n := range t.N {
		for c := range t.C {
			for h := range t.H {
				for w := range t.W {
					f(i, t.Offset(pool2d.Cell{N: n, C: c, H: h, W: w}))
					i++
				}
			}
		}
	}
}

// cells returns memory for n floats on pages of the size that POOL2D_PAGES names, as protocol.h does for C.
func cells(n int) []float32 {
	const huge = 2 << 20
	bytes := (n*4 + 2*huge) &^ (huge - 1)
	m, err := syscall.Mmap(-1, 0, bytes+huge, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err) // a measurement cannot go on without memory
	}
	skip := int(-uintptr(unsafe.Pointer(&m[0])) & (huge - 1))
	const madvHugepage, madvNohugepage = 14, 15
	advice := madvNohugepage
	if os.Getenv("POOL2D_PAGES") == "huge" {
		advice = madvHugepage
	}
	syscall.Madvise(m[skip:skip+bytes], advice)
	f := unsafe.Slice((*float32)(unsafe.Pointer(&m[skip])), n)
	mapped[&f[0]] = m
	clear(m)
	return f
}

var mapped = map[*float32][]byte{} // by first cell

func release(f []float32) {
	if f != nil {
		syscall.Munmap(mapped[&f[0]])
		delete(mapped, &f[0])
	}
}
