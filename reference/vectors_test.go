package reference

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/pool2d"
)

// The vectors of other projects and the cases on which frameworks disagree are read from the folder that the environment
// variable POOL2D_DATA names. Every case is run, or stands in the list of exceptions of its test with its reason; an
// exception that would pass, or that the file does not have, fails.
func load(t *testing.T, name string, into any) {
	t.Helper()
	folder := os.Getenv("POOL2D_DATA")
	if folder == "" {
		t.Skip("POOL2D_DATA is not set")
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// settle fails t unless exactly the cases that have no exception pass, and no exception is without its case.
// It takes the outcomes by name.
func settle(t *testing.T, outcomes map[string]error, exceptions map[string]string) {
	t.Helper()
	passed := 0
	for name, err := range outcomes {
		reason, excepted := exceptions[name]
		switch {
		case err == nil && !excepted:
			passed++
		case err == nil:
			t.Errorf("%s passes, but is excepted: %s", name, reason)
		case !excepted:
			t.Errorf("%s: %v", name, err)
		default:
			t.Logf("%s: %s (%v)", name, reason, err)
		}
	}
	for name := range exceptions {
		if _, ok := outcomes[name]; !ok {
			t.Errorf("%s is excepted, but there is no such case", name)
		}
	}
	t.Logf("%d of %d cases run and pass, %d are excepted", passed, len(outcomes), len(exceptions))
}

// number is a JSON number, or a string for what JSON cannot say.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal([]byte(strings.Trim(string(b), `"`)), &f); err == nil {
		*n = number(f)
		return nil
	}
	switch string(b) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	default:
		return fmt.Errorf("no number: %s", b)
	}
	return nil
}

func tensor[T pool2d.Elem](s pool2d.Shape, layout pool2d.Layout, cells []number) pool2d.Tensor[T] {
	t := pool2d.Tensor[T]{Shape: s, Data: make([]T, len(cells)), Layout: layout}
	for i, v := range cells {
		t.Data[i] = T(v)
	}
	return t
}

// near returns an error for the first cell that is further from want than its tolerance. NaN is near NaN.
func near[T pool2d.Elem](got pool2d.Tensor[T], want []number, tolerance func(i int) float64) error {
	if len(got.Data) != len(want) {
		return fmt.Errorf("got %d cells, want %d", len(got.Data), len(want))
	}
	for i, w := range want {
		g, w := float64(got.Data[i]), float64(w)
		if g == float64(T(w)) { // the decimal names the nearest value of its type
			continue
		}
		if g != w && !(math.Abs(g-w) <= tolerance(i)) && !(math.IsNaN(g) && math.IsNaN(w)) {
			return fmt.Errorf("cell %v: got %v, want %v within %v", got.CellAt(i), g, w, tolerance(i))
		}
	}
	return nil
}

func exactly(int) float64 { return 0 }

type edgeCase struct {
	ID, Op string
	Params struct {
		Kernel, Stride, Dilation []int
		Pads                     []int `json:"pads_tlbr"`
		Ceil                     bool  `json:"ceil_mode"`
		Count                    string
		Divisor                  *int   `json:"divisor_override"`
		AutoPad                  string `json:"auto_pad"`
	}
	Input struct {
		Dtype, Generator string
		Shape            []int
		Data             []number
	}
	Expected map[string]json.RawMessage
	Exact    []number  `json:"exact_mean_float64"`
	Bound    []float64 `json:"tolerance_abs"`
}

type answer struct {
	Output *struct {
		Shape []int
		Data  []number
	}
	Indices   []int64 `json:"indices_plane"`
	Error     string
	Shape     []int   `json:"output_shape"`
	LastValue *number `json:"last_value"`
}

func hw(v []int) pool2d.HW {
	if v == nil {
		return pool2d.HW{}
	}
	return pool2d.HW{H: v[0], W: v[1]}
}

