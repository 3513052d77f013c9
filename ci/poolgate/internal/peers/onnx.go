//go:build linux

package peers

import (
	"encoding/binary"

	"example.com/pool2d"
)

// model returns an ONNX model of one node, from x of shape in to y of shape out, as ONNX's protocol buffers have it
// (onnx.proto3, IR version 8). In the blocked layout the node is the one that ONNX Runtime's optimiser would put there.
func model(op, layout string, in, out pool2d.Shape, p pool2d.Params) []byte {
	name := map[bool]string{true: "MaxPool", false: "AveragePool"}[op == "max"]
	var attributes []byte
	if p.Kernel.H == in.H && p.Kernel.W == in.W && p.Pad == (pool2d.Pad{}) {
		name = "Global" + name
	} else {
		attributes = joined(
			ints("kernel_shape", p.Kernel.H, p.Kernel.W),
			ints("strides", p.Stride.H, p.Stride.W),
			ints("pads", p.Pad.Top, p.Pad.Left, p.Pad.Bottom, p.Pad.Right))
		if op == "avgi" && p.Pad != (pool2d.Pad{}) {
			attributes = append(attributes, bytesField(5, joined(bytesField(1, []byte("count_include_pad")), intField(3, 1), intField(20, 2)))...)
		}
	}
	node := joined(bytesField(1, []byte("x")), bytesField(2, []byte("y")), bytesField(4, []byte(name)), attributes)
	opsets := bytesField(8, joined(bytesField(1, nil), intField(2, 13)))
	if layout != "nchw" {
		const domain = "com.microsoft.nchwc"
		node = append(node, bytesField(7, []byte(domain))...)
		opsets = append(opsets, bytesField(8, joined(bytesField(1, []byte(domain)), intField(2, 1)))...)
	}
	graph := joined(bytesField(1, node), bytesField(2, []byte("pooling")), bytesField(11, value("x", in)), bytesField(12, value("y", out)))
	return joined(intField(1, 8), bytesField(7, graph), opsets)
}

// ints is a node's attribute that is a list of integers.
func ints(name string, values ...int) []byte {
	b := bytesField(1, []byte(name))
	for _, v := range values {
		b = append(b, intField(8, v)...)
	}
	return bytesField(5, append(b, intField(20, 7)...))
}

// value is a tensor of float32 with a name and a shape.
func value(name string, s pool2d.Shape) []byte {
	var dims []byte
	for _, d := range []int{s.N, s.C, s.H, s.W} {
		dims = append(dims, bytesField(1, intField(1, d))...)
	}
	return joined(bytesField(1, []byte(name)), bytesField(2, bytesField(1, joined(intField(1, 1), bytesField(2, dims)))))
}

func intField(number, v int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3), uint64(v))
}

func bytesField(number int, b []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|2), uint64(len(b))), b...)
}

func joined(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
