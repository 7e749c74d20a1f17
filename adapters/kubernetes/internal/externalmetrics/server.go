package externalmetrics

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"

	"github.com/wva-go/wva/internal/servers"
)

// Server answers from the gauges of a registry, by their label namespace.
type Server struct {
	Asked atomic.Int64 // questions for a metric so far

	registry prometheus.Gatherer
	ca       string
	port     int64
}

// The Service that stands for the server.
const serviceNamespace, serviceName = "default", "external-metrics"

// Start serves until the test ends.
func Start(t testing.TB, registry prometheus.Gatherer) *Server {
	t.Helper()
	authority := servers.NewAuthority(t, "external metrics")
	certificate := authority.Issue(t, serviceName, time.Now().Add(time.Hour), serviceName+"."+serviceNamespace+".svc").TLS(t)
	s := &Server{registry: registry, ca: authority.PEM}
	const group = "/apis/external.metrics.k8s.io/v1beta1"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+group, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: v1beta1.SchemeGroupVersion.String(), APIResources: []metav1.APIResource{}})
	})
	mux.HandleFunc("GET "+group+"/namespaces/{namespace}/{metric}", s.metric)
	listening := httptest.NewUnstartedServer(mux)
	listening.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	listening.StartTLS()
	t.Cleanup(listening.Close)
	s.port = int64(listening.Listener.Addr().(*net.TCPAddr).Port)
	return s
}

func (s *Server) metric(w http.ResponseWriter, r *http.Request) {
	s.Asked.Add(1)
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	families, err := s.registry.Gather()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	list := v1beta1.ExternalMetricValueList{TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: v1beta1.SchemeGroupVersion.String()}, Items: []v1beta1.ExternalMetricValue{}}
	for _, f := range families {
		if f.GetName() != r.PathValue("metric") {
			continue
		}
		for _, m := range f.GetMetric() {
			set := labelSet(m)
			if set["namespace"] == r.PathValue("namespace") && selector.Matches(set) {
				list.Items = append(list.Items, v1beta1.ExternalMetricValue{MetricName: f.GetName(), MetricLabels: set, Timestamp: metav1.Now(),
					Value: *resource.NewMilliQuantity(int64(1000*m.GetGauge().GetValue()), resource.DecimalSI)})
			}
		}
	}
	answer(w, list)
}

func labelSet(m *dto.Metric) labels.Set {
	set := labels.Set{}
	for _, l := range m.GetLabel() {
		set[l.GetName()] = l.GetValue()
	}
	return set
}

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}
