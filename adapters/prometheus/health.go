package prometheus

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/wva-go/wva"
)

// fail notes that a question was not answered: models are held where it was a required one, and miss a detail otherwise.
func (r *round) fail(q question, why string) {
	message := fmt.Sprintf("query %s: %s", q.name, why)
	switch q.name {
	case askKVUsage, askWaiting:
		for _, m := range q.models {
			if before, ok := r.failed[m.ModelKey]; !ok || message < before {
				r.failed[m.ModelKey] = message
			}
		}
		return
	case askSampled:
		r.unsampled(q.models)
	case askRequests, askFirst:
		r.doubt(q.models)
	}
	r.remarks[message] = true
}

// warn notes what the server warns of. An answer with a warning may be partial: a sum over servers is not believed then, whereas of replicas it is seen which are missing.
func (r *round) warn(q question, warnings v1.Warnings) {
	if len(warnings) == 0 {
		return
	}
	switch q.name {
	case askRequests, askFirst:
		r.doubt(q.models)
	case askArrivals:
		for _, m := range q.models {
			r.partial[m.ModelKey] = true
		}
	}
	r.remarks[fmt.Sprintf("query %s: prometheus warns: %s: the answer may be partial", q.name, printable(warnings[0]))] = true
}

// doubt notes models whose requests were not counted.
func (r *round) doubt(models []engineModel) {
	for _, m := range models {
		r.unsure[m] = true
	}
}

// explain says what went wrong with a request and what to check. It leaves out what the server wrote in the body, which may repeat what was sent.
func explain(err error) string {
	var refused *v1.Error
	var authority x509.UnknownAuthorityError
	var certificate x509.CertificateInvalidError
	var name x509.HostnameError
	var network *net.OpError
	var shape wrongType
	text := printable(err.Error())
	switch {
	case tokenRefused.MatchString(err.Error()):
		return printable(tokenRefused.FindString(err.Error())) + ": check the token server's address, the client and its secret"
	case errors.As(err, &refused):
		return explainRefusal(refused)
	case errors.As(err, &shape):
		return text + ": correct the template"
	case errors.Is(err, errTooLong):
		return text + ": narrow the template, or raise MaxResponse"
	case errors.Is(err, errContentType):
		return text + ": check that the address is that of Prometheus, not of a proxy's login page"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: check the load of Prometheus, or raise the timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &authority):
		return text + ": check " + EnvCA
	case errors.As(err, &certificate), errors.As(err, &name):
		return text + ": check the server's certificate and " + EnvServerName
	case errors.As(err, &network) && network.Op == "remote error": // so TLS calls what the other side says
		return text + ": check the client certificate, " + EnvCert + " and " + EnvKey
	case errors.As(err, &network):
		return text + ": check that Prometheus is up, and its address"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return text + ": the answer ends too early: check Prometheus and what is in front of it"
	}
	return text + ": check Prometheus and its address"
}

// tokenRefused is what an OAuth 2.0 client says of a token server that refuses, without what follows: the server's own words.
var tokenRefused = regexp.MustCompile(`oauth2: (cannot fetch token: [^\n]*|"[^"\n]*")`)

func explainRefusal(e *v1.Error) string {
	text := printable(string(e.Type) + ": " + e.Msg)
	switch {
	case e.Type == v1.ErrBadData, e.Type == v1.ErrExec:
		return text + ": check the template"
	case e.Type == v1.ErrTimeout, e.Type == v1.ErrCanceled:
		return text + ": check the load of Prometheus"
	case e.Type == v1.ErrClient && (strings.Contains(e.Msg, "401") || strings.Contains(e.Msg, "403")):
		return text + ": check the token, " + EnvToken + " or " + EnvTokenPath + ", and what it may read"
	case e.Type == v1.ErrClient && strings.Contains(e.Msg, "429"):
		return text + ": check the limits of Prometheus and of what is in front of it, or lower Concurrency"
	case e.Type == v1.ErrClient && strings.Contains(e.Msg, "413"):
		return text + ": check the limits of what is in front of Prometheus, or lower ChunkModels"
	case e.Type == v1.ErrClient:
		return text + ": check the address and its path"
	case e.Type == v1.ErrServer:
		return text + ": check Prometheus and what is in front of it"
	}
	return text + ": check that the address is that of Prometheus"
}

