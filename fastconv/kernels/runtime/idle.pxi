# The plans of a network that predicts on several threads: each runs on one thread at a time.


@cython.final
cdef class Idle:
    """The plans that nobody runs, the last used last; of all only the last few, `most`, are kept.

    A plan is anything with `images`, the size of its batch. Lists are changed in one step, so no lock is needed.
    """
    cdef readonly list plans
    cdef int most

    def __init__(self, int most):
        self.plans, self.most = [], most

    def take(self, Py_ssize_t n):
        """A plan for so many images, which is then the caller's alone; None if there is none."""
        cdef list others = None
        while self.plans:
            try:
                plan = self.plans.pop()
            except IndexError:  # another thread was quicker
                break
            if <Py_ssize_t> plan.images == n:
                if others is not None:
                    self.plans.extend(reversed(others))
                return plan
            if others is None:
                others = []
            others.append(plan)
        if others is not None:
            self.plans.extend(reversed(others))
        return None

    def put_back(self, plan):
        """Keep a plan for the next prediction of as many images."""
        self.plans.append(plan)
        if len(self.plans) > self.most:
            del self.plans[:-self.most]
