package simulator

// queue is a first-in first-out list that grows as needed and reuses its space.
type queue[T any] struct {
	ring  []T
	start int
	size  int
}

func (q *queue[T]) len() int { return q.size }

// at returns the i-th element from the front.
func (q *queue[T]) at(i int) T { return q.ring[(q.start+i)%len(q.ring)] }

func (q *queue[T]) first() T { return q.ring[q.start] }

func (q *queue[T]) push(v T) {
	q.grow()
	q.ring[(q.start+q.size)%len(q.ring)] = v
	q.size++
}

func (q *queue[T]) pushFront(v T) {
	q.grow()
	q.start = (q.start - 1 + len(q.ring)) % len(q.ring)
	q.ring[q.start] = v
	q.size++
}

func (q *queue[T]) pop() T {
	var zero T
	v := q.ring[q.start]
	q.ring[q.start] = zero
	q.start = (q.start + 1) % len(q.ring)
	q.size--
	return v
}

func (q *queue[T]) popLast() T {
	var zero T
	i := (q.start + q.size - 1) % len(q.ring)
	v := q.ring[i]
	q.ring[i] = zero
	q.size--
	return v
}

func (q *queue[T]) grow() {
	if q.size < len(q.ring) {
		return
	}
	bigger := make([]T, max(8, 2*len(q.ring)))
	for i := range q.size {
		bigger[i] = q.at(i)
	}
	q.ring, q.start = bigger, 0
}
