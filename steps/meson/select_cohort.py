"""Which users take part, by a query: those who said enough, in the regions where there are enough of them."""

from ..interactions import Interactions
from ..sql import sql_step

select_cohort = sql_step(
    """
WITH active AS (
    SELECT user_id, market FROM events
    GROUP BY user_id, market
    HAVING count(*) BETWEEN :minimum_interactions AND :maximum_interactions
), open_regions AS (
    SELECT market FROM active GROUP BY market HAVING count(*) >= :minimum_users_per_region
)
SELECT user_id, item_id, market AS region
FROM events SEMI JOIN active USING (user_id, market) SEMI JOIN open_regions USING (market)
ORDER BY region, user_id, item_id
""",
    name="select_cohort",
    output="cohort",
    engine="duckdb",
    inputs={"events": Interactions},
    settings={"minimum_interactions": 5, "maximum_interactions": 1000, "minimum_users_per_region": 100},
)
