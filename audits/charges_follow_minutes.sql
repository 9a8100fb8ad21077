-- Charges are minutes times the rate of the time of day, rounded to cents.
select *
from {{ this }}
where {{ differs('total_day_charge', charge('total_day_minutes', 0.17)) }}
   or {{ differs('total_eve_charge', charge('total_eve_minutes', 0.085)) }}
   or {{ differs('total_night_charge', charge('total_night_minutes', 0.045)) }}
   or {{ differs('total_intl_charge', charge('total_intl_minutes', 0.27)) }}