// TestEdgeCases runs the cases on which frameworks are known to disagree: against the model of PyTorch's semantics
// where the case has its answer, else against PyTorch.
func TestEdgeCases(t *testing.T) {
	var file struct{ Cases []edgeCase }
	load(t, "edge_cases.json", &file)
	outcomes := map[string]error{}
	for _, c := range file.Cases {
		switch c.Input.Dtype {
		case "float32":
			outcomes[c.ID] = runEdgeCase[float32](c)
		case "float64":
			outcomes[c.ID] = runEdgeCase[float64](c)
		case "uint8":
			outcomes[c.ID] = runEdgeCase[uint8](c)
		case "int8":
			outcomes[c.ID] = runEdgeCase[int8](c)
		default:
			outcomes[c.ID] = fmt.Errorf("no element type %s", c.Input.Dtype)
		}
	}
	exceptions := map[string]string{
		"S17": "a tensor of rank 3: the caller adds the batch",
		"S18": "a tensor of rank 2 cannot be said",
		"P11": "a stride of 0 is the kernel's extent",
		"P12": "a dilation of 0 is dense",
		"D08": "a negative divisor is refused",
		"D09": "a divisor of 0 takes the number of taps",
		"D11": "the full kernel as divisor, where ceil mode hangs over, is not offered",
		"Q04": "no element type int64, and integer averages round to nearest",
		"Q05": "no element type int64, and integer averages round to nearest",
		"F01": "a negative divisor is refused",
		"F02": "no element type bfloat16",
		"F07": "a stride of 0 is the kernel's extent",
	}
	for prefix, list := range map[string]string{
		"no Lp pooling":         "L01 L02 L03 L04 L05 L06 L07",
		"no adaptive pooling":   "AD1 AD2 AD3 AD4 AD5 AD6 AD7",
		"no fractional pooling": "FR1 FR2 FR3 FR4",
		"no unpooling":          "U01 U02 U03 U04 U05",
	} {
		for id := range strings.FieldsSeq(list) {
			exceptions[id] = prefix
		}
	}
	if got, want := len(outcomes), 148; got != want {
		t.Errorf("%d cases, want %d", got, want)
	}
	settle(t, outcomes, exceptions)
}

