//go:build unix

// Package guard has memory that a byte too far cannot be read from or written to: slices that end, or begin, where a
// page begins that is not mapped. A stray access of assembly is a fault at the instruction that does it.
package guard

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is pages between two that no access is allowed to.
type Memory struct{ all, data []byte }

// New returns memory for at least n float32 cells.
func New(n int) (*Memory, error) {
	page := unix.Getpagesize()
	size := max(1, (4*n+page-1)/page) * page
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	m := &Memory{all: all, data: all[page : page+size]}
	for _, fence := range [][]byte{all[:page], all[page+size:]} {
		if err := unix.Mprotect(fence, unix.PROT_NONE); err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
	}
	return m, nil
}

// Close gives the memory back.
func (m *Memory) Close() error { return unix.Munmap(m.all) }

// First returns the first n cells, right behind the lower fence.
func (m *Memory) First(n int) []float32 { return m.at(0, n) }

// Last returns the last n cells, right before the upper fence.
func (m *Memory) Last(n int) []float32 { return m.at(len(m.data)-4*n, n) }

// At returns n cells from the i-th on.
func (m *Memory) At(i, n int) []float32 { return m.at(4*i, n) }

func (m *Memory) at(offset, n int) []float32 {
	if n == 0 {
		return nil
	}
	_ = m.data[offset : offset+4*n]
	return unsafe.Slice((*float32)(unsafe.Pointer(&m.data[offset])), n)
}
