// Package prometheus_test checks the manifests beside it: that they are well formed, that they speak of metrics which there are, and that real servers accept them.
package prometheus_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	prom "github.com/prometheus/client_golang/prometheus"
	"gopkg.in/yaml.v3"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/internal/servers"
	"github.com/wva-go/wva/saturation"
)

// documents returns the YAML documents of a file.
func documents(t *testing.T, name string) (all []map[string]any) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for decoder := yaml.NewDecoder(f); ; {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, document)
	}
}

// at follows keys and indices into a document; nil where the way ends.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			list, _ := value.([]any)
			if s >= len(list) {
				return nil
			}
			value = list[s]
		}
	}
	return value
}

// expressions returns the PromQL of all files, by where it stands, with variables and templates filled in.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "a|b", "$variant", "(a|b)", "$model", ".*", "$controller_instance", ".*",
		"<<.Series>>", "inferno_desired_replicas", "<<.LabelMatchers>>", `namespace="llm-inference",variant_name="a"`)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all["dashboard: "+panel.Title+" "+target.RefID] = fill.Replace(target.Expr)
		}
	}
	for _, variable := range dashboard.Templating.List {
		if selector, ok := strings.CutPrefix(variable.Definition, "label_values("); ok {
			all["dashboard: variable "+variable.Name] = fill.Replace(selector[:strings.LastIndex(selector, ",")])
		}
	}
	for _, rule := range at(documents(t, "adapter.yaml")[0], "rules", "external").([]any) {
		all["adapter: series"] = at(rule, "seriesQuery").(string)
		all["adapter: metric"] = fill.Replace(at(rule, "metricsQuery").(string))
	}
	for _, d := range documents(t, "keda.yaml") {
		if d["kind"] == "ScaledObject" {
			all["keda: "+at(d, "metadata", "name").(string)] = at(d, "spec", "triggers", 0, "metadata", "query").(string)
		}
	}
	return all
}

var (
	metricName  = regexp.MustCompile(`\b(?:inferno|wva|vllm|sglang)[:_][a-z0-9_:]+`)
	ownSelector = regexp.MustCompile(`\b(?:inferno|wva)_[a-z_]+\{([^}]*)\}`)
	labelName   = regexp.MustCompile(`([a-z_]+)(?:=|!=|=~|!~)"`)
)

// Every metric in the manifests is one that the publisher publishes or that the queries ask for, and every label of ours is one that it has.
func TestManifestsNameMetricsThatThereAre(t *testing.T) {
	metrics, labels := published(t)
	queries, err := json.Marshal(prometheus.VLLM())
	if err != nil {
		t.Fatal(err)
	}
	asked := metricName.FindAllString(string(queries), -1)
	known := func(name string) bool {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			base := strings.TrimSuffix(name, suffix)
			if slices.Contains(metrics, base) || slices.ContainsFunc(asked, func(a string) bool { return a == name || strings.HasPrefix(a, base+"_") && suffix != "" }) {
				return true
			}
		}
		return name == "vllm:request_success_total" // what operators know completions by
	}
	all := expressions(t)
	for _, d := range documents(t, "hpa.yaml") {
		metric := at(d, "spec", "metrics", 0, "external", "metric")
		name := at(metric, "name").(string)
		all["hpa: "+at(d, "metadata", "name").(string)] = name
		for label := range at(metric, "selector", "matchLabels").(map[string]any) {
			if !slices.Contains(labels, label) {
				t.Errorf("hpa: label %s is none of ours: %v", label, labels)
			}
		}
	}
	if len(all) < 30 {
		t.Errorf("%d expressions", len(all))
	}
	for where, expression := range all {
		names := metricName.FindAllString(expression, -1)
		if len(names) == 0 {
			t.Errorf("%s: no metric in %s", where, expression)
		}
		for _, name := range names {
			if !known(name) {
				t.Errorf("%s: nobody publishes %s", where, name)
			}
		}
		for _, selector := range ownSelector.FindAllStringSubmatch(expression, -1) {
			for _, label := range labelName.FindAllStringSubmatch(selector[1], -1) {
				if !slices.Contains(labels, label[1]) {
					t.Errorf("%s: label %s is none of ours: %v", where, label[1], labels)
				}
			}
		}
	}
}

