package optimized

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"example.com/pool2d"
)

// task is work cut into chunks that may run in any order, by any goroutine.
type task interface{ run(chunk int, s *scratch) }

// job is one call's chunks, taken by its caller and by helpers. Nothing waits for a helper to come: a caller that finds
// none does all the work itself, so helpers are a matter of speed only.
//
//	caller    publish ── wake? ── chunk ── chunk ── chunk ── withdraw ── wait for chunks that others have
//	helper    spin ─────────────── chunk ── chunk ── chunk ── spin ── park ── end
//
// The chunks are cut into as many parts as goroutines may take part. The caller takes the first part from its front, each
// helper one of its own; then all take what others have left, from the back. So a plane that is pooled again, or that the
// same goroutines have just written, is where it was: in the cache of the same core.
//
// Only a chunk that is taken and not done keeps a job from ending. So a helper that looks into one may find that it is over, or, since
// calls are used again, that it is the next call's, and go on with that.
type job struct {
	task  task
	turn  int // how many times it was started
	parts atomic.Int32
	_     [100]byte // what all read and what one writes are in lines of their own
	all   [maxParts]part
}

// maxParts is the greatest number of parts. Small calls have no more chunks.
const maxParts = 16

// part is a run of chunks, some of which are not taken: 24 bits of the first of these, 24 of the one behind the last, and 16 of
// how many are taken and not done. It has a pair of cache lines to itself, since these are fetched together.
type part struct {
	state atomic.Uint64
	_     [120]byte
}

const (
	oneTaken = 1
	oneLast  = 1 << 16
	oneFirst = 1 << 40 // 2²⁴ chunks are 2³⁸ elements at least
)

func runOf(state uint64) (first, last uint64) { return state / oneFirst, state % oneFirst / oneLast }

// set makes p the chunks [first, last).
func (p *part) set(first, last int) { p.state.Store(uint64(first)*oneFirst + uint64(last)*oneLast) }

// take takes the first chunk or the last, or returns -1. It also tells that done chunks that the caller had taken are done.
func (p *part) take(front bool, done uint64) int {
	for {
		state := p.state.Load()
		chunk, next := -1, state-done*oneTaken
		switch first, last := runOf(state); {
		case first == last:
			if done == 0 {
				return -1
			}
		case front:
			chunk, next = int(first), next+oneFirst+oneTaken
		default:
			chunk, next = int(last-1), next-oneLast+oneTaken
		}
		if p.state.CompareAndSwap(state, next) {
			return chunk
		}
	}
}

// wait returns when all are done, of which each goroutine has one at most.
func (p *part) wait() {
	for looked := 0; ; looked++ {
		state := p.state.Load()
		if first, last := runOf(state); first == last && state%oneLast == 0 {
			return
		}
		if looked > waits {
			runtime.Gosched()
		}
	}
}

const (
	// serialBelow is the number of elements from which a second goroutine pays if it is awake: 2 µs of work, where
	// handing it over costs a quarter of one.
	serialBelow = 1 << 14

	// wakeAbove is the number of elements that justify waking a parked helper. It takes 70 to 130 µs until it runs and
	// costs the caller 9 to 20; a million elements are 130 µs of work for one core beyond its own caches. Smaller calls
	// are added up, so a steady stream of them wakes helpers too and a rare one does not.
	wakeAbove = 1 << 20

	// waits is how often a caller looks before it yields: for 9 µs, while chunks take up to 10. Yielding costs 0.1 µs, but 10 to
	// 30 where the caller is locked to its thread, as one that C has called is: a call of 6 µs took 20 when it yielded after
	// 100 looks (-bench Locked -cpu 2).
	waits = 1 << 14

	// parkedFor is how long a parked helper stays before it ends.
	parkedFor = time.Second
)

// spinFor is how long a helper stays awake for the next job: about what it costs to wake it again, so that spinning
// at most doubles the price of a call that came too late. It yields to other goroutines all the while.
var spinFor = spinTime(os.Getenv("POOL2D_SPIN"))

func spinTime(s string) time.Duration {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return min(d, 10*time.Millisecond)
	}
	return 100 * time.Microsecond
}

var helpers struct {
	open   atomic.Int32            // how many jobs are published
	jobs   [16]atomic.Pointer[job] // those; the first in the cache line that helpers look at
	_      [64]byte
	alive  atomic.Int32
	awake  atomic.Int32 // spinning or working
	parked atomic.Int32
	missed atomic.Int64 // elements of jobs that no helper was awake for
	wake   chan struct{}
}

func init() { helpers.wake = make(chan struct{}) }

