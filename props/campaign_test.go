package props_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/props/mutants"
)

// A campaign is the museum at length. With -update it writes what it found to MUSEUM.md.
//
//	POOL2D_CAMPAIGN=1 go test ./props -run Campaign -timeout 0 -update
//
// A larger number is a smaller campaign: that part of it.

const (
	campaignSeeds = 20        // on which each mutant must die
	campaignCases = 1_000_000 // that lawful variants must pass
	campaignCells = 64        // that a counterexample may have at most
)

// campaignPart returns the part of the campaign that is asked for.
func campaignPart(t *testing.T) int {
	t.Helper()
	if os.Getenv(campaignVariable) == "" {
		t.Skipf("%s is not set", campaignVariable)
	}
	part, err := strconv.Atoi(os.Getenv(campaignVariable))
	if err != nil || part < 1 {
		t.Fatalf("%s=%q, want a number from 1 on", campaignVariable, os.Getenv(campaignVariable))
	}
	return part
}

// A death is what a campaign knows of one mutant.
type death struct {
	id, system, thread, title, law, elem string

	cases    []int // to its kill, for each seed
	took     []time.Duration
	alive    int    // seeds that it survived
	smallest string // the smallest of its counterexamples
	cells    []int  // how many cells they have
	laws     []string
}

