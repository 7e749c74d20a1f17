package saturation_test

import (
	"fmt"

	"github.com/wva-go/wva/saturation"
)

// A model's entry inherits what it leaves out, and a mistake is reported where it stands.
func ExampleParseConfigs() {
	configs, err := saturation.ParseConfigs(map[string]string{
		"default":          "kvCacheThreshold: 0.80\nqueueSpareTrigger: 4\n",
		"llama-production": "model_id: llama\nnamespace: production\nkvCacheThreshold: 0.70\n",
		"qwen-production":  "model_id: qwen\nnamespace: production\nkvCacheThreshold: 70\n",
	})
	c := configs.For("production", "llama")
	fmt.Println(c.KVCacheThreshold, c.QueueSpareTrigger, c.KVSpareTrigger)
	fmt.Println(err)
	// Output:
	// 0.7 4 0.1
	// qwen-production:1: qwen: kvCacheThreshold 70: want a number from 0 to 1
}
