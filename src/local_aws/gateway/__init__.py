"""Who answers what: `listener`, `dispatch`, `operations` (and scope.json), `calls`."""
