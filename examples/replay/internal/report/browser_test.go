package report

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var pictures = flag.String("pictures", "", "directory for pictures of the page, light and dark, wide and narrow, and printed")

// The page opens in a browser, asks for nothing outside itself, has nothing to complain of, and fits a desk and a telephone, light and dark.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := startChromium(t)
	path := filepath.Join(t.TempDir(), "replay.html")
	write(t, path, sample(t).HTML)
	url := "file://" + path
	for _, tt := range []struct {
		scheme string
		width  int
	}{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}} {
		browser.call("Emulation.setDeviceMetricsOverride", values{"width": tt.width, "height": 900, "deviceScaleFactor": 1, "mobile": tt.width < 600}, nil)
		browser.call("Emulation.setEmulatedMedia", values{"features": []values{{"name": "prefers-color-scheme", "value": tt.scheme}}}, nil)
		browser.open(url)
		checkLayout(t, browser, tt.width)
		var background string
		browser.evaluate("getComputedStyle(document.body).backgroundColor", &background)
		if dark := background != "rgb(255, 255, 255)"; dark != (tt.scheme == "dark") {
			t.Errorf("%s: the page's background is %s", tt.scheme, background)
		}
		if *pictures != "" {
			name := filepath.Join(*pictures, tt.scheme+map[bool]string{true: "-narrow", false: "-wide"}[tt.width < 600]+".png")
			if err := os.WriteFile(name, browser.screenshot(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkSelection(t, browser)
	checkPrint(t, browser)
	checkSilence(t, browser, url)
}

// checkLayout finds what sticks out of the page, and texts of plots that are too small to read.
func checkLayout(t *testing.T, browser *chromium, width int) {
	t.Helper()
	var got struct {
		Page, Figures, Outside, Reasons int
		Text, Names                     float64
	}
	browser.evaluate(`({
		page: document.documentElement.scrollWidth,
		figures: document.querySelectorAll("figure svg").length,
		outside: [...document.querySelectorAll("figure, p, h1, h2, ul, summary, .scroll")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length,
		reasons: (() => {
			const closed = [...document.querySelectorAll("details:not([open])")];
			closed.forEach(e => e.open = true);
			const hidden = [...document.querySelectorAll(".decisions td:last-child")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length;
			closed.forEach(e => e.open = false);
			return hidden;
		})(),
		names: (() => {
			const cells = [...document.querySelectorAll(".numbers tbody th")], before = cells.map(e => e.innerHTML);
			cells.forEach(e => e.append("-and-a-name-that-is-much-too-long".repeat(9)));
			const widest = Math.max(...cells.map(e => e.getBoundingClientRect().width));
			cells.forEach((e, i) => e.innerHTML = before[i]);
			return widest;
		})(),
		text: Math.min(...[...document.querySelectorAll("figure text")].map(e => e.getBoundingClientRect().height))
	})`, &got)
	if got.Page > width || got.Outside > 0 {
		t.Errorf("at %d pixels the page is %d wide, and %d elements stick out", width, got.Page, got.Outside)
	}
	if got.Names > float64(width)/2 { // they stay in sight, in front of the rest of the table
		t.Errorf("at %d pixels long names take %.0f", width, got.Names)
	}
	if got.Reasons > 0 {
		t.Errorf("at %d pixels %d reasons of decisions are out of sight", width, got.Reasons)
	}
	if got.Figures == 0 || got.Text < 9 {
		t.Errorf("at %d pixels there are %d plots, whose smallest text is %.1f pixels high", width, got.Figures, got.Text)
	}
}

// checkSelection ticks a policy: its lines stay, and those of the others fade.
func checkSelection(t *testing.T, browser *chromium) {
	t.Helper()
	var opacity []string
	browser.evaluate(`(() => {
		const box = document.querySelector(".comparison .legend [value='1']");
		const lines = () => [0, 1, 2].map(i => getComputedStyle(document.querySelector(".comparison figure [style*='var(--c" + i + ")']")).opacity);
		const before = lines();
		box.click();
		const during = lines();
		box.click();
		return [...before, ...during];
	})()`, &opacity)
	if want := []string{"1", "1", "1", "0.1", "1", "0.1"}; !slices.Equal(opacity, want) {
		t.Errorf("before and after a tick the opacity of three policies is %v, want %v", opacity, want)
	}
}

// checkPrint has the page printed: the decisions are open on paper.
func checkPrint(t *testing.T, browser *chromium) {
	t.Helper()
	var printed struct{ Data string }
	browser.call("Page.printToPDF", values{"printBackground": false}, &printed)
	pdf, err := base64.StdEncoding.DecodeString(printed.Data)
	if err != nil || len(pdf) < 10_000 {
		t.Errorf("a print of %d bytes: %v", len(pdf), err)
	}
	browser.call("Emulation.setEmulatedMedia", values{"media": "print", "features": []values{{"name": "prefers-color-scheme", "value": "dark"}}}, nil)
	var background string
	browser.evaluate("getComputedStyle(document.body).backgroundColor", &background)
	if background != "rgb(255, 255, 255)" {
		t.Errorf("printed from a dark screen, the page is %s", background)
	}
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, "print.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// checkSilence looks for complaints and for requests to anything but the page itself.
func checkSilence(t *testing.T, browser *chromium, url string) {
	t.Helper()
	for _, e := range browser.said("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") {
		t.Errorf("%s: %s", e.Method, e.Params)
	}
	requests := browser.said("Network.requestWillBeSent")
	for _, e := range requests {
		var sent struct{ Request struct{ URL string } }
		if err := json.Unmarshal(e.Params, &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Request.URL != url && !strings.HasPrefix(sent.Request.URL, "data:") && sent.Request.URL != "about:blank" {
			t.Errorf("the page asks for %s", sent.Request.URL)
		}
	}
	if len(requests) == 0 {
		t.Error("no request was seen, not even for the page")
	}
}

// A page that breaks the rules is found out: the checks above can fail.
func TestBrowserSeesTrouble(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := startChromium(t)
	path := filepath.Join(t.TempDir(), "bad.html")
	text := `<!DOCTYPE html><meta charset="utf-8"><title>bad</title><script>console.error("trouble")</script><img src="http://127.0.0.1:9/outside.png"><div style="width:5000px">wide</div>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	browser.open("file://" + path)
	outside := false
	for _, e := range browser.said("Network.requestWillBeSent") {
		outside = outside || strings.Contains(string(e.Params), "outside.png")
	}
	var width int
	browser.evaluate("document.documentElement.scrollWidth", &width)
	if len(browser.said("Runtime.consoleAPICalled")) == 0 || !outside || width < 5000 {
		t.Errorf("console %d, outside request %v, width %d", len(browser.said("Runtime.consoleAPICalled")), outside, width)
	}
}