func runEdgeCase[T pool2d.Elem](c edgeCase) error {
	if len(c.Input.Shape) != 4 {
		return fmt.Errorf("rank %d", len(c.Input.Shape))
	}
	shape := pool2d.Shape{N: c.Input.Shape[0], C: c.Input.Shape[1], H: c.Input.Shape[2], W: c.Input.Shape[3]}
	q := c.Params
	p := pool2d.Params{Kernel: hw(q.Kernel), Stride: hw(q.Stride), Dilation: hw(q.Dilation), Ceil: q.Ceil, CountPad: q.Count != "exclude"}
	if q.Pads != nil {
		p.Pad = pool2d.Pad{Top: q.Pads[0], Left: q.Pads[1], Bottom: q.Pads[2], Right: q.Pads[3]}
	}
	if q.Divisor != nil {
		p.Divisor = *q.Divisor
	}
	op, backward := strings.CutSuffix(c.Op, "_backward")
	switch op {
	case "max_pool2d":
	case "avg_pool2d":
		p.Op = pool2d.Avg
	case "global_max", "global_avg":
		p.Kernel = pool2d.HW{H: shape.H, W: shape.W}
		if op == "global_avg" {
			p.Op = pool2d.Avg
		}
	default:
		return fmt.Errorf("no operation %s", c.Op)
	}
	resolveSame(&p, shape, q.AutoPad)

	var want answer
	source := "pytorch_1.13.1"
	if _, ok := c.Expected["reference"]; ok {
		source = "reference"
	}
	if c.ID == "F03" {
		source, want.Output = "exact", &struct {
			Shape []int
			Data  []number
		}{Data: make([]number, 1)}
		if err := json.Unmarshal(c.Expected["exact"], &want.Output.Data[0]); err != nil {
			return err
		}
		want.Output.Data[0] = number(T(want.Output.Data[0]))
	} else if err := json.Unmarshal(c.Expected[source], &want); err != nil {
		return fmt.Errorf("answer of %s: %w", source, err)
	}

	data := c.Input.Data
	if generator := c.Input.Generator; generator != "" {
		data = make([]number, shape.H*shape.W)
		switch generator {
		case "zeros with last element 7":
			data[len(data)-1] = 7
		case "ones with element 0 = 16777216":
			for i := range data {
				data[i] = 1
			}
			data[0] = 16777216
		default:
			return fmt.Errorf("no generator %q", generator)
		}
	}
	x := tensor[T](shape, pool2d.NCHW, data)
	var y pool2d.Tensor[T]
	var indices []int64
	var err error
	switch {
	case backward:
		out, err := pool2d.OutputShape(shape, p)
		if err != nil {
			return err
		}
		grad := pool2d.Tensor[T]{Shape: out, Data: make([]T, out.N*out.C*out.H*out.W)}
		for i := range grad.Data {
			grad.Data[i] = T(i + 1)
		}
		y, err = Pool2DGrad(grad, x, p)
		if err != nil {
			return err
		}
	case want.Indices != nil:
		y, indices, err = Pool2DIndices(x, p)
	default:
		y, err = Pool2D(x, p)
	}
	if want.Error != "" {
		if err == nil {
			return fmt.Errorf("no error, want one like %q", want.Error)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for i, got := range indices {
		if got != want.Indices[i] {
			return fmt.Errorf("index of %v: got %d, want %d", y.CellAt(i), got, want.Indices[i])
		}
	}
	if want.LastValue != nil {
		if got := []int{y.N, y.C, y.H, y.W}; fmt.Sprint(got) != fmt.Sprint(want.Shape) || y.Data[len(y.Data)-1] != T(*want.LastValue) {
			return fmt.Errorf("got shape %v, last value %v, want %v, %v", got, y.Data[len(y.Data)-1], want.Shape, *want.LastValue)
		}
		return nil
	}
	if c.Exact != nil {
		return near(y, c.Exact, func(i int) float64 { return c.Bound[i] })
	}
	return near(y, want.Output.Data, exactly)
}

// resolveSame sets the pads that a framework's SAME stands for; a caller does this.
func resolveSame(p *pool2d.Params, in pool2d.Shape, auto string) {
	if !strings.HasPrefix(auto, "SAME") {
		return
	}
	n := p.Normalized()
	split := func(extent, kernel, stride, dilation int) (lead, trail int) {
		total := max(0, (ceilDiv(extent, stride)-1)*stride+dilation*(kernel-1)+1-extent)
		if auto == "SAME_LOWER" {
			return total - total/2, total / 2
		}
		return total / 2, total - total/2
	}
	p.Pad.Top, p.Pad.Bottom = split(in.H, n.Kernel.H, n.Stride.H, n.Dilation.H)
	p.Pad.Left, p.Pad.Right = split(in.W, n.Kernel.W, n.Stride.W, n.Dilation.W)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

type vector struct {
	Name, Dtype string
	InputDims   []int `json:"input_dims"`
	Input       []number
	InputGen    *cells `json:"input_gen"`
	Norm        struct {
		Op, Layout               string
		Kernel, Stride, Dilation []int
		Pad                      []int `json:"pad_tblr"`
		Ceil                     bool  `json:"ceil_mode"`
		CountPad                 bool  `json:"count_include_pad"`
		Clamp                    []number
		Init                     *number
	}
	ExpectedDims []int `json:"expected_dims"`
	Expected     []number
	ExpectedGen  *cells `json:"expected_gen"`
	Tol          struct{ Abs, Rel float64 }
	Indices      []int64
	IndicesBase  string `json:"indices_base"`
	IndicesOrder string `json:"indices_order"`
}

// cells says which values stand in a tensor that is too large to write down.
type cells struct {
	Kind     string
	Value    number
	Mod, Add int
}

func (g *cells) fill(n int) []number {
	all := make([]number, n)
	for i := range all {
		all[i] = g.Value
		if g.Kind == "mod" {
			all[i] = number(i%g.Mod + g.Add)
		}
	}
	return all
}

// TestONNX runs the node tests of ONNX.
func TestONNX(t *testing.T) {
	exceptions := map[string]string{
		"test_averagepool_2d_pads":                   "pads of 2 are more than half of a span of 3",
		"test_averagepool_2d_pads_count_include_pad": "pads of 2 are more than half of a span of 3",
		"test_maxpool_2d_pads":                       "pads of 2 are more than half of a span of 3",
	}
	for _, name := range []string{"default", "dilations", "pads", "same_lower", "same_upper", "strides"} {
		exceptions["test_lppool_2d_"+name] = "no Lp pooling"
	}
	runVectors(t, "onnx.json", 40, exceptions)
}

// TestVectors runs the vectors that other projects publish as literals.
func TestVectors(t *testing.T) {
	exceptions := map[string]string{}
	for reason, names := range map[string][]string{
		"no Lp pooling": {
			"GlobalLpPool", "L2Pool#0", "L2PoolActivationRelu#0", "L2PoolActivationRelu1#0", "L2PoolActivationRelu6#0",
			"L2PoolPaddingSame#0", "L2PoolPaddingSameSlide1#0", "L2PoolPaddingValidSlide1#0", "LpPool", "LpPool2d_k2_s1",
			"LpPool2d_k2_s2", "LpPool2d_k3_s1", "LpPool2d_k3_s2", "LpPoolCeilMode", "l2Pool2d Pad nhwc", "l2Pool2d default",
			"l2Pool2d default: a single element test case", "l2Pool2d default: start not from 1 ",
			"l2Pool2d dilations default", "l2Pool2d dilations nhwc", "l2Pool2d nhwc", "l2Pool2d pads default",
			"l2Pool2d pads nhwc", "l2Pool2d pads roundingType=ceil", "l2Pool2d strides default", "l2Pool2d strides nhwc",
			"l2_pool_float", "l2_pool_float_2", "l2_pool_float_large", "l2_pool_v1_2#0", "l2_pool_v1_2#1", "l2_pool_v1_2#2",
			"lp_zero_batch_explicit", "lp_zero_batch_same", "lpnormpool2d_y", "lpnormpool2d_y_nostride", "lpnormpool2d_y_pad",
		},
		"a pad is more than half of the span": {
			"AveragePool pads > kernel (1-D as H=1)", "IdentityPadAll", "IdentityPadBottom", "IdentityPadLeft",
			"IdentityPadRight", "IdentityPadTop", "TestForwardMaxPadded", "avg_pool_v1_2#1",
		},
		"a pad is negative": {
			"IdentityCropAll", "IdentityCropBottom", "IdentityCropLeft", "IdentityCropRight", "IdentityCropTop",
		},
		"no such element type": {
			"reduce_window_add_bfloat16_4_6", "reduce_window_add_float16_4_6", "reduce_window_max_bfloat16_4_6",
			"reduce_window_max_float16_4_6", "reduce_window_max_int64_4_6", "reduce_window_min_bfloat16_4_6",
			"reduce_window_min_float16_4_6", "reduce_window_min_int64_4_6",
		},
		"no minimum": {
			"reduce_window_min_float32_112_112", "reduce_window_min_float32_1_1600", "reduce_window_min_float32_4_6",
			"reduce_window_min_float64_4_6", "reduce_window_min_int16_4_6", "reduce_window_min_int32_4_6",
			"reduce_window_min_int8_4_6",
		},
	} {
		for _, name := range names {
			exceptions[name] = reason
		}
	}
	runVectors(t, "vectors.json", 287, exceptions)
}

func runVectors(t *testing.T, name string, count int, exceptions map[string]string) {
	var file struct{ Cases []vector }
	load(t, name, &file)
	outcomes := map[string]error{}
	for _, v := range file.Cases {
		switch v.Dtype {
		case "float32":
			outcomes[v.Name] = runVector[float32](v)
		case "float64":
			outcomes[v.Name] = runVector[float64](v)
		case "int8":
			outcomes[v.Name] = runVector[int8](v)
		case "uint8":
			outcomes[v.Name] = runVector[uint8](v)
		case "int32", "int16", "uint16": // 16-bit integers are among those of 32
			outcomes[v.Name] = runVector[int32](v)
		default:
			outcomes[v.Name] = fmt.Errorf("no element type %s", v.Dtype)
		}
	}
	if got := len(outcomes); got != count {
		t.Errorf("%d cases, want %d", got, count)
	}
	settle(t, outcomes, exceptions)
}

func runVector[T pool2d.Elem](v vector) error {
	d, norm := v.InputDims, v.Norm
	layout, shape := pool2d.NCHW, pool2d.Shape{N: d[0], C: d[1], H: d[2], W: d[3]}
	if norm.Layout == "nhwc" {
		layout, shape = pool2d.NHWC, pool2d.Shape{N: d[0], C: d[3], H: d[1], W: d[2]}
	}
	p := pool2d.Params{
		Kernel: hw(norm.Kernel), Stride: hw(norm.Stride), Dilation: hw(norm.Dilation), Ceil: norm.Ceil, CountPad: norm.CountPad,
		Pad: pool2d.Pad{Top: norm.Pad[0], Bottom: norm.Pad[1], Left: norm.Pad[2], Right: norm.Pad[3]},
	}
	switch norm.Op {
	case "max":
	case "avg":
		p.Op = pool2d.Avg
	case "sum": // an average whose divisor is 1
		p.Op, p.Divisor = pool2d.Avg, 1
	default:
		return fmt.Errorf("no operation %s", norm.Op)
	}
	if norm.Init != nil && *norm.Init != 0 && p.Pad != (pool2d.Pad{}) {
		return fmt.Errorf("padding has the value %v", *norm.Init)
	}
	if v.InputGen != nil {
		v.Input = v.InputGen.fill(d[0] * d[1] * d[2] * d[3])
	}
	x := tensor[T](shape, layout, v.Input)
	var y pool2d.Tensor[T]
	var indices []int64
	var err error
	if v.Indices != nil {
		y, indices, err = Pool2DIndices(x, p)
	} else {
		y, err = Pool2D(x, p)
	}
	if err != nil {
		return err
	}
	got := []int{y.N, y.C, y.H, y.W}
	if layout == pool2d.NHWC {
		got = []int{y.N, y.H, y.W, y.C}
	}
	if fmt.Sprint(got) != fmt.Sprint(v.ExpectedDims) {
		return fmt.Errorf("got dims %v, want %v", got, v.ExpectedDims)
	}
	for i := range y.Data { // what the vector's own operator does after pooling
		if norm.Init != nil && p.Op == pool2d.Max {
			y.Data[i] = max(y.Data[i], T(*norm.Init))
		} else if norm.Init != nil {
			y.Data[i] += T(*norm.Init)
		}
		if norm.Clamp != nil {
			y.Data[i] = T(min(max(number(y.Data[i]), norm.Clamp[0]), norm.Clamp[1]))
		}
	}
	for i, got := range indices {
		cell := y.CellAt(i)
		h, w := int(got)/x.W, int(got)%x.W
		at := int64(h*x.W + w)
		if v.IndicesOrder == "col" {
			at = int64(w*x.H + h)
		}
		if v.IndicesBase == "tensor" {
			at += int64((cell.N*x.C + cell.C) * x.H * x.W)
		}
		if at != v.Indices[i] {
			return fmt.Errorf("index of %v: got %d, want %d", cell, at, v.Indices[i])
		}
	}
	if v.ExpectedGen != nil {
		v.Expected = v.ExpectedGen.fill(len(y.Data))
	}
	return near(y, v.Expected, func(i int) float64 {
		if p.Op == pool2d.Avg && v.Tol.Abs == 0 && v.Tol.Rel == 0 {
			// Exact in the vector's own arithmetic: at the most one rounding away from the exact mean.
			return math.Abs(float64(v.Expected[i])) * 0x1p-23
		}
		return v.Tol.Abs + v.Tol.Rel*math.Abs(float64(v.Expected[i]))
	})
}
