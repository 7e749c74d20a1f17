package model_test

import (
	"fmt"

	"github.com/wva-go/wva/model"
)

// A variant that names no class has the one that is served first among those that list its model.
func ExampleServiceClasses_For() {
	classes, err := model.ParseServiceClasses(map[string]string{"serviceClasses": `
- {name: Premium, model: meta/llama-3.1-8b, priority: 1, slo-itl: 24, slo-ttw: 500}
- {name: Freemium, model: meta/llama-3.1-8b, priority: 10, slo-itl: 100, slo-ttw: 2000}
`})
	if err != nil {
		fmt.Println(err)
		return
	}
	class, slo, _ := classes.For("", "meta/llama-3.1-8b")
	fmt.Println(class.Name, slo.ITL, slo.TTFT)
	class, slo, _ = classes.For("Freemium", "meta/llama-3.1-8b")
	fmt.Println(class.Name, slo.ITL, slo.TTFT)
	// Output:
	// Premium 24ms 500ms
	// Freemium 100ms 2s
}
