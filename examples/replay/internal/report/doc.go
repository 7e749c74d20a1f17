// Package report shows what policies made of a contest: a page for a browser, a table for a terminal or a README, JSON and CSV.
//
// The page is one file without scripts that asks for nothing outside itself. Its plots are drawn by gonum/plot, each in a wide and in a narrow
// form, with colours that follow the page's light or dark.
package report
