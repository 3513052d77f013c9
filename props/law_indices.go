package props

import (
	"fmt"

	"example.com/pool2d"
)

// indicesInWindow demands of each index that it names a real tap of its own window, where the maximum stands: in the
// plane, not in the padded plane, the tensor or the window. It is −1 exactly for a window that has no real tap. Searching
// the plane for the value, as one library did, breaks it wherever a value occurs twice. It stays because it leaves ties
// free: an index that is wrong is told from one that is another of equal maxima, which indices_order reports alike.
func indicesInWindow[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, indices, err := s.maxima(c.Src, c.Params)
	if err != nil {
		return err
	}
	size := c.Src.H * c.Src.W
	return withIndices[T](opine("indices", c.Src, c.Params, y, func(i int, got T, taps []int, _ int) opinion {
		index := indices[i]
		if len(taps) == 0 {
			return opinion{ok: index == -1, got: fmt.Sprintf("index %d", index), want: "index -1: the window has no real tap"}
		}
		o := opinion{want: "a cell of its window that has the maximum"}
		plane := taps[0] / size * size
		for _, at := range taps {
			if int64(at-plane) == index {
				if sameMax(c.Src.Data[at], got) {
					return opinion{ok: true}
				}
				o.got = fmt.Sprintf("index %d", index)
				o.note = fmt.Sprintf("the cell there is %s, the maximum %s", show(c.Src.Data[at]), show(got))
				return o
			}
		}
		o.got = fmt.Sprintf("index %d", index)
		if index < 0 || index >= int64(size) {
			o.note = fmt.Sprintf("the plane has the cells 0 to %d", size-1)
		} else {
			o.note = fmt.Sprintf("h%dw%d is not under the window", index/int64(c.Src.W), index%int64(c.Src.W))
		}
		return o
	}), indices)
}

// withIndices makes a finding show the indices instead of the maxima.
func withIndices[T pool2d.Elem](err error, indices []int64) error {
	if f, ok := err.(*finding[T]); ok {
		f.indices = indices
	}
	return err
}

// indicesOrder demands the index of the first of equal maxima in row-major order, and of the last NaN. −0 and +0 are
// equal. It is the one law that decides ties, and separate because a lawful gradient hangs on it.
func indicesOrder[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, indices, err := s.maxima(c.Src, c.Params)
	if err != nil {
		return err
	}
	size := c.Src.H * c.Src.W
	return withIndices[T](opine("indices", c.Src, c.Params, y, func(i int, _ T, taps []int, _ int) opinion {
		want := int64(-1)
		if at := winner(c.Src, taps); at >= 0 {
			want = int64(taps[at] % size)
		}
		if indices[i] == want {
			return opinion{ok: true}
		}
		return opinion{got: fmt.Sprintf("index %d", indices[i]), want: fmt.Sprintf("index %d", want), note: "the first of equals, the last of NaNs"}
	}), indices)
}

// winner returns which of the taps has the maximum, or −1 if there is none: the last NaN, else the first of the greatest.
func winner[T pool2d.Elem](src pool2d.Tensor[T], taps []int) int {
	best := -1
	for i, at := range taps {
		if isNaN(src.Data[at]) {
			best = i
		}
	}
	if best >= 0 {
		return best
	}
	for i, at := range taps {
		if best < 0 || src.Data[at] > src.Data[taps[best]] {
			best = i
		}
	}
	return best
}

// indicesValues demands that the maxima beside the indices are those of the pooling without indices: two paths, one
// answer. Some libraries propagate NaN on one of them alone. It stays because it says that the paths differ, which else
// follows from three laws together, and says it of the reference's two as well.
func indicesValues[T pool2d.Elem](s *subject[T], c Case[T]) error {
	plain, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	y, _, err := s.maxima(c.Src, c.Params)
	if err != nil {
		return err
	}
	return compare("indices", c.Src, c.Params, y, func(i int, got T) opinion {
		return be(sameMax(got, plain.Data[i]), plain.Data[i], "as without indices")
	})
}
