package props

import (
	"fmt"
	"runtime"
	"sync"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// sourceUntouched demands that no call writes to its source or its gradient, nor hands their memory out as a result:
// a 1×1 window that changes nothing is still a copy. It has no condition.
func sourceUntouched[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for _, r := range offered(s, c) {
		a, err := s.valid(r)
		switch {
		case err != nil:
			return err
		case a.wroteSource != "":
			return say(c.Src, c.Params, "in %v, %s", r.what, a.wroteSource)
		case a.aliases:
			return say(c.Src, c.Params, "the result of %v shares memory with its source", r.what)
		}
	}
	return nil
}

// staysInside demands that nothing is written beside a buffer: each call's buffers stand between fences. It has no
// condition.
func staysInside[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for _, r := range offered(s, c) {
		a, err := s.valid(r)
		if err != nil {
			return err
		}
		if a.wroteFence != "" {
			return say(c.Src, c.Params, "%v wrote beside %s", r.what, a.wroteFence)
		}
	}
	return nil
}

// everyCellWritten demands a result in every cell. A caller's buffer is full of junk before the call, and of other junk
// before a second one: what is the junk both times was not written. A buffer of the implementation's own is zero where
// nothing was written; so the cells are 1 and more, and zero is no average of them but in an integer type. It stays
// because it says of a cell that nobody wrote it, where equals_reference says that it is wrong; and because junk may be
// right by chance, of 8 bits once in 256 cells, and two kinds of junk are not.
func everyCellWritten[T pool2d.Elem](s *subject[T], c Case[T]) error {
	var ys [2]pool2d.Tensor[T]
	for i := range ys {
		a, err := s.valid(request[T]{what: forward, src: c.Src, p: c.Params, poison: i})
		if err != nil {
			return err
		}
		ys[i] = a.y
	}
	junk := poisons[T]()
	if s.impl.Pool2DInto != nil {
		return compare("", c.Src, c.Params, ys[0], func(i int, got T) opinion {
			return opinion{ok: !identical(got, junk[0]) || !identical(ys[1].Data[i], junk[1]), want: "to be written", note: "what the buffer held before"}
		})
	}
	return opine("", c.Src, c.Params, ys[0], func(_ int, got T, taps []int, divisor int) opinion {
		if len(taps) == 0 || c.Params.Op == pool2d.Avg && !isFloat[T]() {
			return opinion{ok: true}
		}
		for _, at := range taps {
			if !(c.Src.Data[at] > 0) {
				return opinion{ok: true}
			}
		}
		return opinion{ok: got != 0, want: "to be written", note: "no cell of its window is 0"}
	})
}

// repeatable demands that a call gives the same bits again after another call, and that the first result stays what it
// was: it is the caller's, not a buffer that the next call uses. It has no condition; an order of summation may be any,
// but it is one.
func repeatable[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for _, r := range offered(s, c) {
		first, err := s.valid(r)
		if err != nil {
			return err
		}
		held := append([]T(nil), first.held.Data...)
		other := r
		other.src.Data = make([]T, len(c.Src.Data))
		fill(other.src, positives, c.Seed+1)
		if _, err := s.valid(other); err != nil {
			return err
		}
		for i, v := range first.held.Data {
			if !identical(v, held[i]) {
				return say(c.Src, c.Params, "the next call of %v changed the result of the one before, at %d from %s to %s", r.what, i, show(held[i]), show(v))
			}
		}
		r.poison = 1
		again, err := s.valid(r)
		if err != nil {
			return err
		}
		if err := identicalAnswers("the same call again", r, first, again); err != nil {
			return err
		}
	}
	return nil
}

// identicalAnswers demands the same bits and the same indices.
func identicalAnswers[T pool2d.Elem](call string, r request[T], first, again answer[T]) error {
	return compare(call, r.src, r.p, again.y, func(i int, got T) opinion {
		if again.indices != nil && again.indices[i] != first.indices[i] {
			return opinion{got: fmt.Sprintf("index %d", again.indices[i]), want: fmt.Sprintf("index %d", first.indices[i]), note: "as before"}
		}
		return be(sameBits(got, first.y.Data[i]), first.y.Data[i], "as before, bit for bit")
	})
}

// sequences makes calls that differ in one thing at a time, on one implementation, and holds each against the
// reference: another divisor, another mode, a larger plane, a smaller one, the first again. A cache that forgets one
// parameter in its key answers the second with the first; scratch memory that grows once leaks old cells.
func sequences[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for i, step := range variations(s, c) {
		call := fmt.Sprintf("number %d of a sequence", i)
		if i == 0 {
			call = ""
		}
		y, err := s.pool(step.Src, step.Params)
		if err != nil {
			return err
		}
		want, err := reference.Pool2D(step.Src, step.Params)
		if err != nil {
			return say(step.Src, step.Params, "the reference refuses the case: %v", err)
		}
		if err := right(call, step.Src, step.Params, y, want); err != nil {
			return err
		}
	}
	return nil
}

// variations returns the case, cases that differ from it in one thing each, and the case again; only what the
// implementation offers and the contract allows.
func variations[T pool2d.Elem](s *subject[T], c Case[T]) []Case[T] {
	all := []Case[T]{c}
	random := stream(c.Seed)
	add := func(change func(p *pool2d.Params, in *pool2d.Shape)) {
		v := c
		change(&v.Params, &v.Src.Shape)
		if v.Params == c.Params && v.Src.Shape == c.Src.Shape {
			return
		}
		if _, err := pool2d.OutputShape(v.Src.Shape, v.Params); err != nil || pool2d.Needs(v.Src.Shape, v.Params)&s.impl.Lacks != 0 {
			return
		}
		if v.Src.Shape != c.Src.Shape {
			v.Src.Data = make([]T, v.Src.N*v.Src.C*v.Src.H*v.Src.W)
			fill(v.Src, smallInts, random.next()>>40)
		}
		all = append(all, v)
	}
	avg := c.Params.Op == pool2d.Avg
	add(func(p *pool2d.Params, _ *pool2d.Shape) {
		if avg {
			p.Divisor += 3
		}
	})
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.CountPad = avg && !p.CountPad })
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Op = 1 - p.Op })
	add(func(_ *pool2d.Params, in *pool2d.Shape) { in.H, in.W, in.C = in.H+9, in.W+37, in.C+2 }) // big …
	add(func(_ *pool2d.Params, in *pool2d.Shape) { in.N, in.C = 1, 1 })                          // … small …
	all = append(all, c)                                                                         // … and the first again
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Ceil = !p.Ceil })
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Stride = pool2d.HW{H: 1, W: 1} })
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Pad = pool2d.Pad{} })
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Dilation = pool2d.HW{} })
	add(func(_ *pool2d.Params, in *pool2d.Shape) { in.H, in.W = in.W, in.H })
	add(func(p *pool2d.Params, _ *pool2d.Shape) { p.Kernel.H, p.Kernel.W = p.Kernel.W, p.Kernel.H })
	return append(all, c)
}

