package main

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva/adapters/kubernetes"
)

func lookup(environment map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, ok := environment[name]
		return text, ok
	}
}

func TestSettings(t *testing.T) {
	s, err := readSettings([]string{"-leader-elect", "-actuation=scale", "-inventory", "nodes", "-namespaces", "llm-inference, other,"}, lookup(map[string]string{
		"PROMETHEUS_BASE_URL": "https://prometheus.monitoring:9090", "POD_NAMESPACE": "wva-system", "CONFIG_MAP_NAME": "wva-settings",
		"CONTROLLER_INSTANCE": "east", "GLOBAL_OPT_INTERVAL": "30s", "LOG_LEVEL": "debug",
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !s.leaderElect, s.actuation != kubernetes.Scale, !s.inventory, !slices.Equal(s.namespaces, []string{"llm-inference", "other"}):
		t.Errorf("flags read as %+v", s)
	case s.prometheus.URL != "https://prometheus.monitoring:9090", s.namespace != "wva-system", s.configMap != "wva-settings", s.instance != "east":
		t.Errorf("environment read as %+v", s)
	case s.interval != 30*time.Second, s.level != slog.LevelDebug, s.lease() != "wva-controller-east":
		t.Errorf("interval %v, level %v, lease %s", s.interval, s.level, s.lease())
	}
}

// Everything that is wrong is said at once, with what to mend.
func TestSettingsRefused(t *testing.T) {
	_, err := readSettings([]string{"-actuation=maybe", "-inventory=some", "-kube-api-qps=0", "-leader-elect", "stray"}, lookup(map[string]string{
		"CONTROLLER_INSTANCE": "Team_A", "GLOBAL_OPT_INTERVAL": "often", "LOG_LEVEL": "loud", "EXPERIMENTAL_PROACTIVE_MODEL": "perhaps",
	}), nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`argument "stray": want flags alone`, `-actuation "maybe": want publish, scale or dryrun`, `-inventory "some": want unlimited or nodes`, `-kube-api-qps 0: want 1 or more`,
		`GLOBAL_OPT_INTERVAL "often": want a duration from 1s to 24h, such as 60s`, `LOG_LEVEL "loud": want debug, info, warn or error`, `POD_NAMESPACE is not set`,
		`CONTROLLER_INSTANCE "Team_A": want lower case letters, digits and dashes, since the lease is called wva-controller-Team_A`,
		`EXPERIMENTAL_PROACTIVE_MODEL "perhaps": want true or false`, `PROMETHEUS_BASE_URL is not set`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant in it: %s", err, want)
		}
	}
}

func TestHelp(t *testing.T) {
	var help bytes.Buffer
	_, err := readSettings([]string{"-help"}, lookup(nil), &help)
	if !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"PROMETHEUS_BASE_URL", "CONTROLLER_INSTANCE", "-actuation", "-leader-elect"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("help says nothing of %s", want)
		}
	}
}