// published returns the names and labels of what a publisher publishes once it has decided.
func published(t *testing.T) (metrics, labels []string) {
	t.Helper()
	registry := prom.NewRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east"})
	if err != nil {
		t.Fatal(err)
	}
	decision := wva.Decision{Variant: wva.ID{Namespace: "ns", Name: "a"}, Accelerator: "A100", Target: 1, Action: wva.ScaleUp, Reasons: []wva.Reason{{Rule: "x"}}}
	if err := p.Scale(t.Context(), []wva.Decision{decision}); err != nil {
		t.Fatal(err)
	}
	model := wva.ModelReport{ModelKey: wva.ModelKey{Namespace: "ns", Model: "m"}, Saturation: &saturation.Analysis{Replicas: 1, Config: saturation.DefaultConfig()}}
	p.Observe(wva.Report{At: time.Now(), Decisions: []wva.Decision{decision}, Models: []wva.ModelReport{model}}, nil, time.Second)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		metrics = append(metrics, f.GetName())
		for _, m := range f.Metric {
			for _, l := range m.Label {
				labels = append(labels, l.GetName())
			}
		}
	}
	return metrics, labels
}

// What a null value means is the difference between holding and scaling to zero; what the HPA averages over is the difference between replicas and replicas squared.
func TestManifestsHoldWhatTheyMust(t *testing.T) {
	for _, d := range documents(t, "keda.yaml") {
		if d["kind"] != "ScaledObject" {
			continue
		}
		name := at(d, "metadata", "name")
		trigger := at(d, "spec", "triggers", 0)
		for key, want := range map[string]any{"ignoreNullValues": "false", "threshold": "1", "activationThreshold": "0"} {
			if got := at(trigger, "metadata", key); got != want {
				t.Errorf("keda: %v: %s is %v, want %v", name, key, got, want)
			}
		}
		if got := at(trigger, "metricType"); got != "AverageValue" {
			t.Errorf("keda: %v: metricType is %v", name, got)
		}
		if got := at(d, "spec", "fallback", "behavior"); got != "currentReplicasIfHigher" {
			t.Errorf("keda: %v: fallback is %v", name, got)
		}
	}
	for _, d := range documents(t, "hpa.yaml") {
		target := at(d, "spec", "metrics", 0, "external", "target")
		if at(target, "type") != "AverageValue" || at(target, "averageValue") != "1" {
			t.Errorf("hpa: %v: target %v", at(d, "metadata", "name"), target)
		}
	}
	var namespaced bool
	for _, d := range documents(t, "scrape.yaml") {
		if d["kind"] == "ServiceMonitor" {
			namespaced = at(d, "spec", "endpoints", 0, "honorLabels") == true
		}
	}
	if !namespaced {
		t.Error("scrape: without honorLabels our label namespace becomes exported_namespace, and the adapter finds nothing")
	}
}

// A real Prometheus server understands every expression.
func TestPrometheusUnderstandsTheExpressions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a Prometheus server")
	}
	server := servers.StartPrometheus(t, servers.PrometheusOptions{Config: "global: {scrape_interval: 1m}\n"})
	client, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for where, expression := range expressions(t) {
		if _, warnings, _, err := v1.NewAPI(client).Query(t.Context(), expression, time.Time{}); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %s: %v %v", where, expression, err, warnings)
		}
	}
}

// A real API server takes the HorizontalPodAutoscalers, and knows every field of them.
func TestKubernetesTakesTheAutoscalers(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a Kubernetes API server")
	}
	c := servers.StartControlPlane(t, servers.ControlPlaneOptions{})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.CA))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	create := func(path string, object any) {
		t.Helper()
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path+"?fieldValidation=Strict", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+servers.Administrator.Token)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		said, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusCreated {
			t.Errorf("%s: %s\n%s", path, response.Status, said)
		}
		if warning := response.Header.Values("Warning"); len(warning) > 0 {
			t.Errorf("%s: %v", path, warning)
		}
	}
	create("/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "llm-inference"}})
	for _, d := range documents(t, "hpa.yaml") {
		create("/apis/autoscaling/v2/namespaces/llm-inference/horizontalpodautoscalers", d)
	}
}
