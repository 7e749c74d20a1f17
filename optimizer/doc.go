// Package optimizer finds the cheapest allocation of replicas that serves every workload, and proves how good it is.
//
// A [Workload] is a model with a service class and a load; its candidates ([Candidate]) say which accelerators may serve it, what a replica costs and
// which rate it carries within the SLO. [Optimize] chooses candidates and replica counts: every workload its cheapest where devices are
// unlimited, and otherwise first what can be served in the order of priorities, then what is cheapest, under the devices there are of each type,
// quotas and budgets. A change of accelerator has to save more than its transition penalty.
//
// The choice is solved, not only walked through: an exact linear relaxation, branch and bound and a neighbourhood search over it, and a [Plan] that carries its cost, the
// lower bound and the gap between them. Budgets of the search count nodes, never seconds, so that the same problem has the same plan everywhere. Every
// workload says why it got what it got: what it would have cost otherwise, what was missing, what binds.
//
// [Options.Greedy] walks greedily instead, as WVA does, for comparison.
package optimizer
