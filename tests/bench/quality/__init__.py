"""How good the models of a search are: on real tables, against others' defaults and other searches.

- `tables`: the real tables, and which of them the portfolio is learnt on.
- `trials`: cross-validated trials of a split, kept on disk, so that every way of searching can be replayed.
- `ways`: which trials a way runs, and which model comes out.
- `peers`, `peer`: the same split with scikit-learn's, LightGBM's, FLAML's and AutoGluon's own means.
- `portfolio`: which configurations are tried first, learnt on other tables than those judged.
- `results`: what is kept, and how it is compared.
- `report`: ranks, changes and their intervals, as a page in docs/models.
"""