// printable bounds what a server says and takes out what could spoil a log.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// problems says what is wrong, in a fixed order.
func (r *round) problems() []wva.MetricsProblem {
	all := slices.Clone(r.fleet.unasked)
	for key, why := range r.failed {
		all = append(all, wva.MetricsProblem{ModelKey: key, Reason: wva.PrometheusError, Message: why})
	}
	for why := range r.remarks {
		all = append(all, wva.MetricsProblem{Reason: wva.PrometheusError, Message: why})
	}
	for key, s := range r.strangers {
		all = append(all, wva.MetricsProblem{ModelKey: key, Reason: wva.MetricsFound,
			Message: fmt.Sprintf("%d pods serve %s and belong to no variant, among them %s: check the variants' scale targets", s.count, key, s.first)})
	}
	reporting, pods := r.reporting(), r.byVariant()
	for i, v := range r.fleet.variants {
		if have, want := reporting[i], expected(v); have < want && r.failed[v.Key()] == "" {
			all = append(all, r.silence(v, pods[i], have, want))
		}
	}
	slices.SortFunc(all, compareProblems)
	return all
}

func compareProblems(a, b wva.MetricsProblem) int {
	return slices.Compare([]string{a.Namespace, a.Model, a.Variant, string(a.Reason), a.Message}, []string{b.Namespace, b.Model, b.Variant, string(b.Reason), b.Message})
}

// byVariant returns the pods of each variant by name.
func (r *round) byVariant() [][]*replica {
	pods := make([][]*replica, len(r.fleet.variants))
	for _, p := range r.replicas {
		if p != nil {
			pods[p.variant] = append(pods[p.variant], p)
		}
	}
	for _, p := range pods {
		slices.SortFunc(p, func(a, b *replica) int { return strings.Compare(a.Replica, b.Replica) })
	}
	return pods
}

// age is that of a sample.
func (r *round) age(at wva.Reading) time.Duration {
	return r.at.Time().Sub(seconds(at.Value)).Round(time.Second)
}

// silence says why replicas of a variant do not report, as far as Prometheus can tell.
func (r *round) silence(v wva.Variant, pods []*replica, have, want int) wva.MetricsProblem {
	p := wva.MetricsProblem{ModelKey: v.Key(), Variant: v.ID.Name, Reason: wva.MetricsMissing}
	said := fmt.Sprintf("%d of %d replicas of %s report", have, want, v.ID)
	var latest *replica
	for _, x := range pods {
		switch {
		case x.possible():
		case x.KVUsage.Valid && !(x.KVUsage.Value >= 0 && x.KVUsage.Value <= 1):
			p.Message = fmt.Sprintf("%s; %s has a KV usage of %v: want 0 to 1; check its metrics, or the template", said, x.Replica, x.KVUsage.Value)
			return p
		case x.sampled.Valid && r.age(x.sampled) >= r.source.options.Windows.Peak:
			p.Message = fmt.Sprintf("%s; the last sample of %s is %v old, and its peak is looked for within %v: scrape it more often, or widen Windows.Peak beyond the scrape interval",
				said, x.Replica, r.age(x.sampled), r.source.options.Windows.Peak)
			return p
		case x.sampled.Valid:
			p.Message = fmt.Sprintf("%s; %s is scraped, but its KV usage or queue length is missing or no number: check its metrics, or the template", said, x.Replica)
			return p
		case x.lastSeen.Valid && (latest == nil || x.lastSeen.Value > latest.lastSeen.Value):
			latest = x
		}
	}
	l := r.source.options.Labels
	if latest == nil {
		p.Message = fmt.Sprintf("%s: check that the servers are up, that Prometheus scrapes them (a PodMonitor or ServiceMonitor) and that their labels %s, %s and %s name namespace, pod and model %q",
			said, l.Namespace, l.Pod, l.Model, v.Model)
		return p
	}
	age := r.age(latest.lastSeen)
	if age > r.source.options.StaleAfter {
		p.Reason = wva.MetricsStale
	}
	p.Message = fmt.Sprintf("%s; the last sample of %s is %v old: check that the server is up and that Prometheus still scrapes it", said, latest.Replica, age)
	return p
}
