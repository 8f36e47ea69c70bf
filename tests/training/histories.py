"""What a training loop reports, kept."""


class History(list):
    """A loop's `log`: a dict a step."""

    def __call__(self, metrics, step):
        self.append({"step": step, **metrics})

    def of(self, name):
        return [row[name] for row in self]
