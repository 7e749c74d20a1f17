package model

// Accelerator is one device.
type Accelerator struct {
	Name, Type string
}

// LookupAccelerator finds an accelerator of the catalogue by name or type.
func LookupAccelerator(nameOrType string) (Accelerator, bool) { return Accelerator{}, false }
