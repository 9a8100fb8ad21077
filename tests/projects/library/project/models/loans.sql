select l.*, g.branch, g.joined, {{ year('l.lent') }} as lent_in
from {{ source('desk', 'loans') }} l
join {{ ref('grown_ups') }} g using (member_id)
order by loan_id
