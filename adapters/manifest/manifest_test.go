package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/manifest"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
)

var _ wva.Fleet = manifest.Fleet(nil)

const llama = "meta/llama-3.1-8b"

func id(name string) wva.ID { return wva.ID{Namespace: "llm-inference", Name: name} }

func target(name string) wva.TargetRef { return wva.TargetRef{Kind: "Deployment", Name: name} }

// The guide's own documents, with Deployments and two more variants beside them, make the fleet and the policy.
func TestLoadTheGuide(t *testing.T) {
	m, err := manifest.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	fleet := manifest.Fleet{
		{ID: id("gone"), Model: llama, Accelerator: "A100", Devices: 4, Cost: 10, Target: target("gone"), TargetMissing: true,
			Server: &model.Server{Profile: model.Profile{Alpha: 0.02058, Beta: 0.000041, Request: 0.00041 - 0.000041}, MaxBatch: 4}},
		{ID: id("llama-8b-autoscaler"), Model: llama, Accelerator: "NVIDIA-A100-PCIE-80GB", Devices: 1, Cost: 10,
			Target: target("llama-8b"), Current: 2},
		{ID: id("llama-8b-h100"), Model: llama, Accelerator: "H100", Devices: 2, Cost: 80, ServiceClass: "Premium", Current: 1,
			Target: wva.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama-8b-h100"},
			Labels: map[string]string{"inference.optimization/acceleratorName": "H100", "wva.llmd.ai/service-class": "Premium"}},
		{ID: id("llama-8b-mi300x"), Model: llama, Accelerator: "AMD-MI300X-192GB", Devices: 1, Cost: 65, ServiceClass: "Freemium",
			Target: target("llama-8b-mi300x")},
	}
	if diff := cmp.Diff(fleet, m.Fleet, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("fleet (-want +got)\n%s", diff)
	}
	costs, _ := cost.ParseUnitCosts(map[string]string{"accelerators": `
- {name: A100, type: NVIDIA-A100-PCIE-80GB, cost: 40, memSize: 81920}
- {name: MI300X, type: AMD-MI300X-192GB, cost: 65, memSize: 196608}
- {name: H100, type: NVIDIA-H100-80GB-HBM3, cost: 80, memSize: 81920}`})
	classes, _ := model.ParseServiceClasses(map[string]string{"serviceClasses": `
- {name: Premium, model: meta/llama-3.1-8b, priority: 1, slo-itl: 24, slo-ttw: 500}
- {name: Standard, model: meta/llama-3.1-8b, priority: 5, slo-itl: 50, slo-ttw: 1000}
- {name: Freemium, model: meta/llama-3.1-8b, priority: 10, slo-itl: 100, slo-ttw: 2000}`})
	policy := wva.DefaultPolicy()
	policy.UnitCosts, policy.ServiceClasses = costs, classes
	if diff := cmp.Diff(policy, m.Policy); diff != "" {
		t.Errorf("policy (-want +got)\n%s", diff)
	}
	if err := m.Policy.Validate(); err != nil {
		t.Error(err)
	}
}

// Every object that the guide prints in full is read without complaint.
func TestLoadTheGuideAsPublished(t *testing.T) {
	guide := readShared(t, "reference/configuration-guide.md")
	objects := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(guide, -1) {
		text := block[1]
		if !strings.Contains(text, "\nkind: ") || strings.Contains(text, "# ... other config") {
			continue
		}
		objects++
		if _, err := manifest.Parse("guide.yaml", text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	if objects != 3 {
		t.Errorf("read %d objects of the guide, want 3", objects)
	}
}

// readShared reads a file of the directory shared beside the repository.
func readShared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "shared", name)); err == nil {
			return string(text)
		}
	}
	t.Skipf("no directory shared with %s beside the repository", name)
	return ""
}

// The names and the order of files do not matter.
func TestLoadIgnoresFileNames(t *testing.T) {
	want, err := manifest.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	renamed := fstest.MapFS{"README.md": {Data: []byte("# no YAML: [")}, ".hidden/x.yaml": {Data: []byte("[")}, ".x.yaml": {Data: []byte("[")}}
	n := 'z'
	fs.WalkDir(os.DirFS("testdata"), ".", func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".yaml") {
			text, _ := os.ReadFile(filepath.Join("testdata", path))
			renamed["dir/"+string(n)+".yml"] = &fstest.MapFile{Data: text}
			n--
		}
		return err
	})
	got, err := manifest.Load(renamed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLoadRefusesEmptyDirectories(t *testing.T) {
	if _, err := manifest.Load(fstest.MapFS{"README.md": {}}); err == nil {
		t.Error("a directory without YAML was accepted")
	}
	if _, err := manifest.Load(os.DirFS("testdata/missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that does not exist: %v", err)
	}
}

// A file that cannot be read does not hide the others.
func TestLoadGoesOnAfterUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/guide/llama-8b-autoscaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "b.yaml"), text, 0o600),
		os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "a.yaml")),
	)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Load(os.DirFS(dir))
	if !errors.Is(err, fs.ErrNotExist) || len(m.Fleet) != 1 {
		t.Errorf("fleet %v, error %v; want one variant and an error", m.Fleet, err)
	}
}

func TestFleet(t *testing.T) {
	m, err := manifest.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	variants, err := m.Fleet.Variants(t.Context())
	if err != nil || len(variants) != 4 {
		t.Errorf("%d variants, %v", len(variants), err)
	}
	variants[0].Model = "changed"
	if m.Fleet[0].Model == "changed" {
		t.Error("the fleet shares its variants")
	}
	if inv, err := m.Fleet.Inventory(t.Context()); err != nil || inv.Limit != wva.InventoryUnlimited {
		t.Errorf("inventory %v, %v", inv, err)
	}
}
