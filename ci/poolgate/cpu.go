package main

import (
	"os"
	"runtime"
	"strings"
)

// cpu returns what Linux calls the processor, elsewhere the architecture.
func cpu() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, rest, _ := strings.Cut(string(data), "model name")
	_, rest, _ = strings.Cut(rest, ":")
	name, _, _ := strings.Cut(rest, "\n")
	if name = strings.TrimSpace(name); name == "" {
		return runtime.GOARCH
	}
	return name
}
