package model

// Accelerator is one device, by its data sheet.
type Accelerator struct {
	Name      string  `json:"name"`      // as variants and unit costs name it, "H100"
	Type      string  `json:"type"`      // product, as nodes are labelled with it
	Memory    int64   `json:"memory"`    // bytes
	Bandwidth float64 `json:"bandwidth"` // of the memory, bytes per second
	PeakFLOPS float64 `json:"peakFLOPS"` // dense FP16 tensor operations per second
}

const mib = 1 << 20

// Accelerators returns the built-in catalogue, by name. Sources: NVIDIA A100 data sheet (80GB PCIe and 40GB SXM columns, June 2021), NVIDIA H100 data
// sheet (SXM column, half of the rate with sparsity), AMD Instinct MI300X data sheet. Memory is what the devices report in MiB.
func Accelerators() []Accelerator {
	return []Accelerator{
		{Name: "A100", Type: "NVIDIA-A100-PCIE-80GB", Memory: 81920 * mib, Bandwidth: 1.935e12, PeakFLOPS: 312e12},
		{Name: "A100-40GB", Type: "NVIDIA-A100-SXM4-40GB", Memory: 40960 * mib, Bandwidth: 1.555e12, PeakFLOPS: 312e12},
		{Name: "H100", Type: "NVIDIA-H100-80GB-HBM3", Memory: 81920 * mib, Bandwidth: 3.35e12, PeakFLOPS: 989.4e12},
		{Name: "MI300X", Type: "AMD-MI300X-192GB", Memory: 196608 * mib, Bandwidth: 5.3e12, PeakFLOPS: 1307.4e12},
	}
}

// LookupAccelerator finds an accelerator of the catalogue by name or type.
func LookupAccelerator(nameOrType string) (Accelerator, bool) {
	for _, a := range Accelerators() {
		if a.Name == nameOrType || a.Type == nameOrType {
			return a, true
		}
	}
	return Accelerator{}, false
}
