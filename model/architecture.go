package model

// Architecture is the kind of a model's network. The performance model is calibrated for dense transformers.
type Architecture string

// Warning says what to expect of predictions for an architecture that is not dense; it is empty for one that is.
func (a Architecture) Warning() string { return "" }
