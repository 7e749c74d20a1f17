package saturation

import (
	"math"
	"math/bits"
)

// spare sums the spare capacity of replicas that are not saturated.
type spare struct {
	n         int
	kv, queue sum
}

func (s *spare) add(kv, queue float64) {
	s.n++
	s.kv.add(kv)
	s.queue.add(queue)
}

func (s *spare) merge(other *spare) {
	s.n += other.n
	s.kv.merge(other.kv)
	s.queue.merge(other.queue)
}

// means returns the averages, 0 without any replica.
func (s *spare) means() (kv, queue float64) {
	if s.n == 0 {
		return 0, 0
	}
	return s.kv.mean(s.n), s.queue.mean(s.n)
}

// sum adds floats that are not negative in 128-bit fixed point, whole + fraction/2⁶⁴, so that the order of the addends makes
// no difference, which it does in floating point and could then tip a comparison with a trigger. It is exact for addends
// that are multiples of 2⁻⁶⁴, so for all from 2⁻¹¹ up to 2⁶³; what others have below 2⁻⁶⁴ is cut off.
type sum struct {
	whole, fraction uint64
}

func (s *sum) add(v float64) {
	whole := math.Floor(v)
	s.merge(sum{uint64(whole), uint64((v - whole) * (1 << 63) * 2)})
}

func (s *sum) merge(other sum) {
	var carry uint64
	s.fraction, carry = bits.Add64(s.fraction, other.fraction, 0)
	s.whole += other.whole + carry
}

// mean divides by n > 0 before it rounds, so that the mean of n equal numbers is that number, whatever n.
func (s *sum) mean(n int) float64 {
	whole, rest := s.whole/uint64(n), s.whole%uint64(n)
	fraction, _ := bits.Div64(rest, s.fraction, uint64(n))
	return float64(whole) + float64(fraction)/(1<<63)/2
}
