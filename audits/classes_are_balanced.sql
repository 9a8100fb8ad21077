-- The rarest value of a column must have at least a given share of the rows.
select "{{ column }}", count(*) as n
from {{ this }}
group by 1
having n < {{ smallest_share }} * (select count(*) from {{ this }})
