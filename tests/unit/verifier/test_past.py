"""Status as of a past instant: on random instants it is what a naive fold gives, and every lie is found."""