// goroutines returns how many may share work on so many elements. Asking for GOMAXPROCS takes 25 ns, and a lock that all goroutines share.
func goroutines(elements int) int {
	if elements < serialBelow {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// start runs all chunks, by up to procs goroutines, and returns when they are done. elements tells how much work there is.
func (j *job) start(chunks, elements, procs int) {
	n := min(procs, chunks, maxParts)
	j.turn++
	j.parts.Store(int32(n))
	for i := range n {
		j.all[i].set(chunks*i/n, chunks*(i+1)/n)
	}
	var slot *atomic.Pointer[job]
	if n > 1 {
		slot = j.publish()
	}
	if slot != nil {
		callHelpers(min(procs, chunks)-1, procs-1, elements)
	}
	j.work(0)
	if slot != nil {
		slot.Store(nil)
		helpers.open.Add(-1)
	}
	for i := range n {
		j.all[i].wait()
	}
}

// work runs chunks until none are left, those of part home first, and reports whether there were any.
func (j *job) work(home int) bool {
	var s *scratch
	turn, parts := 0, int(j.parts.Load())
	for i := range parts {
		p := &j.all[(home+i)%parts]
		for chunk := p.take(i == 0, 0); chunk >= 0; chunk = p.take(i == 0, 1) {
			if s == nil {
				s = scratches.Get().(*scratch)
			}
			if turn != j.turn {
				turn, s.carried = j.turn, carried{plane: -1}
			}
			j.task.run(chunk, s)
		}
	}
	if s == nil {
		return false
	}
	scratches.Put(s)
	return true
}

// publish puts j where helpers look. It returns nil if there is no room.
func (j *job) publish() *atomic.Pointer[job] {
	for i := range helpers.jobs {
		if slot := &helpers.jobs[i]; slot.Load() == nil && slot.CompareAndSwap(nil, j) {
			helpers.open.Add(1)
			return slot
		}
	}
	return nil
}

// callHelpers sees to it that up to want helpers come, of at most limit, if the work is worth it.
func callHelpers(want, limit, elements int) {
	want -= int(helpers.awake.Load())
	if want <= 0 {
		return
	}
	if helpers.missed.Add(int64(elements)) < wakeAbove {
		return
	}
	helpers.missed.Store(0)
	for range want {
		if helpers.parked.Load() > 0 {
			select {
			case helpers.wake <- struct{}{}:
			default: // it is not there yet, or just leaving
			}
		} else if n := helpers.alive.Add(1); n <= int32(limit) {
			go help(int(n))
		} else {
			helpers.alive.Add(-1)
			return
		}
	}
}

// help is the life of a helper, which begins with the part home of every job.
func help(home int) {
	defer helpers.alive.Add(-1)
	timer := time.NewTimer(parkedFor)
	for {
		helpers.awake.Add(1)
		for since := time.Now(); ; {
			if helpOnce(home) {
				since = time.Now()
			} else if time.Since(since) >= spinFor {
				break
			}
			runtime.Gosched()
		}
		helpers.awake.Add(-1)
		timer.Reset(parkedFor)
		helpers.parked.Add(1)
		select {
		case <-helpers.wake:
			helpers.parked.Add(-1)
		case <-timer.C:
			helpers.parked.Add(-1)
			return
		}
	}
}

// looks is how often a helper looks for a job before it yields: 0.5 µs, where yielding takes 0.1. With 64, small calls on
// two threads were 2 to 4 % slower, since it was mostly away when a job came.
const looks = 2048

// helpOnce takes part in a published job, if there is one.
func helpOnce(home int) bool {
	for range looks {
		if helpers.open.Load() == 0 {
			continue
		}
		for i := range helpers.jobs {
			if j := helpers.jobs[i].Load(); j != nil && j.work(home) {
				return true
			}
		}
	}
	return false
}

// scratch is the memory that one goroutine computes with, at most scratchBytes.
type scratch struct {
	mem  []byte
	used int

	// What kernels are told; here, so that it is not allocated.
	band   band
	narrow narrowPlanes
	tile   heldTile
	cells  cellWindows
	slide  slideRows

	carried carried // from chunk to chunk of a call
}

// scratchBytes is what a goroutine may use beside source and result, whatever plane and window.
const scratchBytes = 1 << 20

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// reset gives back all that was carved. A line stays free before it: AVX-512 kernels begin rows with loads whose first lanes are
// masked, and where these lie in a page that is not there, each load takes 100 ns.
func (s *scratch) reset() { s.used = 64 }

// carve returns n elements of scratch, aligned to a cache line and followed by a line that may be read. Their values
// are undefined.
func carve[T pool2d.Elem](s *scratch, n int) []T {
	if s.mem == nil {
		s.mem = make([]byte, scratchBytes)
		if off := int(-uintptr(unsafe.Pointer(&s.mem[0])) & 63); off != 0 {
			s.mem = s.mem[off:]
		}
	}
	if n == 0 {
		return nil
	}
	var cell T
	bytes := (n*int(unsafe.Sizeof(cell)) + 127) &^ 63
	p := unsafe.Pointer(&s.mem[s.used : s.used+bytes][0])
	s.used += bytes
	return unsafe.Slice((*T)(p), n)
}
