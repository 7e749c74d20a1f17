// Package trace reads and makes loads that can be played again and again: every policy is put under the same requests.
//
// A [Source] streams. A trace of any size is read line by line, each time that it is played, so that memory does not grow with it;
// [Take] reads it once in advance, finds everything that is wrong with it, and says how many requests of which lengths come when.
package trace
