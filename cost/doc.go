// Package cost prices replicas.
//
// Two prices are in use. [UnitCosts] says what one device of an accelerator costs per hour; it comes from the
// accelerator-unitcost document ([ParseUnitCosts]) and prices an [Allocation], which is what an optimizer compares. A
// variant cost says what one replica of a variant costs per hour ([ParseVariantCost]); it ranks the variants of one
// model when one of them must grow or shrink.
//
// A cost per hour is a float64 in the currency unit of the documents (the published ones count cents), from 0 to
// [Highest]. All prices of one configuration have to be in the same unit.
package cost

// Highest is more than any device or replica costs an hour, in any currency; the costs of whole fleets stay finite and precise below it.
const Highest = 1e12
