package regress

import (
	"embed"
	"os"
	"path/filepath"
	"strings"
)

// scratchFiles is a suite of forty benchmarks, for selftest and for the tests of this package.
//
//go:embed scratch
var scratchFiles embed.FS

// writeScratch writes the suite as a module in dir, with its benchmarks in the package ./bench.
func writeScratch(dir string) error {
	files, err := scratchFiles.ReadDir("scratch")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bench"), 0o777); err != nil {
		return err
	}
	for _, f := range files {
		text, err := scratchFiles.ReadFile("scratch/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "bench", strings.TrimSuffix(f.Name(), ".txt")), text, 0o666); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module scratch.example\n\ngo 1.26\n"), 0o666)
}