// sameBitsAnyProcs demands the same bits for every GOMAXPROCS from 1 to 8: a cell belongs to one goroutine, which sums
// in one order. It changes GOMAXPROCS and restores it, so nothing else should be measured meanwhile.
func sameBitsAnyProcs[T pool2d.Elem](s *subject[T], c Case[T]) error {
	was := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(was)
	for _, r := range offered(s, c) {
		var first answer[T]
		for procs := 1; procs <= 8; procs++ {
			runtime.GOMAXPROCS(procs)
			a, err := s.valid(r)
			if err != nil {
				return err
			}
			if procs == 1 {
				first = a
				continue
			}
			if err := identicalAnswers(fmt.Sprintf("%v with GOMAXPROCS=%d, against 1", r.what, procs), r, first, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// concurrentCalls makes calls at the same time and demands the bits of the same calls one after the other. It says
// nothing of an implementation that lacks Concurrency.
func concurrentCalls[T pool2d.Elem](s *subject[T], c Case[T]) error {
	requests := offered(s, c)
	for _, v := range variations(s, c) {
		requests = append(requests, request[T]{what: forward, src: v.Src, p: v.Params, poison: 1})
	}
	alone := make([]answer[T], len(requests))
	for i, r := range requests {
		var err error
		if alone[i], err = s.valid(r); err != nil {
			return err
		}
	}
	const callers = 4
	found := make([]error, len(requests)*callers)
	var wait sync.WaitGroup
	for caller := range callers {
		wait.Go(func() {
			for k := range requests {
				i := (k + caller*len(requests)/callers) % len(requests)
				a, err := s.valid(requests[i])
				if err == nil {
					err = identicalAnswers("with other calls at the same time", requests[i], alone[i], a)
				}
				found[i*callers+caller] = err
			}
		})
	}
	wait.Wait()
	for _, err := range found {
		if err != nil {
			return err
		}
	}
	return nil
}