func median[N int | time.Duration](all []N) N {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// processors is held by a law that changes GOMAXPROCS while it runs, and shared by the others.
var processors sync.RWMutex

// judgeBeside is judge, beside other trials.
func judgeBeside[T pool2d.Elem](law props.Law[T], impl pool2d.Impl[T]) *trial {
	if law.Name == "same_bits_any_procs" {
		processors.Lock()
		defer processors.Unlock()
	} else {
		processors.RLock()
		defer processors.RUnlock()
	}
	return judge(law, impl)
}

// beside calls f for 0 ≤ i < n, some at a time.
func beside(n int, f func(i int)) {
	var group sync.WaitGroup
	work := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range work {
				f(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	group.Wait()
}

// Each mutant dies on every seed, of the law that it names, with the default settings, and its counterexample is small.
func TestCampaignMutants(t *testing.T) {
	seeds := max(1, campaignSeeds/campaignPart(t))
	judged := map[string]bool{}
	var all []*death
	all = append(all, deaths(t, seeds, only[float32](judged))...)
	all = append(all, deaths(t, seeds, only[float64](judged))...)
	all = append(all, deaths(t, seeds, only[int8](judged))...)

	var b strings.Builder
	killed, worst := 0, 0
	fmt.Fprintf(&b, "| mutant | system | thread | law | cases to kill | time | smallest counterexample |\n|---|---|---|---|---:|---:|---|\n")
	for _, d := range all {
		if d.alive > 0 {
			t.Errorf("%s survives %s on %d of %d seeds: %s", d.id, d.law, d.alive, seeds, d.title)
		} else {
			killed++
		}
		if most := slices.Max(append(d.cells, 0)); most > campaignCells {
			t.Errorf("%s: a counterexample has %d cells, want at most %d", d.id, most, campaignCells)
		}
		worst = max(worst, slices.Max(append(d.cells, 0)))
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d, at most %d | %v | `%s` |\n", d.id, d.system, d.thread, d.law,
			median(d.cases), slices.Max(append(d.cases, 0)), median(d.took).Round(time.Millisecond), d.smallest)
	}
	head := fmt.Sprintf("%d of %d mutants are killed on %d seeds out of %d, with the default settings. Cases and time are medians; the time is with shrinking. The largest counterexample has %d cells.\n\n",
		killed, len(all), seeds, seeds, worst)
	t.Log(head)
	record(t, "The mutants", head+b.String())
}

func deaths[T pool2d.Elem](t *testing.T, seeds int, all []mutants.Mutant[T]) []*death {
	t.Helper()
	byName := laws[T]()
	known := make([]*death, len(all))
	for i, m := range all {
		known[i] = &death{id: m.ID, system: m.System, thread: m.Thread, title: m.Title, law: m.Law, elem: fmt.Sprintf("%T", T(0))}
	}
	for seed := range seeds {
		rapidFlags(t, "seed", strconv.Itoa(1+seed*1_000_003), "nofailfile", "true")
		beside(len(all), func(i int) {
			start := time.Now()
			tr := judgeBeside(byName[all[i].Law], all[i].New())
			d := known[i]
			if tr.report == "" {
				d.alive++
				return
			}
			name, cells := tr.smallest(t)
			if len(d.cells) == 0 || cells < slices.Min(d.cells) {
				d.smallest = name
			}
			d.cells = append(d.cells, cells)
			d.cases = append(d.cases, tr.cases())
			d.took = append(d.took, time.Since(start))
		})
	}
	return known
}

// Which mutants each law kills, and which of them no other law does.
func TestCampaignLaws(t *testing.T) {
	campaignPart(t)
	judged := map[string]bool{}
	var all []*death
	all = append(all, killers(t, only[float32](judged))...)
	all = append(all, killers(t, only[float64](judged))...)
	all = append(all, killers(t, only[int8](judged))...)

	var b strings.Builder
	fmt.Fprintf(&b, "Each law, run alone on every mutant with one seed and 20 checks: how many mutants name it, how many it kills, and those that no other law kills, with the default 100 checks either. A law without any of these says in its doc why it stays.\n\n")
	fmt.Fprintf(&b, "| law | sentence | named by | kills | alone |\n|---|---|---:|---:|---|\n")
	for _, law := range props.All[float32]() {
		named, kills := 0, 0
		var alone []string
		for _, d := range all {
			if d.law == law.Name {
				named++
			}
			if slices.Contains(d.laws, law.Name) {
				kills++
				if len(d.laws) == 1 {
					alone = append(alone, d.id)
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s |\n", law.Name, law.Law, named, kills, strings.Join(alone, ", "))
	}
	for _, d := range all {
		if len(d.laws) == 0 {
			t.Errorf("no law kills %s: %s", d.id, d.title)
		}
	}
	t.Log(b.String())
	record(t, "The laws", b.String())
}

// killers finds the laws that kill each mutant. Where it finds one or none it looks longer.
func killers[T pool2d.Elem](t *testing.T, all []mutants.Mutant[T]) []*death {
	known := make([]*death, len(all))
	for i, m := range all {
		known[i] = &death{id: m.ID, title: m.Title, law: m.Law}
	}
	for _, checks := range []string{"20", "100"} {
		rapidFlags(t, "seed", "1", "checks", checks, "shrinktime", "0s", "nofailfile", "true")
		beside(len(all), func(i int) {
			d := known[i]
			for _, law := range props.All[T]() {
				if checks == "100" && len(d.laws) > 1 {
					return
				}
				if slices.Contains(d.laws, law.Name) {
					continue
				}
				if tr := judgeBeside(law, all[i].New()); tr.report != "" {
					d.laws = append(d.laws, law.Name)
				}
			}
		})
	}
	return known
}

// No law accuses a lawful variant, however long it looks.
func TestCampaignLawful(t *testing.T) {
	part := campaignPart(t)
	start := time.Now()
	// float32 is judged in full, the other types in a quarter of the cases each.
	cases, variants, accused := 0, 0, 0
	for _, run := range []func() (int, int, int){
		func() (int, int, int) { return acquitted[float32](t, campaignCases*5/8/part) },
		func() (int, int, int) { return acquitted[float64](t, campaignCases/4/part) },
		func() (int, int, int) { return acquitted[int8](t, campaignCases/8/part) },
	} {
		c, v, a := run()
		cases, variants, accused = cases+c, max(variants, v), accused+a
	}
	said := fmt.Sprintf("%d cases, %d lawful variants, %d accused, in %v.\n", cases, variants, accused, time.Since(start).Round(time.Second))
	t.Log(said)
	if cases < campaignCases/part {
		t.Errorf("%d cases, want %d", cases, campaignCases/part)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n| variant | what it does its own way |\n|---|---|\n", said)
	for _, v := range mutants.Lawful[float32]() {
		fmt.Fprintf(&b, "| %s | %s |\n", v.ID, v.Title)
	}
	record(t, "The lawful", b.String())
}

// acquitted judges the variants by every law, so many cases in all. Laws that make many calls a case get a tenth of the
// cases that the others get.
func acquitted[T pool2d.Elem](t *testing.T, want int) (cases, variants, accused int) {
	all := mutants.Lawful[T]()
	impls := make([]pool2d.Impl[T], len(all))
	light, heavy := 0, 0 // the cases of one check of those laws on every variant
	for i, v := range all {
		impls[i] = v.New()
		for _, law := range props.All[T]() {
			switch n := props.CasesPerCheck(law); {
			case law.Skips(impls[i]) != "":
			case n == 1:
				heavy++
			default:
				light += n
			}
		}
	}
	checks := want*10/(light*10+heavy) + 1
	few := (checks + 9) / 10
	var mu sync.Mutex
	phase := func(checks int, of func(props.Law[T]) bool) {
		rapidFlags(t, "seed", strconv.Itoa(77+want), "checks", strconv.Itoa(checks), "nofailfile", "true")
		beside(len(all), func(i int) {
			for _, law := range props.All[T]() {
				if !of(law) {
					continue
				}
				if tr := judgeBeside(law, impls[i]); tr.report != "" {
					mu.Lock()
					accused++
					mu.Unlock()
					t.Errorf("%s is accused: %s\n%s", all[i].ID, all[i].Title, tr.report)
				}
			}
		})
	}
	phase(checks, func(law props.Law[T]) bool { return props.CasesPerCheck(law) > 1 })
	phase(few, func(law props.Law[T]) bool { return props.CasesPerCheck(law) == 1 })
	return checks*light + few*heavy, len(all), accused
}

// record writes a section of MUSEUM.md, if that is asked for, and leaves the others as they are.
func record(t *testing.T, title, body string) {
	t.Helper()
	if flag.Lookup("update").Value.String() != "true" {
		return
	}
	const file = "MUSEUM.md"
	var head strings.Builder
	head.WriteString("# The museum\n\nWhat the suite was shown, and what it said. Each section is written by a test of this package:\n\n" +
		"```\nPOOL2D_CAMPAIGN=1 go test ./props -run 'Campaign' -timeout 0 -update\n```\n")
	sections := map[string]string{}
	if text, err := os.ReadFile(file); err == nil {
		for _, part := range strings.Split(string(text), "\n## ")[1:] {
			name, rest, _ := strings.Cut(part, "\n")
			sections[name] = strings.TrimSpace(rest)
		}
	}
	sections[title] = strings.TrimSpace(body)
	for _, name := range []string{"The mutants", "The laws", "The lawful"} {
		if sections[name] != "" {
			head.WriteString("\n## " + name + "\n\n" + sections[name] + "\n")
		}
	}
	if err := os.WriteFile(file, []byte(head.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
