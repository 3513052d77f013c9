//go:build linux

package peers

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed drivers
var sources embed.FS

const (
	ortVersion = "1.30.0"
	ortHeader  = "github.com/yalue/onnxruntime_go@v1.27.0" // a module that ships the C header; its API only grows
)

// debian is what the drivers are built with and run on.
var debian = []string{"gcc", "g++", "python3-numpy", "libdnnl-dev", "libxnnpack-dev", "libpthreadpool-dev", "python3-torch", "python3-opencv"}

// install fetches the peers through the packagers' own clients.
func install(ctx context.Context, dir string, run func(ctx context.Context, dir string, argv ...string) error) error {
	for _, argv := range [][]string{
		{"apt-get", "update", "-qq"},
		append([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends"}, debian...),
		{"npm", "install", "--silent", "--ignore-scripts", "--prefix", dir, "onnxruntime-node@" + ortVersion},
	} {
		if err := run(ctx, dir, argv...); err != nil {
			return err
		}
	}
	return nil
}

// build unpacks the drivers into dir, compiles them, and returns those that this machine can run; missing says why the
// others are not among them.
func build(ctx context.Context, dir string) (drivers []driver, missing map[string]string, err error) {
	entries, err := sources.ReadDir("drivers")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		data, err := sources.ReadFile("drivers/" + e.Name())
		if err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o644); err != nil {
			return nil, nil, err
		}
	}
	missing = map[string]string{}
	compile := func(name string, onnx bool, argv ...string) {
		out := filepath.Join(dir, name)
		cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], "-o", out)...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			missing[name] = firstError(string(text), err)
			return
		}
		drivers = append(drivers, driver{name: name, argv: []string{out}, onnx: onnx})
	}
	compile("limit", false, "gcc", "-O3", "-march=native", "limit.c", "-lpthread")
	compile("onednn", false, "g++", "-O2", "-fopenmp", "onednn.cc", "-ldnnl")
	compile("xnnpack", false, "gcc", "-O2", "xnnpack.c", "-lXNNPACK", "-lpthreadpool", "-lm")
	if lib, header, err := findORT(ctx, dir); err != nil {
		missing["onnxruntime"] = err.Error()
	} else {
		compile("onnxruntime", true, "gcc", "-O2", "-I", header, "ort.c", lib, "-Wl,-rpath,"+filepath.Dir(lib))
	}
	for name, script := range map[string]string{"pytorch": "torch_driver.py", "opencv": "opencv_driver.py"} {
		module := map[string]string{"pytorch": "torch", "opencv": "cv2"}[name]
		python := "/usr/bin/python3" // the one that Debian's packages are for
		if text, err := exec.CommandContext(ctx, python, "-c", "import numpy, "+module).CombinedOutput(); err != nil {
			missing[name] = firstError(string(text), err)
			continue
		}
		drivers = append(drivers, driver{name: name, argv: []string{python, filepath.Join(dir, script)}, onnx: name == "opencv"})
	}
	return drivers, missing, ctx.Err()
}

// findORT returns ONNX Runtime's library and the folder of its header.
func findORT(ctx context.Context, dir string) (lib, header string, err error) {
	found, err := filepath.Glob(filepath.Join(dir, "node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1"))
	if err != nil || len(found) == 0 {
		return "", "", fmt.Errorf("onnxruntime-node is not in %s", dir)
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", ortHeader)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	text, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("go mod download %s: %w", ortHeader, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(text, &module); err != nil {
		return "", "", err
	}
	return found[0], module.Dir, nil
}

// firstError returns the line of a compiler's output that says what is wrong.
func firstError(text string, err error) string {
	lines := strings.SplitSeq(strings.TrimSpace(text), "\n")
	for line := range lines {
		if strings.Contains(line, "error") || strings.Contains(line, "Error") {
			return strings.TrimSpace(line)
		}
	}
	return err.Error()
}
